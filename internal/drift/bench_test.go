package drift_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
)

// A number whose rows have not moved, one that has moved a little, and one that has moved much, of windows that a monitor meets.
func BenchmarkCompare(b *testing.B) {
	for _, size := range [][2]int{{10_000, 1000}, {10_000, 10_000}, {1000, 20_000}, {100_000, 100_000}} {
		for _, moved := range []float64{0, 4.5, 20} { // standard errors
			b.Run(fmt.Sprintf("%dagainst%d/moved%g", size[1], size[0], moved), func(b *testing.B) {
				m, n := float64(size[0]), float64(size[1])
				reference := rows(normal(1, size[0], 0, 1)...)
				bins, err := drift.NewBins(features[:1], reference)
				require.NoError(b, err)
				before, after := counted(b, bins, reference), counted(b, bins, rows(normal(2, size[1], moved*root((m+n)/(m*n)), 1)...))
				b.ReportAllocs()
				for b.Loop() {
					_, _ = drift.Compare(bins, before, after, drift.Limits{})
				}
			})
		}
	}
}
