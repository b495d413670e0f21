package main

import (
	"math/rand/v2"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
)

// What all traffic is like, and both tracks alike.
const (
	rubbish    = 0.01  // of the requests are refused by either
	slowShare  = 0.002 // of the answers are slow
	batchShare = 0.02  // of the requests are batches
	latency    = 0.02  // seconds that an answer takes
)

// timeout is the seconds after which a request that hangs has never ended.
var timeout = contract.PredictorTimeout.Seconds()

// faults are what is wrong with a challenger's serving: shares of its requests.
type faults struct{ failed, refused, hanging, slow float64 }

// traffic makes the windows of one canary.
type traffic struct {
	rng     *rand.Rand
	rate    float64 // of the clients, requests per second
	repeats float64 // the share of requests that ask about one applicant again and again
	served  *population
	faults  faults
	hung    []hang
}

// hang is requests that will time out.
type hang struct {
	at    float64 // seconds from now
	count int64
}

// window makes what is counted in so many seconds.
func (t *traffic) window(status canary.Status, seconds float64) canary.Observation {
	arrived := poisson(t.rng, t.rate*seconds)
	var clients canary.Traffic
	timedOut := t.timeouts(seconds)
	if status.Phase != canary.Mirroring {
		toCanary := binomial(t.rng, arrived, float64(status.Weight)/100)
		clients.Stable = t.track(arrived-toCanary, faults{}, func(c cell) side { return c.stable })
		clients.Canary = t.track(toCanary, t.faults, func(c cell) side { return c.canary })
		clients.Canary.Requests += timedOut
		clients.Canary.Faults.Unended += timedOut
	} else {
		clients.Stable = canary.Track{Started: arrived, Requests: arrived}
		clients.Pairs = t.pairs(min(arrived, int64(contract.CopiesPerSecond*seconds)))
		clients.Pairs.Ended += timedOut
		clients.Pairs.Answered += timedOut
		clients.Pairs.Broken.Unended += timedOut
	}
	if status.Seconds == 0 { // what is under way at a window's end ends in a later one, where as much is under way
		under := poisson(t.rng, t.challengerRate(status)*latency)
		clients.Canary.Started += under
		clients.Pairs.Started += under
	}
	return canary.Observation{Seconds: seconds, Clients: clients}
}

// challengerRate is the requests or copies per second that the challenger gets.
func (t *traffic) challengerRate(status canary.Status) float64 {
	if status.Phase != canary.Mirroring {
		return t.rate * float64(status.Weight) / 100
	}
	return min(t.rate, contract.CopiesPerSecond)
}

// timeouts lets time pass and returns what has hung for too long.
func (t *traffic) timeouts(seconds float64) int64 {
	var ended int64
	var left []hang
	for _, h := range t.hung {
		if h.at -= seconds; h.at <= 0 {
			ended += h.count
		} else {
			left = append(left, h)
		}
	}
	t.hung = left
	return ended
}

// track answers n requests of one track.
func (t *traffic) track(n int64, f faults, of func(cell) side) canary.Track {
	track := canary.Track{Started: n}
	hanging := binomial(t.rng, n, f.hanging)
	t.hang(hanging)
	track.Requests = n - hanging
	track.Faults.Refused = binomial(t.rng, track.Requests, rubbish+f.refused)
	track.Faults.Failed = binomial(t.rng, track.Requests-track.Faults.Refused, f.failed)
	answered := track.Requests - track.Faults.Refused - track.Faults.Failed
	batches := binomial(t.rng, answered, batchShare)
	slow := max(slowShare, f.slow)
	track.Batches = canary.Latency{Count: batches, Slow: binomial(t.rng, batches, slow)}
	track.Singles = canary.Latency{Count: answered - batches, Slow: binomial(t.rng, answered-batches, slow)}
	t.served.draw(t.rng, t.distinct(answered-batches), func(c cell, count int64) {
		decided := of(c)
		track.Decisions += count
		track.Scores[decided.bucket] += count
		if decided.approved {
			track.Approved += count
		}
	})
	return track
}

// pairs asks both tracks n requests.
func (t *traffic) pairs(n int64) canary.Pairs {
	pairs := canary.Pairs{Started: n}
	good := n - binomial(t.rng, n, rubbish)
	hanging := binomial(t.rng, good, t.faults.hanging)
	t.hang(hanging)
	pairs.Ended = n - hanging
	pairs.Answered = good - hanging
	pairs.Broken.Refused = binomial(t.rng, pairs.Answered, t.faults.refused)
	pairs.Broken.Failed = binomial(t.rng, pairs.Answered-pairs.Broken.Refused, t.faults.failed)
	answered := pairs.Answered - pairs.Broken.Refused - pairs.Broken.Failed
	batches := binomial(t.rng, answered, batchShare)
	slow := max(slowShare, t.faults.slow)
	timed := func(n int64) canary.PairedLatency {
		return canary.PairedLatency{Count: n, StableSlow: binomial(t.rng, n, slowShare), CanarySlow: binomial(t.rng, n, slow)}
	}
	pairs.Singles, pairs.Batches = timed(answered-batches), timed(batches)
	t.served.draw(t.rng, t.distinct(answered-batches), func(c cell, count int64) {
		pairs.Decided += count
		pairs.StableScores[c.stable.bucket] += count
		pairs.CanaryScores[c.canary.bucket] += count
		if c.canary.approved && !c.stable.approved {
			pairs.ToApprove += count
		}
		if c.stable.approved && !c.canary.approved {
			pairs.ToDecline += count
		}
	})
	return pairs
}

// distinct is how many of the requests are about an applicant who was not decided before.
func (t *traffic) distinct(requests int64) int64 {
	return requests - binomial(t.rng, requests, t.repeats)
}

func (t *traffic) hang(count int64) {
	if count > 0 {
		t.hung = append(t.hung, hang{at: timeout, count: count})
	}
}
