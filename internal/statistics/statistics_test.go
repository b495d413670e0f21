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

// Wanted values: binomial tails by Python's fractions.
func TestBeyondChance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		count, of     int64
		share         float64
		above, beyond bool
	}{
		{0, 0, 0, false, false},
		{0, 50, 0, false, false},
		{1, 1_000_000, 0, true, true}, // of a share of 0 one is more
		{1, 50, 0.01, true, false},    // 0.39
		{4, 50, 0.01, true, false},    // 0.0016
		{5, 50, 0.01, true, true},     // 0.00015
		{6, 600, 0.01, false, false},
		{15, 600, 0.01, true, false}, // 0.0013
		{16, 600, 0.01, true, true},  // 0.00047
		{600, 600, 1, false, false},
	} {
		require.Equal(t, test.above, statistics.Above(test.count, test.of, test.share), "%+v", test)
		require.Equal(t, test.beyond, statistics.BeyondChance(test.count, test.of, test.share), "%+v", test)
	}
}

// Wanted by hand.
func TestMidRanks(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{2, 1, 3.5, 5, 3.5}, statistics.MidRanks([]float64{0.2, 0.1, 0.3, 0.4, 0.3}))
	require.Equal(t, []float64{2, 2, 2}, statistics.MidRanks([]float64{7, 7, 7}))
	require.Empty(t, statistics.MidRanks(nil))
}
