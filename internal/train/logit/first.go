package logit

import (
	"encoding/json"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// tried is what a training tries first.
type tried struct {
	L2 *float64 `json:"l2"`
}

// First is what of a training's Hyperparameters, as JSON, another one tries first, as JSON: the penalty. Nil where they name none.
func First(trained json.RawMessage) json.RawMessage {
	var first tried
	if json.Unmarshal(trained, &first) != nil || first.L2 == nil {
		return nil
	}
	data, _ := json.Marshal(first) // a number that was read can be written
	return data
}

// TryFirst is the algorithm that tries before the others what First says; as it is where it tries that already, or where there is nothing.
func TryFirst(a pipeline.Algorithm, first json.RawMessage) pipeline.Algorithm {
	var wanted tried
	if json.Unmarshal(first, &wanted) != nil || wanted.L2 == nil || slices.Contains(a.L2, *wanted.L2) {
		return a
	}
	a.L2 = slices.Concat([]float64{*wanted.L2}, a.L2)
	return a
}
