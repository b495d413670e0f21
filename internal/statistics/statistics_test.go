package statistics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/statistics"
)

// Wanted values: Wilson's formula in Python, and z²/(n + z²) for none of n.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		count, of    int
		lower, upper float64
	}{
		{20, 100, 0.1333669333, 0.2888291656},
		{8, 10, 0.4901625, 0.9433178},
		{0, 100, 0, 0.0369934982},
		{100, 100, 1 - 0.0369934982, 1},
		{1, 1, 0.2065493, 1},
	} {
		lower, upper := statistics.Wilson(test.count, test.of)
		require.InDelta(t, test.lower, lower, 1e-7, "%+v", test)
		require.InDelta(t, test.upper, upper, 1e-7, "%+v", test)
	}
	lower, _ := statistics.Wilson(0, 37)
	_, upper := statistics.Wilson(37, 37)
	require.Equal(t, []float64{0, 1}, []float64{lower, upper}, "exactly")
}

// Wanted by hand.
func TestMidRanks(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{2, 1, 3.5, 5, 3.5}, statistics.MidRanks([]float64{0.2, 0.1, 0.3, 0.4, 0.3}))
	require.Equal(t, []float64{2, 2, 2}, statistics.MidRanks([]float64{7, 7, 7}))
	require.Empty(t, statistics.MidRanks(nil))
}
