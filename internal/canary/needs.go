package canary

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/pipeline"
)

// Need is how much of one class of traffic a phase or step needs to pass.
type Need struct {
	// Requests of the challenger, or pairs.
	Requests int64 `json:"requests"`
	// Decisions of the challenger, or decided pairs; 0 where verdicts and scores can fail it and hold nothing up.
	Decisions int64 `json:"decisions"`
}

// What a need is to keep from passing, and how seldom that may happen.
const (
	// A rate so many times its limit passes by chance in at most one of a hundred.
	excessive     = 3
	passExcessive = 0.01
	// An approval share this far from the prediction, or this many times the limit where that is more, in at most one of twenty: one of a hundred
	// takes longer than a week at 50 decisions a day.
	offPrediction  = 0.05
	offLimit       = 2.5
	passUnforeseen = 0.05
)

// Needs says how many requests the status' phase or step needs to pass: enough for what is excessive to stay above its limit, never fewer than the
// spec's min_requests. A bake passes by its time, every window of it is a look; its need says up to how many requests a single event is no rate.
func Needs(cfg pipeline.Canary, prediction *Prediction, status Status) Need {
	least := int64(cfg.MinRequests)
	need := Need{Requests: max(least, smallest(excessive*cfg.MaxErrorRate, cfg.MaxErrorRate, passExcessive),
		smallest(excessive*cfg.MaxSlowShare, cfg.MaxSlowShare, passExcessive))}
	off := max(offPrediction, offLimit*cfg.MaxUnpredictedShift)
	switch {
	case status.Phase == Baking, status.Phase == Progressing && cfg.Mirror:
	case status.Phase == Mirroring:
		// Flips that the score does not decide are as many events more; the worse way counts.
		e := prediction.expect(prediction.scores())
		noise := max(e.ToApprove.Noise, e.ToDecline.Noise)
		need.Decisions = max(least, smallest(noise+off, noise+cfg.MaxUnpredictedShift, passUnforeseen))
	default:
		// The difference of two shares around a half, the worst; stable decides the rest of the traffic.
		deviation := (off - cfg.MaxUnpredictedShift) / mathext.NormalQuantile(1-passUnforeseen)
		weight := float64(status.Weight) / 100
		need.Decisions = max(least, int64(math.Ceil(0.25/(deviation*deviation)/(1-weight))))
	}
	return need
}

// met is 0 where there is too little, 1 where the need is met, 2 where twice, 3 where four times as much is there, and so on. A pass is
// tried only as this grows: who may try at every request passes sooner or later.
func (n Need) met(requests, decisions int64) int {
	times := requests / max(n.Requests, 1)
	if n.Decisions > 0 {
		times = min(times, decisions/n.Decisions)
	}
	return bits.Len64(uint64(times))
}

// smallest returns the least n at which a rate shows a share within limit with at most the given probability. A limit of 0 or one that the rate
// does not pass gives 0: no n could tell.
func smallest(rate, limit, probability float64) int64 {
	if limit <= 0 || limit >= 1 || rate <= limit {
		return 0
	}
	rate = math.Min(rate, 1)
	for allowed := int64(0); ; allowed++ {
		// With so many events allowed, n lies between these two; the more requests, the less probable it is to see no more events.
		low, high := int64(math.Ceil(float64(allowed)/limit)), int64(math.Ceil(float64(allowed+1)/limit))-1
		low = max(low, allowed, 1)
		if high < low || atMost(allowed, high, rate) > probability {
			continue
		}
		for low < high {
			middle := (low + high) / 2
			if atMost(allowed, middle, rate) <= probability {
				high = middle
			} else {
				low = middle + 1
			}
		}
		return low
	}
}

// atMost is the probability of at most x events in n at a rate.
func atMost(x, n int64, rate float64) float64 {
	return distuv.Binomial{N: float64(n), P: rate}.CDF(float64(x))
}
