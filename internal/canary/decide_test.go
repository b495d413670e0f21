package canary

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

var config = pipeline.Canary{
	Steps: []int{5, 20, 40, 70}, MinRequests: 25, MaxFailedChecks: 1, MaxInconclusive: 3,
	MaxErrorRate: 0.02, MaxP99Millis: 100, MaxScoreShift: 0.1,
}

// bounds are buckets like the gateway's: latency in seconds, scores in steps of 0.02.
func latency(counts ...int64) Histogram {
	return Histogram{Bounds: []float64{0.005, 0.05, 0.1, 0.5}, Counts: append(counts, make([]int64, 5-len(counts))...)}
}

func scores(at func(bucket int) int64) Histogram {
	h := Histogram{Counts: make([]int64, 51)}
	for i := range 50 {
		h.Bounds = append(h.Bounds, float64(i+1)*0.02)
		h.Counts[i] = at(i)
	}
	return h
}

// falling is a population of mostly low scores, rising its mirror: what swapped scores look like.
func falling(bucket int) int64 { return int64(max(0, 12-bucket)) }
func rising(bucket int) int64  { return falling(49 - bucket) }

func track(requests int64) Track {
	return Track{Requests: requests, Latency: latency(requests), Scores: scores(falling)}
}

func TestDecide(t *testing.T) {
	slow, swapped, crashing, few := track(78), track(78), track(30), track(10)
	slow.Latency = latency(0, 0, 0, 78)
	swapped.Scores = scores(rising)
	crashing.Errors = 12
	unlucky := track(100)
	unlucky.Errors = 1 // Wilson's lower bound of 1/100 is 0.26 %, under the limit of 2 %
	for _, test := range []struct {
		name    string
		canary  Track
		verdict Verdict
		phase   Phase
		weight  int
		reason  string
	}{
		{"like the champion", track(78), Pass, Progressing, 20, "78 requests"},
		{"one error in a hundred", unlucky, Pass, Progressing, 20, "1 errors"},
		{"slow", slow, Fail, Aborted, 0, "latency"},
		{"swapped scores", swapped, Fail, Aborted, 0, "scores"},
		{"crashing", crashing, Fail, Aborted, 0, "errors"},
		{"nobody asked it", few, InsufficientData, Progressing, 5, "insufficient data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, verdict, reasons := Decide(config, Start(config), Observation{Stable: track(78), Canary: test.canary})
			require.Equal(t, test.verdict, verdict, "%v", reasons)
			require.Equal(t, test.phase, status.Phase)
			require.Equal(t, test.weight, status.Weight)
			require.Contains(t, reasons[0], test.reason)
		})
	}
}

func TestDecideHoldsThenAbortsWithoutData(t *testing.T) {
	status := Start(config)
	var verdict Verdict
	for range 2 {
		status, verdict, _ = Decide(config, status, Observation{})
		require.Equal(t, InsufficientData, verdict)
		require.Equal(t, Progressing, status.Phase)
		require.Equal(t, 5, status.Weight, "the weight is held")
	}
	status, _, _ = Decide(config, status, Observation{})
	require.Equal(t, Aborted, status.Phase)
	require.Zero(t, status.Weight)
}

func TestDecideTolerantOfOneFailedCheckWhenAllowed(t *testing.T) {
	tolerant := config
	tolerant.MaxFailedChecks = 2
	slow := track(78)
	slow.Latency = latency(0, 0, 0, 78)
	status, _, _ := Decide(tolerant, Start(tolerant), Observation{Stable: track(78), Canary: slow})
	require.Equal(t, Status{Phase: Progressing, Weight: 5, FailedChecks: 1}, status)
	status, _, _ = Decide(tolerant, status, Observation{Stable: track(78), Canary: slow})
	require.Equal(t, Aborted, status.Phase)
}

// Whatever is observed: weights only grow while progressing, an end is final, and nothing is promoted that has not passed
// every step.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		status, passes := Start(config), 0
		for range rapid.IntRange(1, 30).Draw(t, "analyses") {
			seen := Observation{Stable: track(78), Canary: track(rapid.Int64Range(0, 100).Draw(t, "requests"))}
			seen.Canary.Errors = rapid.Int64Range(0, seen.Canary.Requests).Draw(t, "errors")
			before := status
			var verdict Verdict
			status, verdict, _ = Decide(config, status, seen)
			if before.Phase != Progressing {
				require.Equal(t, before, status)
				continue
			}
			if verdict == Pass {
				passes++
			}
			if status.Phase != Aborted {
				require.GreaterOrEqual(t, status.Weight, before.Weight)
			}
			require.Equal(t, status.Phase == Promoting, passes == len(config.Steps))
			require.Equal(t, status.Phase == Aborted, status.Weight == 0)
		}
	})
}

// Wanted values: statsmodels.stats.proportion.proportion_confint(method="wilson", alpha=0.10), its lower end; and by hand
// z²/(1+z²) inverted for 1 of 1: 1/(1+z²) = 0.26990.
func TestWilsonLower(t *testing.T) {
	require.Zero(t, wilsonLower(0, 0))
	require.InDelta(t, 0, wilsonLower(0, 50), 1e-15)
	require.InDelta(t, 1/(1+normal95*normal95), wilsonLower(1, 1), 1e-12)
	require.InDelta(t, 0.26989, wilsonLower(1, 1), 1e-4)
}

func TestShiftAgainstTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Histogram{Counts: rapid.SliceOfN(rapid.Int64Range(0, 50), 5, 5).Draw(t, "a")}
		b := Histogram{Counts: rapid.SliceOfN(rapid.Int64Range(0, 50), 5, 5).Draw(t, "b")}
		if a.Total() == 0 || b.Total() == 0 {
			return
		}
		want := 0.0
		for i := range a.Counts {
			want = math.Max(want, math.Abs(share(a, i)-share(b, i)))
		}
		got, chance := shift(a, b)
		require.InDelta(t, want, got, 1e-12)
		require.Positive(t, chance)
		reversed, _ := shift(b, a)
		require.InDelta(t, got, reversed, 1e-12)
	})
}

// share is the empirical distribution function after bucket i.
func share(h Histogram, i int) float64 {
	var sum int64
	for _, count := range h.Counts[:i+1] {
		sum += count
	}
	return float64(sum) / float64(h.Total())
}

// Wanted values by hand: ten values evenly in (0, 0.1], so the quantile is q/10.
func TestQuantile(t *testing.T) {
	h := Histogram{Bounds: []float64{0.1, 0.2}, Counts: []int64{10, 0, 0}}
	require.InDelta(t, 0.05, h.Quantile(0.5), 1e-12)
	require.InDelta(t, 0.099, h.Quantile(0.99), 1e-12)
	h.Counts[2] = 1
	require.True(t, math.IsInf(h.Quantile(0.99), 1), "a value above every bound is not resolved")
	require.Zero(t, Histogram{}.Quantile(0.5))
}
