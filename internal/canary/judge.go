package canary

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/pipeline"
)

// finding is what one check says of one class.
type finding struct {
	check Check
	// within: the estimate is within the limit.
	within bool
	// chance bounds the probability that a challenger at its limit shows as much, or more: 1 where the estimate is within it.
	chance func() float64
	// suspicion is the same where what is under way turns out bad.
	suspicion func() float64
	// single: it is within its limit only as a single event is no rate.
	single bool
	// figures are for people: what was seen and what the limit is.
	figures func() string
}

func (f finding) String() string { return string(f.check) + ": " + f.figures() }

// judge holds one class of traffic against the limits.
type judge struct {
	cfg        pipeline.Canary
	prediction *Prediction
	need       Need
}

// rate is a share of the challenger's requests and of stable's, which may be beyond by limit.
type rate struct {
	check Check
	// what happened, of which requests.
	what, of string
	x, n     int64
	sx, sn   int64
	limit    float64
	// paired: both are of the same n pairs, which only one of the tracks answered.
	paired bool
	// before: stable's are of another time, all there will be of it: its share is taken for its rate.
	before bool
	// pending requests of the challenger have not ended: they may still turn out as x, which counts against a pass and for no failure.
	pending int64
}

func (j judge) rate(r rate) finding {
	within := share(r.x+r.pending, r.n+r.pending)-share(r.sx, r.sn) <= r.limit
	single := !within && r.n < j.need.Requests && r.x+r.pending <= 1
	return finding{
		check: r.check, within: within || single, single: single,
		chance:    func() float64 { return r.chance(0) },
		suspicion: func() float64 { return r.chance(r.pending) },
		figures: func() string {
			pending := ""
			if r.pending > 0 {
				pending = fmt.Sprintf(", %d have not ended yet", r.pending)
			}
			return fmt.Sprintf("%d of %d %s %s on the challenger (%.2f %%%s), %d of %d on the champion; the limit is %.2f points beyond it",
				r.x, r.n, r.of, r.what, 100*share(r.x, r.n), pending, r.sx, r.sn, 100*r.limit)
		},
	}
}

// chance is that of so many more events than were seen.
func (r rate) chance(more int64) float64 {
	if r.before {
		return beyond(r.x+more, r.n+more, share(r.sx, r.sn)+r.limit)
	}
	if r.paired {
		return discordance(r.x+more, r.sx, r.n+more, r.limit)
	}
	return excess(r.x+more, r.n+more, r.sx, r.sn, r.limit)
}

// faults are the three ways in which requests end without a decision; of is a rate of all of them.
func (j judge) faults(of rate, canary, stable Faults) []finding {
	of.limit = j.cfg.MaxErrorRate
	refused, failed, unended := of, of, of
	refused.check, refused.what, refused.x, refused.sx, refused.pending = Refused, "were refused", canary.Refused, stable.Refused, 0
	failed.check, failed.what, failed.x, failed.sx, failed.pending = Failed, "failed", canary.Failed, stable.Failed, 0
	unended.check, unended.what, unended.x, unended.sx = Unended, "never ended", canary.Unended, stable.Unended
	return []finding{j.rate(refused), j.rate(failed), j.rate(unended)}
}

// slow judges singles and batches, each by its own time; before as in rate.
func (j judge) slow(canarySingles, stableSingles, canaryBatches, stableBatches Latency, before bool) []finding {
	of := func(kind string, millis float64, canary, stable Latency) finding {
		return j.rate(rate{
			check: Slow, what: fmt.Sprintf("took longer than %g ms", millis), of: kind, x: canary.Slow, n: canary.Count, sx: stable.Slow, sn: stable.Count,
			limit: j.cfg.MaxSlowShare, before: before,
		})
	}
	return []finding{
		of("single requests", j.cfg.MaxP99Millis, canarySingles, stableSingles),
		of("batches", j.cfg.MaxBatchP99Millis, canaryBatches, stableBatches),
	}
}

// within says that so many decisions hold no pass up: enough of them by the estimate being within its limit, fewer unless it is likely beyond.
// Where decisions are not needed they can only fail.
func (j judge) within(decisions int64, within bool, chance func() float64) bool {
	if decisions < j.need.Decisions {
		return chance() > doubtful
	}
	return within || j.need.Decisions == 0
}

// scores judges the distance of the challenger's scores from the expected ones, which rest on a sample of one over inverseSize.
func (j judge) scores(seen Histogram, e expectation, inverseSize float64) finding {
	n := seen.Total()
	var distance, below float64
	var sum int64
	for i, count := range seen {
		sum += count
		below += e.Scores[i]
		distance = math.Max(distance, math.Abs(share(sum, n)-below))
	}
	limit := j.cfg.MaxScoreShift
	chance := func() float64 {
		if n == 0 || distance <= limit+e.Unknown {
			return 1
		}
		return ksChance(distance-limit-e.Unknown, 1/float64(n)+inverseSize)
	}
	return finding{
		check: Scores, within: j.within(n, distance <= limit || j.prediction.rowless(), chance), chance: chance, suspicion: chance,
		figures: func() string {
			return fmt.Sprintf("%d scores of the challenger are %.3f from what was predicted (Kolmogorov-Smirnov); the limit is %.3f", n, distance, limit)
		},
	}
}
