package canary

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Bucket bounds are a Prometheus histogram's: the upper one belongs to the bucket, whatever float64 makes of 7·0.02.
func TestBucket(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]int{0: 0, 0.01: 0, 0.02: 0, 0.020001: 1, 0.25: 12, 0.5: 24, 0.99: 49, 1: 49} {
		require.Equal(t, want, Bucket(score), "%v", score)
	}
	for i, bound := range ScoreBounds() {
		require.Equal(t, i, Bucket(bound))
	}
	require.InDelta(t, 1, ScoreBounds()[ScoreBuckets-1], 1e-15)
}

// Wanted by hand. 10 rows around 0.1 of which 4 flip to approve and 2 to decline, 20 around 0.5 of which none do; an applicant of each four.
func TestExpect(t *testing.T) {
	t.Parallel()
	var p Prediction
	for i := range 10 {
		stable := Decided{Score: 0.1, Approved: i >= 4}
		canary := Decided{Score: 0.3, Approved: i < 8}
		p.Add(stable, canary)
	}
	for range 20 {
		p.Add(Decided{Score: 0.5}, Decided{Score: 0.7})
	}
	var seen Histogram
	seen[Bucket(0.1)], seen[Bucket(0.5)] = 3, 1
	e := p.expect(seen)
	require.InDelta(t, 0.75*0.4, e.ToApprove.Mean, 1e-12)
	require.InDelta(t, 0.75*0.2, e.ToDecline.Mean, 1e-12)
	require.InDelta(t, 0.75*0.2, e.Approvals.Mean, 1e-12)
	require.InDelta(t, 0.75*0.4*0.6, e.ToApprove.Noise, 1e-12)
	require.InDelta(t, 0.75, e.Scores[Bucket(0.3)], 1e-12)
	require.InDelta(t, 0.25, e.Scores[Bucket(0.7)], 1e-12)
	require.InDelta(t, 0.75*0.75/10+0.25*0.25/20, e.InverseRows, 1e-12)
	require.InDelta(t, (0.75*0.2*0.2-0.15*0.15)/4, e.Approvals.WindowVariance, 1e-12)
	// Half an event more on either side: 4.5 and 2.5 of 11, 0.5 and 0.5 of 21.
	require.InDelta(t, 0.75*0.75*(4.5+2.5-2.*2/11)/11/10+0.25*0.25*(1./21)/20, e.Approvals.Variance, 1e-12)
	require.InDelta(t, 0.75*0.75*(4.5/11)*(6.5/11)/10+0.25*0.25*(0.5/21)*(20.5/21)/20, e.ToApprove.Variance, 1e-12)
	require.Equal(t, []bucketFlips{{Applicants: 3, Probability: 0.4}, {Applicants: 1, Probability: 0}}, e.ToApprove.By)
	require.Zero(t, e.Unknown)
}

// Whoever applies, where the prediction has no rows the nearest bucket speaks, and how many those are is said.
func TestExpectWhereNothingIsKnown(t *testing.T) {
	t.Parallel()
	var p Prediction
	p.Add(Decided{Score: 0.11}, Decided{Score: 0.11, Approved: true})
	p.Add(Decided{Score: 0.51}, Decided{Score: 0.51})
	var seen Histogram
	seen[Bucket(0.15)], seen[Bucket(0.99)], seen[Bucket(0.11)] = 1, 1, 2
	e := p.expect(seen)
	require.InDelta(t, 0.5, e.Unknown, 1e-12)
	require.InDelta(t, 0.75, e.ToApprove.Mean, 1e-12)
	require.InDelta(t, 0.25, e.Scores[Bucket(0.51)], 1e-12)
}

// The same model under the same policy is expected to decide alike, with nothing uncertain about it; so is whoever nobody asks.
func TestNoPredictionIsExactAndOneWithoutRowsKnowsNothing(t *testing.T) {
	t.Parallel()
	var seen Histogram
	seen[3], seen[40] = 1, 3
	for unknown, p := range map[float64]*Prediction{0: nil, 1: {}} {
		e := p.expect(seen)
		require.Equal(t, expectation{Scores: e.Scores, Unknown: unknown}, e)
		require.InDelta(t, 0.25, e.Scores[3], 0)
		require.InDelta(t, 0.75, e.Scores[40], 0)
		require.Equal(t, expectation{}, p.expect(Histogram{}))
	}
	// Where nothing could be predicted, every verdict may turn and every score move: that holds nothing up and fails nothing.
	pairs := goodPairs(1000)
	pairs.ToApprove, pairs.CanaryScores = 500, rising(1000)
	_, verdict, reasons := Decide(spec(), &Prediction{}, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Pass, verdict, "%v", reasons)
	_, verdict, _ = Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Fail, verdict)
}

// A prediction re-weighted to its own rows says what happened to them, whatever that was; and it survives its journey through a workflow.
func TestAPredictionOfItsOwnRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p Prediction
		up, down := 0, 0
		rows := rapid.IntRange(1, 100).Draw(t, "rows")
		for range rows {
			stable := Decided{Score: rapid.Float64Range(0, 1).Draw(t, "stable"), Approved: rapid.Bool().Draw(t, "approved")}
			canary := Decided{Score: rapid.Float64Range(0, 1).Draw(t, "canary"), Approved: rapid.Bool().Draw(t, "approved")}
			p.Add(stable, canary)
			if canary.Approved && !stable.Approved {
				up++
			}
			if stable.Approved && !canary.Approved {
				down++
			}
		}
		data, err := json.Marshal(p)
		require.NoError(t, err)
		var again Prediction
		require.NoError(t, json.Unmarshal(data, &again))
		e := again.expect(p.scores())
		require.InDelta(t, float64(up)/float64(rows), e.ToApprove.Mean, 1e-9)
		require.InDelta(t, float64(down)/float64(rows), e.ToDecline.Mean, 1e-9)
		require.InDelta(t, float64(up-down)/float64(rows), e.Approvals.Mean, 1e-9)
		sum := 0.0
		for _, share := range e.Scores {
			sum += share
		}
		require.InDelta(t, 1, sum, 1e-9)
		require.Zero(t, e.Unknown)
	})
}
