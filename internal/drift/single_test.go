package drift

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// levelled is a category with such rows in both samples together, of which the window has so many.
func levelled(both, window []int64) *null {
	f := FeatureBins{Levels: []string{"a", "b", "c", "d"}[:len(both)]}
	reference, fresh := make([]int64, f.bins()), make([]int64, f.bins())
	for i := range both {
		reference[i], fresh[i] = both[i]-window[i], window[i]
	}
	n := newNull(cellsOf(f, reference, fresh), false)
	n.sample()
	return n
}

// The p-value of chi-squared where a level is rare. Wanted of two levels: all windows counted in fractions of whole numbers (Python); of three: by the sum over
// all windows of the probabilities of those as far away. Where two pools are there it is exact, where there are more it is within eight times.
func TestTailsOfRareLevels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		both, window []int64
		wanted       float64
	}{
		{[]int64{19_800, 200}, []int64{582, 18}, 3.527e-05},
		{[]int64{19_800, 200}, []int64{581, 19}, 1.001e-05},
		{[]int64{19_800, 200}, []int64{579, 21}, 6.832e-07},
		{[]int64{9495, 505}, []int64{82, 18}, 2.179e-06},
		{[]int64{98_990, 1010}, []int64{971, 29}, 6.519e-07},
		{[]int64{13_000, 6800, 200}, []int64{378, 204, 18}, 3.503e-05},
		{[]int64{13_000, 6800, 200}, []int64{375, 204, 21}, 5.649e-07},
		{[]int64{13_000, 6800, 200}, []int64{371, 204, 25}, 1.187e-09},
		{[]int64{9800, 100, 100}, []int64{477, 18, 5}, 4.297e-06},
		{[]int64{9800, 100, 100}, []int64{473, 22, 5}, 6.299e-09},
		{[]int64{9800, 100, 100}, []int64{467, 27, 6}, 3.383e-13},
	} {
		p := levelled(test.both, test.window).p(slices.Index(names(), ChiSquared))
		if len(test.both) == 2 {
			require.InEpsilon(t, test.wanted, p, 1e-3, "%v", test.window)
		} else {
			require.InDelta(t, math.Log(test.wanted), math.Log(p), math.Log(8), "%v: %v, not %v", test.window, p, test.wanted)
		}
	}
}

func names() []Name { return []Name{PSI, ChiSquared, JensenShannon} }

// Of two levels the farther a share has moved to one side the smaller the p-value, of every statistic, and every one is a probability.
func TestFartherIsRarer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all, draw := rapid.Int64Range(200, 100_000).Draw(t, "all"), rapid.Int64Range(50, 150).Draw(t, "draw")
		good := rapid.Int64Range(1, all-1).Draw(t, "good")
		low, high := max(0, draw-(all-good)), min(good, draw)
		expected := float64(draw) * float64(good) / float64(all)
		before := [ofBins]float64{1, 1, 1}
		for k := int64(math.Ceil(expected)); k <= high && k >= low; k += 1 + (high-low)/20 {
			f := FeatureBins{Levels: []string{"a", "b"}}
			reference, fresh := make([]int64, f.bins()), make([]int64, f.bins())
			copy(reference, []int64{all - good - (draw - k), good - k})
			copy(fresh, []int64{draw - k, k})
			n := newNull(cellsOf(f, reference, fresh), false)
			for i := range before {
				if !n.two(i) {
					continue
				}
				p := n.p(i)
				require.True(t, p > 0 && p <= before[i]*(1+1e-9), "%d of %d: %v after %v", k, draw, p, before[i])
				before[i] = p
			}
		}
	})
}
