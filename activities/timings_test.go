package activities

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// ascending are n timings of 1 ms, of which the last are of 100 ms.
func ascending(n, slow int) timings {
	var t timings
	for i := range n {
		millis := 1.0
		if i >= n-slow {
			millis = 100
		}
		t.millis = append(t.millis, millis)
	}
	return t
}

// Wanted values by hand: the nearest rank of 1…100.
func TestTimings(t *testing.T) {
	t.Parallel()
	var seen timings
	for i := range 100 {
		seen.millis = append(seen.millis, float64(i+1))
	}
	require.InDelta(t, 50, seen.at(0.5), 0)
	require.InDelta(t, 99, seen.at(0.99), 0)
	require.Equal(t, 0, seen.slower(100), "the limit itself is not slow")
	require.Equal(t, 1, seen.slower(99))
	require.Equal(t, 100, seen.slower(0.5))
	require.Zero(t, timings{}.at(0.99))
	require.Empty(t, timings{}.failures("requests", 1))
	require.Equal(t, []string{"requests: 3 of 100 failed"}, timings{millis: seen.millis, failed: 3}.failures("requests", 100))
	require.Equal(t, []string{"requests: p99 is 99.0 ms, the limit is 95.0 ms; 5 of 100 took longer"}, seen.failures("requests", 95))
}

// The least number of slow requests that is refused: P(X >= slow) by scipy 1.17, binom.sf(slow-1, n, 0.01), is at most 0.01 there
// and above it one before.
func TestOneSlowRequestIsNoSlowModel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		n, refused int
	}{
		{1, 1},     // 0.0100
		{10, 2},    // 0.0043, before 0.0956
		{50, 4},    // 0.0016, before 0.0138
		{100, 5},   // 0.0034, before 0.0184
		{500, 12},  // 0.0052, before 0.0132
		{2000, 32}, // 0.0078, before 0.0131
	} {
		t.Run(fmt.Sprint(test.n), func(t *testing.T) {
			t.Parallel()
			for slow := range test.n + 1 {
				require.Equal(t, slow >= test.refused, len(ascending(test.n, slow).failures("requests", 50)) > 0, "%d slow", slow)
			}
		})
	}
}
