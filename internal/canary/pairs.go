package canary

import (
	"fmt"
	"math"
)

// pairs judges requests that both tracks were asked, pair by pair.
func (j judge) pairs(p Pairs) []finding {
	answered := p.answeredByEither()
	mended := p.Mended
	mended.Refused = 0 // which requests a track refuses is no chance: those that the challenger takes for the first time pay for none that it breaks
	findings := j.faults(rate{of: "requests that either track answered", n: answered, sn: answered, paired: true, pending: max(0, p.Started-p.Ended)}, p.Broken, mended)
	findings = append(findings, j.slow(p.Singles.canary(), p.Singles.stable(), p.Batches.canary(), p.Batches.stable(), false)...)
	// Both tracks decided the same applicants: which ones is no matter of chance.
	e := j.prediction.expect(p.StableScores)
	return append(findings,
		j.flips("approve", p.ToApprove, p.Decided, e.ToApprove, e.Unknown),
		j.flips("decline", p.ToDecline, p.Decided, e.ToDecline, e.Unknown),
		j.scores(p.CanaryScores, e, e.InverseRows))
}

func (p Pairs) answeredByEither() int64 { return p.Answered + p.Mended.total() }

// flips judges the verdicts that the challenger turned one way: as many as predicted, and no fewer.
func (j judge) flips(to string, flips, decided int64, expected expectedFlips, unknown float64) finding {
	limit := j.cfg.MaxUnpredictedShift
	chance := func() float64 {
		return min(expected.tooMany(flips, decided, limit+unknown), expected.tooFew(flips, decided, limit+unknown))
	}
	return finding{
		check: Verdicts, within: j.within(decided, math.Abs(share(flips, decided)-expected.Mean) <= limit || j.prediction.rowless(), chance), chance: chance, suspicion: chance,
		figures: func() string {
			return fmt.Sprintf("%d of %d verdicts turned to %s (%.2f %%), %.2f %% were predicted; the limit is %.2f points off it",
				flips, decided, to, 100*share(flips, decided), 100*expected.Mean, 100*limit)
		},
	}
}

func (l PairedLatency) stable() Latency { return Latency{Count: l.Count, Slow: l.StableSlow} }
func (l PairedLatency) canary() Latency { return Latency{Count: l.Count, Slow: l.CanarySlow} }
