package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
)

func upTo(x float64) Bin { return Bin{Kind: OfRange, UpTo: &x} }

// Wanted by hand. Of 100 numbers 40, none, 50, 10 and none lie in the five bins: the middle rows are in the tenths 2, 6 and 9, and a bin without rows is
// with the one before it. Of the values of a category those of five rows or more have a bin.
func TestDistribution(t *testing.T) {
	t.Parallel()
	number := drift.FeatureBins{Feature: drift.Feature{Name: "income"}, Numbers: &drift.NumberBins{Cuts: []float64{1234.5, 2000, 34567, 50000}, Means: []float64{1, 2, 3, 4, 5}}}
	category := drift.FeatureBins{Feature: drift.Feature{Name: "purpose", Category: true}, Levels: []string{"car", "home", "rare"}}
	for _, test := range []struct {
		of               drift.FeatureBins
		reference, fresh []int64
		want             Distribution
	}{
		{number, []int64{0, 40, 0, 50, 10, 0, 0, 0}, []int64{1, 1, 1, 2, 0, 0, 3, 2}, Distribution{
			Feature: "income", Bins: []Bin{{Kind: BelowAll}, upTo(2000), upTo(34600), {Kind: OfRange}, {Kind: AboveAll}, {Kind: OfMissing}},
			Reference: []float64{0, 0.4, 0.5, 0.1, 0, 0}, Fresh: []float64{0.1, 0.2, 0.2, 0, 0.3, 0.2},
		}},
		{category, []int64{10, 5, 4, 0, 0, 1}, []int64{0, 0, 0, 0, 0, 0}, Distribution{
			Feature: "purpose", Bins: []Bin{{Kind: OfLevel, Level: "car"}, {Kind: OfLevel, Level: "home"}, {Kind: OfOthers}, {Kind: OfMissing}},
			Reference: []float64{0.5, 0.25, 0.2, 0.05}, Fresh: []float64{0, 0, 0, 0},
		}},
	} {
		got := distributions(drift.Bins{Features: []drift.FeatureBins{test.of}}, drift.Counts{Features: [][]int64{test.reference}}, drift.Counts{Features: [][]int64{test.fresh}})
		require.Equal(t, []Distribution{test.want}, got)
	}
}
