// Package logit trains a logistic regression with a ridge penalty, deterministically: by Newton's method, and by L-BFGS where there are many columns.
package logit

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// Version is raised when training the same data means another model.
const Version = "4"

// Hyperparameters say how the model came about.
type Hyperparameters struct {
	L2         float64 `json:"l2"`
	Iterations int     `json:"iterations"`
	// Trials are the penalties that were tried, with the validation log loss that chose between them.
	Trials []Trial `json:"trials"`
}

// Trial is one penalty.
type Trial struct {
	L2                float64 `json:"l2"`
	Iterations        int     `json:"iterations"`
	ValidationLogLoss float64 `json:"validation_log_loss"`
}

// Train fits the spec's columns to the label: it minimises, for every penalty λ of the spec,
//
//	mean over rows of log(1 + exp(-s·z)) + λ/2 · |w|²,   z = b + w·x,   s = ±1,
//
// the intercept b unpenalised, and keeps the λ with the smallest log loss on the validation rows (a tie goes to the larger
// λ). The largest λ begins at zero weights, each other one where the next larger has ended. progress hears of every iteration. Both parts must
// hold both classes, else fault.Refused; no convergence within the spec's iterations is fault.Refused as well. The columns are read one at a
// time, some side by side.
func Train(ctx context.Context, spec pipeline.Spec, train, validation dataset.Columns, progress func(iteration int, loss float64)) (*model.Model, Hyperparameters, error) {
	encoder, d, err := fitDesign(ctx, spec, train)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	held, err := encodeDesign(ctx, spec, encoder, validation)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	chosen := Hyperparameters{Trials: make([]Trial, len(spec.Algorithm.L2))}
	var best []float64
	bestLoss := math.Inf(1)
	f := newFitter(d, spec.Algorithm.MaxIterations, progress)
	weights := make([]float64, 1+d.width)
	for _, i := range descending(spec.Algorithm.L2) {
		l2 := spec.Algorithm.L2[i]
		var iterations int
		if weights, iterations, err = f.fit(ctx, weights, l2); err != nil {
			return nil, Hyperparameters{}, err
		}
		loss := newObjective(held).at(weights, 0, nil)
		chosen.Trials[i] = Trial{L2: l2, Iterations: iterations, ValidationLogLoss: loss}
		if loss < bestLoss { // a tie stays with the larger λ, which came first
			bestLoss, best = loss, weights
			chosen.L2, chosen.Iterations = l2, iterations
		}
	}
	if best == nil {
		return nil, Hyperparameters{}, fault.New(fault.Refused, "no penalty gave a finite validation loss")
	}
	return &model.Model{
		Name: spec.Name, Contract: request.Of(spec), Encoder: *encoder, Intercept: best[0], Coefficients: best[1:], Background: d.means(),
	}, chosen, nil
}

// descending is the order of the penalties from large to small, equal ones as they stand.
func descending(l2 []float64) []int {
	order := make([]int, len(l2))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l2[b], l2[a]) })
	return order
}

// labels are 1 and 0.
func labels(ctx context.Context, spec pipeline.Spec, columns dataset.Columns) ([]float64, error) {
	var t dataset.Table
	c, err := columns(ctx, spec.Label.Column)
	if err != nil {
		return nil, err
	}
	if c != nil {
		t.Columns = append(t.Columns, *c)
	}
	y, err := dataset.Label(spec, t, time.Time{}) // the split has kept matured rows only
	if err != nil {
		return nil, err
	}
	var positive int
	for _, value := range y {
		if math.IsNaN(value) {
			return nil, fault.New(fault.Invalid, "a row to train on has no label")
		}
		positive += int(value)
	}
	if positive == 0 || positive == len(y) {
		return nil, fault.New(fault.Refused, "all %d labels are the same; both classes are needed", len(y))
	}
	return y, nil
}
