package canary

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// flipDistribution is the exact distribution of the number of flips: every applicant is another coin.
func flipDistribution(by []bucketFlips, extra int64, beyond float64) []float64 {
	distribution := []float64{1}
	toss := func(p float64) {
		next := make([]float64, len(distribution)+1)
		for i, chance := range distribution {
			next[i] += chance * (1 - p)
			next[i+1] += chance * p
		}
		distribution = next
	}
	for _, b := range by {
		for range b.Applicants {
			toss(b.Probability)
		}
	}
	for range extra {
		toss(beyond)
	}
	return distribution
}

// The bounds are held against the exact distribution: never below it, and not so far above that nothing would ever be found.
func TestFlipsAgainstTheExactDistribution(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var f expectedFlips
		var n int64
		for range rapid.IntRange(1, 4).Draw(t, "buckets") {
			b := bucketFlips{Applicants: rapid.Int64Range(1, 40).Draw(t, "applicants"), Probability: rapid.SampledFrom([]float64{0, 0.01, 0.2, 0.7, 1}).Draw(t, "probability")}
			f.By = append(f.By, b)
			n += b.Applicants
		}
		for _, b := range f.By {
			f.Mean += b.Probability * float64(b.Applicants) / float64(n)
		}
		const beyond = 0.02
		flips := rapid.Int64Range(0, n).Draw(t, "flips")
		atLeast, few := 0.0, 0.0
		for count, chance := range flipDistribution(f.By, n, beyond) {
			if int64(count) >= flips {
				atLeast += chance
			}
		}
		for count, chance := range flipDistribution(f.By, 0, 0) {
			if float64(count) <= float64(flips)+beyond*float64(n) {
				few += chance
			}
		}
		const rounding = 1e-12
		many := f.tooMany(flips, n, beyond)
		require.GreaterOrEqual(t, many, atLeast-rounding)
		require.GreaterOrEqual(t, f.tooFew(flips, n, beyond), few-rounding)
		if many < 1 && atLeast > 1e-15 {
			require.Less(t, many, 60*atLeast)
		}
		f.Variance = 1e-4
		const searched = 1e-6 // as near to the least bound as its search ends
		require.GreaterOrEqual(t, f.tooMany(flips, n, beyond), many*(1-searched), "what is predicted less surely is no surer")
	})
}

// Wanted by hand: exp(-n·KL(0.1, 0.02)), KL = 0.1·ln 5 + 0.9·ln(0.9/0.98) = 0.0842983; as predicted, and a flip that was certain and stayed away.
func TestFlips(t *testing.T) {
	t.Parallel()
	var none expectedFlips
	require.InEpsilon(t, 0.0002182, none.tooMany(10, 100, 0.02), 1e-3)
	require.InDelta(t, 1, none.tooMany(2, 100, 0.02), 0)
	certain := expectedFlips{estimate: estimate{Mean: 1}, By: []bucketFlips{{Applicants: 100, Probability: 1}}}
	require.InDelta(t, 1, certain.tooFew(98, 100, 0.02), 0)
	require.Less(t, certain.tooFew(90, 100, 0.02), 1e-20)
	require.InDelta(t, 1, certain.tooMany(100, 100, 0.02), 0)
}
