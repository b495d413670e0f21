package main

import (
	"math/rand/v2"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/pipeline"
)

// outcome is how one canary ended.
type outcome struct {
	aborted bool
	ending  canary.Ending
	phase   canary.Phase // in which it was aborted
	weight  int          // at which it was aborted
	seconds float64      // until it was promoted or aborted
}

// deliver runs one canary to its end.
func deliver(cfg pipeline.Canary, prediction *canary.Prediction, t *traffic) outcome {
	status := canary.Start(cfg)
	var result outcome
	for {
		seconds := float64(canary.Window(cfg, prediction, status))
		before := status
		status, _, _ = canary.Decide(cfg, prediction, status, t.window(status, seconds))
		if before.Phase != canary.Baking {
			result.seconds += seconds
		}
		if status.Phase != before.Phase || status.Step != before.Step {
			t.hung = nil // they end where nobody judges them
		}
		switch status.Phase {
		case canary.Promoting:
			status = status.Bake(cfg)
		case canary.Aborted:
			result.aborted, result.ending, result.phase, result.weight = true, *status.Ended, before.Phase, before.Weight
			return result
		case canary.Passed:
			return result
		case canary.Mirroring, canary.Progressing, canary.Baking:
		}
	}
}

// rates are how a number of canaries of one kind ended.
type rates struct {
	canaries int
	// failed were aborted by a check, wanting for want of requests.
	failed, wanting int
	// unmet were aborted before any client met the challenger, early before it had half of the traffic, for whatever reason.
	unmet, early int
	seconds      float64 // median until a verdict
	checks       map[canary.Check]int
}

// run delivers so many canaries of a challenger; the same seed gives the same ones.
func run(cfg pipeline.Canary, c *challenger, rate float64, canaries int, stream uint64) rates {
	rng := rand.New(rand.NewPCG(seed, stream))
	result := rates{canaries: canaries, checks: map[canary.Check]int{}}
	var seconds []float64
	for range canaries {
		var prediction *canary.Prediction
		if c.predicted != nil {
			prediction = c.predicted.predict(rng, predictionRows)
		}
		o := deliver(cfg, prediction, &traffic{rng: rng, rate: rate, repeats: c.repeats, served: c.served, faults: c.faults})
		seconds = append(seconds, o.seconds)
		if !o.aborted {
			continue
		}
		result.checks[o.ending.Check]++
		if o.ending.Check == canary.Requests {
			result.wanting++
		} else {
			result.failed++
		}
		if o.phase == canary.Mirroring {
			result.unmet++
		}
		if o.phase == canary.Mirroring || (o.phase == canary.Progressing && o.weight < 50) {
			result.early++
		}
	}
	result.seconds = median(seconds)
	return result
}
