package main

import (
	"fmt"
	"sync"
)

// seed of everything that is drawn.
const seed = 20260630

// predictionRows is how many rows a prediction is made of: the test part of the shipped spec's data, of whose rows only those with a mature label count.
const predictionRows = 2571

// What the populations are like. Log-odds are those of a default, and the champion's are true.
const (
	meanLogOdds      = -1.5 // of the applicants
	deviationLogOdds = 1.
	otherLogOdds     = 0.7  // by which other applicants' are higher than those of the prediction
	retrainedSlope   = 1.03 // a retrained model's are so many times the champion's,
	retrainedNoise   = 0.05 // plus noise of that deviation
	lowerCutoff      = 0.05 // by which another policy's is lower than the shipped one's
)

// challenger is a kind of canary.
type challenger struct {
	name string
	good bool
	// served is what both sides decide in production, predicted what the prediction was made from; nil is the same model under the same policy.
	served, predicted *population
	faults            faults
	repeats           float64
}

// challengers are the kinds that the table has, made once.
var challengers = sync.OnceValue(func() []*challenger {
	cutoff := shipped().Policy.Cutoff
	same := sides{mean: meanLogOdds, slope: 1, stableCutoff: cutoff, canaryCutoff: cutoff}
	with := func(base sides, change func(*sides)) *population {
		change(&base)
		return populate(base)
	}
	policy := with(same, func(s *sides) { s.canaryCutoff = cutoff - lowerCutoff })
	retrained := same
	retrained.noise, retrained.slope = retrainedNoise, retrainedSlope
	champion, similar := populate(same), populate(retrained)
	return []*challenger{
		{name: "the champion against itself", good: true, served: champion},
		{name: fmt.Sprintf("a policy with a cutoff %g lower", lowerCutoff), good: true, served: policy, predicted: policy},
		{name: "a retrained model", good: true, served: similar, predicted: similar},
		{name: "a retrained model, other applicants", good: true, served: with(retrained, func(s *sides) { s.mean += otherLogOdds }), predicted: similar},
		{name: "the champion, half of the requests repeat one applicant", good: true, served: champion, repeats: 0.5},
		{name: "5 % errors", served: similar, predicted: similar, faults: faults{failed: 0.05}},
		{name: "5 % refused (422)", served: similar, predicted: similar, faults: faults{refused: 0.05}},
		{name: "10 % hanging", served: similar, predicted: similar, faults: faults{hanging: 0.1}},
		{name: "3 % slow", served: similar, predicted: similar, faults: faults{slow: 0.03}},
		{name: "five points more approvals", served: with(retrained, func(s *sides) { s.moreApprovals = 0.05 }), predicted: similar},
		{name: "five points fewer approvals", served: with(retrained, func(s *sides) { s.fewerApprovals = 0.05 }), predicted: similar},
		{name: "swapped scores", served: with(retrained, func(s *sides) { s.swapped = true }), predicted: similar},
	}
})
