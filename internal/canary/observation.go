package canary

import "sort"

// Observation is what was counted over one window. Clients' traffic and the platform's own are never added up.
type Observation struct {
	// Seconds is the window's length.
	Seconds   float64 `json:"seconds"`
	Clients   Traffic `json:"clients"`
	Synthetic Traffic `json:"synthetic,omitzero"`
	// Lately is what of the clients' traffic came at the window's end, for which Outage is asked.
	Lately Traffic `json:"lately,omitzero"`
	// Killed says that the challenger's predictor was killed at its limit of memory, and at which; empty when it was not. See contract.Track.
	Killed string `json:"killed,omitempty"`
}

// Traffic is one class of requests: those that a track answered, and those of which the other track got a copy.
type Traffic struct {
	Stable Track `json:"stable,omitzero"`
	Canary Track `json:"canary,omitzero"`
	Pairs  Pairs `json:"pairs,omitzero"`
}

// Seen is how many requests and decisions of the challenger, or pairs that either answered, there were: what both refuse says nothing.
func (t Traffic) Seen(paired bool) (requests, decisions int64) {
	if paired {
		return t.Pairs.answeredByEither(), t.Pairs.Decided
	}
	return t.Canary.Requests, t.Canary.Decisions
}

// fresh says that a client brought something new: in a mirror a copied application, else one that the challenger decided or failed to.
func (t Traffic) fresh(paired bool) bool {
	if paired {
		return t.Pairs.answeredByEither() > 0 || t.Pairs.Started > t.Pairs.Ended
	}
	return t.Canary.Decisions+t.Canary.Faults.total() > 0
}

// Track is what callers saw of one version; copies are not in it.
type Track struct {
	// Started counts requests that arrived, Requests those that ended, in whichever way. More ended than started where some began in an
	// earlier window.
	Started  int64 `json:"started"`
	Requests int64 `json:"requests"`
	// Faults are of Requests.
	Faults Faults `json:"faults,omitzero"`
	// Singles and Batches are of the requests that ended but for those that their callers gave up, and are judged by different limits.
	Singles Latency `json:"singles,omitzero"`
	Batches Latency `json:"batches,omitzero"`
	// Decisions are those of single requests about applications that this track had not decided for a client before; Approved are of them, and Scores
	// are theirs.
	Decisions int64     `json:"decisions"`
	Approved  int64     `json:"approved"`
	Scores    Histogram `json:"scores,omitzero"`
}

// Faults are requests that were not answered with a decision, by the way they ended.
type Faults struct {
	Refused int64 `json:"refused"` // 4xx
	Failed  int64 `json:"failed"`  // 5xx, or no connection
	Unended int64 `json:"unended"` // abandoned by the caller, or timed out
}

// Latency is how many requests were timed and how many of them took longer than the spec's limit.
type Latency struct {
	Count int64 `json:"count"`
	Slow  int64 `json:"slow"`
}

// Pairs are requests that both tracks were asked: one track answered the caller, the other got a copy. Which of them got the copy does not
// matter here.
type Pairs struct {
	// Started counts the pairs that were begun, Ended those of which both ends are known.
	Started int64 `json:"started"`
	Ended   int64 `json:"ended"`
	// Answered counts the ended pairs that stable answered with 2xx; Broken are how the challenger ended those.
	Answered int64  `json:"answered"`
	Broken   Faults `json:"broken,omitzero"`
	// Mended are how stable ended pairs that the challenger answered with 2xx: what befalls both tracks alike befalls each alone as often.
	Mended Faults `json:"mended,omitzero"`
	// Singles and Batches are of the pairs that both tracks answered.
	Singles PairedLatency `json:"singles,omitzero"`
	Batches PairedLatency `json:"batches,omitzero"`
	// Decided counts the single pairs that both tracks decided, one per application of clients. ToApprove are those that stable declines and the
	// challenger approves, ToDecline the reverse.
	Decided   int64 `json:"decided"`
	ToApprove int64 `json:"to_approve"`
	ToDecline int64 `json:"to_decline"`
	// StableScores and CanaryScores are of the decided pairs.
	StableScores Histogram `json:"stable_scores,omitzero"`
	CanaryScores Histogram `json:"canary_scores,omitzero"`
}

// PairedLatency is how many pairs were timed, and how many of them took each track longer than the spec's limit.
type PairedLatency struct {
	Count      int64 `json:"count"`
	StableSlow int64 `json:"stable_slow"`
	CanarySlow int64 `json:"canary_slow"`
}

// ScoreBuckets is how finely scores are counted: in steps of 0.02.
const ScoreBuckets = 50

// Histogram counts scores: the first bucket holds 0 to 0.02, each further one what is above its lower bound up to its upper one.
type Histogram [ScoreBuckets]int64

// ScoreBounds are the upper bounds of the buckets in which the gateway counts: 0.02, 0.04 … 1, each rounded once, so that their texts are short and the
// same everywhere.
func ScoreBounds() []float64 {
	bounds := make([]float64, ScoreBuckets)
	for i := range bounds {
		bounds[i] = float64(i+1) / ScoreBuckets
	}
	return bounds
}

var scoreBounds = ScoreBounds()

// Bucket is the index of the bucket that holds a score from 0 to 1.
func Bucket(score float64) int {
	return min(sort.SearchFloat64s(scoreBounds, score), ScoreBuckets-1)
}

// Total is the number of scores.
func (h Histogram) Total() int64 {
	var total int64
	for _, count := range h {
		total += count
	}
	return total
}

func (h Histogram) plus(o Histogram) Histogram {
	for i := range h {
		h[i] += o[i]
	}
	return h
}

func (t Traffic) plus(o Traffic) Traffic {
	return Traffic{Stable: t.Stable.plus(o.Stable), Canary: t.Canary.plus(o.Canary), Pairs: t.Pairs.plus(o.Pairs)}
}

func (t Track) plus(o Track) Track {
	return Track{
		Started: t.Started + o.Started, Requests: t.Requests + o.Requests, Faults: t.Faults.plus(o.Faults),
		Singles: t.Singles.plus(o.Singles), Batches: t.Batches.plus(o.Batches),
		Decisions: t.Decisions + o.Decisions, Approved: t.Approved + o.Approved, Scores: t.Scores.plus(o.Scores),
	}
}

// ends are how requests ended and after which time, without what was decided.
func (t Track) ends() Track {
	return Track{Started: t.Started, Requests: t.Requests, Faults: t.Faults, Singles: t.Singles, Batches: t.Batches}
}

func (f Faults) plus(o Faults) Faults {
	return Faults{Refused: f.Refused + o.Refused, Failed: f.Failed + o.Failed, Unended: f.Unended + o.Unended}
}

func (f Faults) total() int64 { return f.Refused + f.Failed + f.Unended }

func (l Latency) plus(o Latency) Latency {
	return Latency{Count: l.Count + o.Count, Slow: l.Slow + o.Slow}
}

func (p Pairs) plus(o Pairs) Pairs {
	return Pairs{
		Started: p.Started + o.Started, Ended: p.Ended + o.Ended,
		Answered: p.Answered + o.Answered, Broken: p.Broken.plus(o.Broken), Mended: p.Mended.plus(o.Mended),
		Singles: p.Singles.plus(o.Singles), Batches: p.Batches.plus(o.Batches),
		Decided: p.Decided + o.Decided, ToApprove: p.ToApprove + o.ToApprove, ToDecline: p.ToDecline + o.ToDecline,
		StableScores: p.StableScores.plus(o.StableScores), CanaryScores: p.CanaryScores.plus(o.CanaryScores),
	}
}

func (l PairedLatency) plus(o PairedLatency) PairedLatency {
	return PairedLatency{Count: l.Count + o.Count, StableSlow: l.StableSlow + o.StableSlow, CanarySlow: l.CanarySlow + o.CanarySlow}
}
