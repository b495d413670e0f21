package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRecentKnowsWhatItWasTold(t *testing.T) {
	t.Parallel()
	var r recent
	require.False(t, r.has(1))
	require.True(t, r.add(1))
	require.True(t, r.has(1))
	require.False(t, r.add(1))
	require.True(t, r.add(2))
}

// Held against every hash that was ever added, by when: what came before fewer others than fill a half is known, what was never added
// is not, and no more than two halves are held.
func TestRecentForgetsInOrderAndIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r recent
		fresh := uint64(0)
		last := []uint64{} // the order of the latest additions, for some of which another came later
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			for range rapid.IntRange(0, halfSize).Draw(t, "fresh") {
				fresh++
				require.True(t, r.add(fresh))
				last = append(last, fresh)
			}
			if len(last) > 0 {
				again := last[rapid.IntRange(max(0, len(last)-halfSize/2), len(last)-1).Draw(t, "again")]
				require.False(t, r.add(again))
				last = append(last, again)
			}
			distinct := map[uint64]bool{}
			for i := len(last) - 1; i >= 0 && len(distinct) < halfSize; i-- {
				distinct[last[i]] = true
				if !r.has(last[i]) {
					t.Fatalf("%d of %d is forgotten after %d others", last[i], fresh, len(distinct)-1)
				}
			}
			require.False(t, r.has(fresh+1))
			require.LessOrEqual(t, len(r.young)+len(r.old), 2*halfSize)
		}
	})
}

// One that is asked about all the time is never new again.
func TestRecentKeepsWhatIsAskedForAllTheTime(t *testing.T) {
	t.Parallel()
	var r recent
	require.True(t, r.add(0))
	for i := range uint64(5 * halfSize) {
		r.add(i + 1)
		if i%(halfSize/2) == 0 {
			require.False(t, r.add(0))
		}
	}
	require.False(t, r.has(1), "while others go")
}
