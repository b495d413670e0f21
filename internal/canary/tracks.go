package canary

import (
	"fmt"
	"math"
)

// tracks judges what callers saw of the challenger against what others saw of stable in the same windows.
func (j judge) tracks(stable, canary Track) []finding {
	findings := j.ends(stable, canary, false)
	e := j.prediction.expect(stable.Scores)
	return append(findings, j.approvals(stable, canary, e), j.scores(canary.Scores, e, e.InverseRows+1/float64(stable.Decisions)))
}

// ends judges how requests ended, and after which time; before as in rate.
func (j judge) ends(stable, canary Track, before bool) []finding {
	of := rate{of: "requests", n: canary.Requests, sn: stable.Requests, pending: max(0, canary.Started-canary.Requests), before: before}
	findings := j.faults(of, canary.Faults, stable.Faults)
	return append(findings, j.slow(canary.Singles, stable.Singles, canary.Batches, stable.Batches, before)...)
}

// serves judges what a predictor answers for, whoever asks it: stable answered others, before, whose rubbish, verdicts and scores say nothing of
// these.
func (j judge) serves(stable, canary Track) []finding {
	stable.Faults.Refused, canary.Faults.Refused = 0, 0
	return j.ends(stable, canary, true)
}

// approvals judges the difference of the approval shares against the predicted one.
func (j judge) approvals(stable, canary Track, e expectation) finding {
	limit, expected := j.cfg.MaxUnpredictedShift, e.Approvals.Mean
	difference := share(canary.Approved, canary.Decisions) - share(stable.Approved, stable.Decisions)
	chance := func() float64 {
		variance := e.Approvals.Variance + e.Approvals.WindowVariance
		more := uncertainExcess(canary.Approved, canary.Decisions, stable.Approved, stable.Decisions, expected+limit+e.Unknown, variance)
		fewer := uncertainExcess(canary.Decisions-canary.Approved, canary.Decisions, stable.Decisions-stable.Approved, stable.Decisions,
			limit+e.Unknown-expected, variance)
		return min(more, fewer)
	}
	return finding{
		check: Verdicts, within: j.within(canary.Decisions, stable.Decisions > 0 && (math.Abs(difference-expected) <= limit || j.prediction.rowless()), chance), chance: chance, suspicion: chance,
		figures: func() string {
			return fmt.Sprintf("the challenger approved %d of %d (%.2f %%), the champion %d of %d (%.2f %%), a difference of %.2f points was predicted; the limit is %.2f points off it",
				canary.Approved, canary.Decisions, 100*share(canary.Approved, canary.Decisions),
				stable.Approved, stable.Decisions, 100*share(stable.Approved, stable.Decisions), 100*expected, 100*limit)
		},
	}
}
