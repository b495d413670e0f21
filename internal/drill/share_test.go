package drill_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/drill"
)

// hit lists which of the first n requests the drill hits.
func hit(t *testing.T, text string, n uint64) []uint64 {
	d, err := drill.Parse(text)
	require.NoError(t, err)
	hits := []uint64{}
	for request := uint64(1); request <= n; request++ {
		if d.Hits(request) {
			hits = append(hits, request)
		}
	}
	return hits
}

// Wanted by hand: the n-th request is hit when n times the share reaches a whole number that n - 1 times it does not.
func TestHits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		drill string
		of    uint64
		want  []uint64
	}{
		{"", 100, []uint64{}},
		{"swap", 100, []uint64{}}, // befalls decisions
		{"crash_after=3", 100, []uint64{3}},
		{"errors=5%", 100, []uint64{20, 40, 60, 80, 100}},
		{"reject=50%", 5, []uint64{2, 4}},
		{"hang=30%", 20, []uint64{4, 7, 10, 14, 17, 20}}, // 1.2, 2.1, 3.0, 4.2, 5.1, 6.0
		{"hang=100%", 4, []uint64{1, 2, 3, 4}},
		{"errors=66.67%", 7, []uint64{2, 3, 5, 6}}, // 1.33, 2.0001, 3.33, 4.0002; 7 gives 4.67
		{"errors=99.99%", 3, []uint64{2, 3}},       // 0.9999, then 1.9998 and 2.9997
		{"errors=0.5%", 400, []uint64{200, 400}},
		{"errors=0.01%", 20_000, []uint64{10_000, 20_000}},
		{"delay=1s", 3, []uint64{1, 2, 3}},
		{"leak=8MiB", 3, []uint64{1, 2, 3}},
		{"delay=1s@3%", 100, []uint64{34, 67, 100}}, // 1.02, 2.01, 3.0
	} {
		t.Run(test.drill, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, hit(t, test.drill, test.of))
		})
	}
}

// However few requests are looked at, and wherever one begins, they have their share: k times it, rounded down or up.
func TestHitsAreSpacedEvenly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Uint64Range(1, all).Draw(t, "share in hundredths of a percent")
		k := rapid.Uint64Range(1, 3*all).Draw(t, "requests")
		first := rapid.Uint64Range(1, 1<<40).Draw(t, "first")
		d := drill.Drill{Kind: drill.Errors, Share: drill.Share(share)}
		var hits uint64
		for n := first; n < first+k; n++ {
			if d.Hits(n) {
				hits++
			}
		}
		require.GreaterOrEqual(t, hits, k*share/all)
		require.LessOrEqual(t, hits, (k*share+all-1)/all)
	})
}
