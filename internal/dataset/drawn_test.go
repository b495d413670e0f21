package dataset_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
)

// So many different rows, ascending, all where there are no more, and the same every time.
func TestDrawn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, n := rapid.IntRange(0, 500).Draw(t, "rows"), rapid.IntRange(0, 600).Draw(t, "n")
		drawn := dataset.Drawn(rows, n)
		require.Len(t, drawn, min(rows, n))
		require.True(t, slices.IsSorted(drawn))
		require.Len(t, slices.Compact(slices.Clone(drawn)), len(drawn))
		require.True(t, len(drawn) == 0 || drawn[0] >= 0 && drawn[len(drawn)-1] < rows)
		require.Equal(t, drawn, dataset.Drawn(rows, n))
	})
	require.Empty(t, dataset.Drawn(5, -1))
}

// Rows that come in turns are drawn alike, and so are those of every tenth of the whole: chi-squared of both, more than which chance brings once in 10,000.
func TestDrawnFallsInWithNoOrder(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{30_000, 40_000, 100_000, 1_000_003} {
		const n = 20_000
		drawn := dataset.Drawn(rows, n)
		hold := func(classes int, class func(row int) int) {
			counts := make([]float64, classes)
			for _, row := range drawn {
				counts[class(row)]++
			}
			x, even := 0.0, float64(n)/float64(classes)
			for _, count := range counts {
				x += (count - even) * (count - even) / even
			}
			require.Less(t, x, distuv.ChiSquared{K: float64(classes - 1)}.Quantile(1-1e-4), "%d of %d in %d classes: %v", n, rows, classes, counts)
		}
		for turns := 2; turns <= 12; turns++ {
			hold(turns, func(row int) int { return row % turns })
		}
		hold(10, func(row int) int { return row * 10 / rows })
	}
}
