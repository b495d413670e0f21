package dataset_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
)

// By hand: two digits, away from the range; past the number itself where that must not be told.
func TestBoundsOfTwoDigits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ x, down, up, below, above float64 }{
		{0, 0, 0, -1, 1}, {7, 7, 7, 6.9, 7.1}, {72, 72, 72, 71, 73}, {723, 720, 730, 720, 730}, {-723, -730, -720, -730, -720}, {0.0123, 0.012, 0.013, 0.012, 0.013},
		{999, 990, 1000, 990, 1000}, {-999, -1000, -990, -1000, -990}, {80_833, 80_000, 81_000, 80_000, 81_000}, {250_000, 250_000, 250_000, 240_000, 260_000},
	} {
		require.InDelta(t, test.down, dataset.Outwards(test.x, -1), 1e-9, test.x)
		require.InDelta(t, test.up, dataset.Outwards(test.x, 1), 1e-9, test.x)
		require.InDelta(t, test.below, dataset.Past(test.x, -1), 1e-9, test.x)
		require.InDelta(t, test.above, dataset.Past(test.x, 1), 1e-9, test.x)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-1e100, 1e100).Draw(t, "x")
		require.LessOrEqual(t, dataset.Outwards(x, -1), x)
		require.GreaterOrEqual(t, dataset.Outwards(x, 1), x)
		require.Less(t, dataset.Past(x, -1), x)
		require.Greater(t, dataset.Past(x, 1), x)
	})
}
