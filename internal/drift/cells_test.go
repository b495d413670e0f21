package drift

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
)

// The bins of the PSI are tenths of the reference, so those of a draw are tenths of what was drawn as the reference, to the rows of its largest cell. Else a
// reference of far fewer rows than the window would have more exactly a tenth of its rows in each than any draw has, and its tail would be another.
func TestDrawsAreCutByTheirOwnReference(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(15, 16))
	table := func(n int) dataset.Table {
		values := make([]float64, n)
		for i := range values {
			values[i] = rng.NormFloat64()
		}
		return dataset.Table{Columns: []dataset.Column{{Name: "x", Kind: dataset.Float, Floats: values}}}
	}
	reference, window := table(200), table(20_000)
	bins, err := NewBins([]Feature{{Name: "x"}}, reference)
	require.NoError(t, err)
	counts := func(t dataset.Table) []int64 {
		counts, _ := NewCounter(bins).finders[0].count(t.Column("x"))
		return counts
	}
	n := newNull(cellsOf(bins.Features[0], counts(reference), counts(window)), true)
	require.Len(t, n.bins[0], coarse)
	drawn := make([]pair, len(n.rows))
	for range 100 {
		largest := 0.0
		for i, taken := range n.urn.next() {
			drawn[i] = pair{float64(taken), float64(n.urn.cells[i] - taken)}
			largest = max(largest, drawn[i].reference)
		}
		n.measure(drawn, make([]float64, len(n.names)))
		for _, tenth := range n.groupRow[:n.groups] {
			require.InDelta(t, 20, tenth.reference, largest)
		}
	}
}

// A bin without rows is with the one before it, or with the first. Wanted by hand: the middle rows of 0 1 0 5 4 0 are 0.5, 3.5 and 8, of ten.
func TestTenths(t *testing.T) {
	t.Parallel()
	to := make([]int, 6)
	require.Equal(t, 3, tenths([]float64{0, 1, 0, 5, 4, 0}, to))
	require.Equal(t, []int{0, 0, 0, 1, 2, 2}, to)
	require.Equal(t, 1, tenths(make([]float64, 6), to), "no rows are one bin")
	require.Equal(t, make([]int, 6), to)
	require.Zero(t, tenths(nil, nil))
}
