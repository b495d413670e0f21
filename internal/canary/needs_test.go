package canary

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

// spec is the canary that is shipped, without synthetic requests.
func spec() pipeline.Canary {
	return pipeline.Canary{
		Steps: []int{5, 20, 40, 70}, IntervalSeconds: 3, Mirror: true, MinRequests: 25, MaxFailedChecks: 1, MaxWaitHours: 168, BakeSeconds: 5,
		MaxErrorRate: 0.01, MaxP99Millis: 100, MaxBatchP99Millis: 250, MaxSlowShare: 0.01, MaxScoreShift: 0.1, MaxVerdictShift: 0.1, MaxUnpredictedShift: 0.02,
	}
}

// leastByCounting looks at one n after the other; its binomial sum is term by term.
func leastByCounting(rate, limit, probability float64) int64 {
	for n := int64(1); ; n++ {
		term, sum := 1.0, 0.0
		for range n {
			term *= 1 - rate
		}
		for x := int64(0); float64(x) <= limit*float64(n)+1e-9; x++ {
			sum += term
			term *= float64(n-x) / float64(x+1) * rate / (1 - rate)
		}
		if sum <= probability {
			return n
		}
	}
}

func TestSmallest(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]float64{{0.03, 0.01, 0.01}, {0.06, 0.02, 0.01}, {0.05, 0.02, 0.05}, {0.07, 0.04, 0.05}, {0.3, 0.1, 0.01}, {0.9, 0.3, 0.01}} {
		require.Equal(t, leastByCounting(test[0], test[1], test[2]), smallest(test[0], test[1], test[2]), "%v", test)
	}
	require.Zero(t, smallest(0, 0, 0.01), "no number of requests tells a limit of 0")
	require.Zero(t, smallest(3, 1, 0.01), "a limit of 1 is never passed")
	require.Equal(t, int64(1), smallest(1, 0.5, 0.01), "one event in one request is above a half")
}

// Wanted: by counting for rates and flips; by hand for a difference of shares: 0.25·(1.6449/0.03)² is 751.5, over the part of the traffic that
// stable has.
func TestNeeds(t *testing.T) {
	t.Parallel()
	cfg := spec()
	requests := leastByCounting(0.03, 0.01, 0.01)
	for _, test := range []struct {
		name   string
		change func(*pipeline.Canary)
		status Status
		want   Need
	}{
		{"mirror", nil, Status{Phase: Mirroring}, Need{requests, leastByCounting(0.05, 0.02, 0.05)}},
		{"a step after it", nil, Status{Phase: Progressing, Weight: 20}, Need{requests, 0}},
		{"a step without one", func(c *pipeline.Canary) { c.Mirror = false }, Status{Phase: Progressing, Weight: 20}, Need{requests, 940}},
		{"bake", nil, Status{Phase: Baking, Weight: 100}, Need{requests, 0}},
		{"more are wanted", func(c *pipeline.Canary) { c.MinRequests = 1000 }, Status{Phase: Mirroring}, Need{1000, 1000}},
		{"the stricter limit counts", func(c *pipeline.Canary) { c.MaxErrorRate = 0.1 }, Status{Phase: Baking}, Need{requests, 0}},
		{"no limit can be told from 0", func(c *pipeline.Canary) { c.MaxErrorRate, c.MaxSlowShare = 0, 0 }, Status{Phase: Baking}, Need{25, 0}},
		{"the other one can", func(c *pipeline.Canary) { c.MaxErrorRate = 0 }, Status{Phase: Baking}, Need{requests, 0}},
	} {
		c := cfg
		if test.change != nil {
			test.change(&c)
		}
		require.Equal(t, test.want, Needs(c, nil, test.status), test.name)
	}
}

// Where the score does not decide who flips, chance is in the way and more decisions are needed; where it does, none more.
func TestNeedsOfAPrediction(t *testing.T) {
	t.Parallel()
	var noisy, sharp Prediction
	for i := range 100 {
		noisy.Add(Decided{Score: 0.3}, Decided{Score: 0.3, Approved: i%10 == 0})
		sharp.Add(Decided{Score: float64(i) / 100}, Decided{Score: float64(i) / 100, Approved: i <= 10})
	}
	exact := Needs(spec(), nil, Start(spec())).Decisions
	require.Equal(t, exact, Needs(spec(), &sharp, Start(spec())).Decisions)
	require.Equal(t, smallest(0.09+0.05, 0.09+0.02, 0.05), Needs(spec(), &noisy, Start(spec())).Decisions)
	require.Greater(t, Needs(spec(), &noisy, Start(spec())).Decisions, exact)
}

func TestMet(t *testing.T) {
	t.Parallel()
	need := Need{Requests: 100, Decisions: 50}
	for _, test := range []struct {
		requests, decisions int64
		want                int
	}{{0, 0, 0}, {99, 50, 0}, {100, 49, 0}, {100, 50, 1}, {199, 500, 1}, {200, 100, 2}, {400, 199, 2}, {400, 200, 3}} {
		require.Equal(t, test.want, need.met(test.requests, test.decisions), "%v", test)
	}
	require.Equal(t, 1, Need{Requests: 100}.met(100, 0), "decisions are not needed")
}

// Wanted by hand: an eighth of 277 is 34.6.
func TestLooksAt(t *testing.T) {
	t.Parallel()
	for requests, want := range map[int64]int{0: 0, 34: 0, 35: 1, 69: 1, 70: 2, 140: 3, 280: 4, 560: 5} {
		require.Equal(t, want, looksAt(requests, 277), "%d requests", requests)
	}
	require.Equal(t, 1, looksAt(1, 1))
}

// However a canary goes, what all its looks spend stays within the budget.
func TestLevelsStayWithinTheBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := spec()
		cfg.Mirror = rapid.Bool().Draw(t, "mirror")
		cfg.BakeSeconds = rapid.IntRange(0, 1).Draw(t, "bake")
		places := len(cfg.Steps) + cfg.BakeSeconds
		if cfg.Mirror {
			places++
		}
		spent := 0.0
		for range places * 2 {
			before := 0
			for range rapid.IntRange(0, 12).Draw(t, "analyses") {
				looks := before + rapid.IntRange(1, 5).Draw(t, "looks")
				one := level(cfg, before, looks)
				require.Positive(t, one)
				spent += testsPerLook * one
				before = looks
			}
		}
		require.Less(t, spent, falseAborts)
	})
}
