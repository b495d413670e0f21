package drift

import (
	"cmp"
	"math"
	"slices"
)

// Contribution is what a feature adds to the score on average in either sample, in log odds against the same reference point, such as
// model.Contributions has it.
type Contribution struct {
	Feature   string
	Reference float64
	Window    float64
}

// Effect is what the drift of a feature does to the score.
type Effect struct {
	Feature string `json:"feature"`
	// Change is by how many log odds the feature moves the mean score: its contribution in the window less that in the reference.
	Change float64 `json:"change"`
}

// Rank orders features by the absolute change of their contribution, the largest first, equal ones as they stand. One that is not a number comes last.
func Rank(contributions []Contribution) []Effect {
	effects := make([]Effect, len(contributions))
	for i, c := range contributions {
		effects[i] = Effect{Feature: c.Feature, Change: c.Window - c.Reference}
	}
	slices.SortStableFunc(effects, func(a, b Effect) int { return cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)) })
	return effects
}
