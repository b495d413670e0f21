package main

import "sync"

// seed of everything that is drawn.
const seed = 20260630

// predictionRows is how many rows a prediction is made of: the test part of the shipped spec's data.
const predictionRows = 4000

// challenger is a kind of canary.
type challenger struct {
	name string
	good bool
	// served is what both sides decide in production, predicted what the prediction was made from; nil is the same model under the same policy.
	served, predicted *population
	faults            faults
	repeats           float64
}

// challengers are the kinds that the table has, made once. The cutoff is the shipped spec's.
var challengers = sync.OnceValue(func() []*challenger {
	const cutoff = 0.25
	same := sides{mean: -1.5, slope: 1, stableCutoff: cutoff, canaryCutoff: cutoff}
	with := func(base sides, change func(*sides)) *population {
		change(&base)
		return populate(base)
	}
	policy := with(same, func(s *sides) { s.canaryCutoff = cutoff - 0.05 })
	retrained := same
	retrained.noise, retrained.slope = 0.05, 1.03
	champion, similar := populate(same), populate(retrained)
	return []*challenger{
		{name: "the champion against itself", good: true, served: champion},
		{name: "a policy with a cutoff 0.05 lower", good: true, served: policy, predicted: policy},
		{name: "a retrained model", good: true, served: similar, predicted: similar},
		{name: "a retrained model, other applicants", good: true, served: with(retrained, func(s *sides) { s.mean += 0.7 }), predicted: similar},
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
