// Package logit trains a logistic regression with a ridge penalty by L-BFGS, deterministically.
package logit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/optimize"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

// Version is raised when training the same data means another model.
const Version = "3"

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
// λ). progress hears of every iteration. Both parts must hold both classes, else fault.Refused; no convergence within the
// spec's iterations is fault.Refused as well.
func Train(ctx context.Context, spec pipeline.Spec, train, validation dataset.Table, progress func(iteration int, loss float64)) (*model.Model, Hyperparameters, error) {
	rows, y, err := labelled(spec, train)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	encoder, err := transform.Fit(spec.Columns, rows)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	x, err := encode(encoder, rows)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	validationRows, validationY, err := labelled(spec, validation)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	validationX, err := encode(encoder, validationRows)
	if err != nil {
		return nil, Hyperparameters{}, err
	}
	width := encoder.Width()
	var best []float64
	var chosen Hyperparameters
	bestLoss := math.Inf(1)
	for _, l2 := range spec.Algorithm.L2 {
		weights, iterations, err := fit(ctx, x, y, width, l2, spec.Algorithm.MaxIterations, progress)
		if err != nil {
			return nil, Hyperparameters{}, err
		}
		loss := logLoss(weights, validationX, validationY, width)
		chosen.Trials = append(chosen.Trials, Trial{L2: l2, Iterations: iterations, ValidationLogLoss: loss})
		if loss < bestLoss || (loss == bestLoss && l2 > chosen.L2) {
			bestLoss, best = loss, weights
			chosen.L2, chosen.Iterations = l2, iterations
		}
	}
	if best == nil {
		return nil, Hyperparameters{}, fault.New(fault.Refused, "no penalty gave a finite validation loss")
	}
	return &model.Model{
		Name: spec.Name, Contract: request.Of(spec), Encoder: *encoder, Intercept: best[0], Coefficients: best[1:], Background: means(x, width),
	}, chosen, nil
}

// labelled reads the spec's columns and the label as 1 and 0.
func labelled(spec pipeline.Spec, t dataset.Table) (scoring.Rows, []float64, error) {
	y, err := dataset.Label(spec, t, time.Time{}) // the split has kept matured rows only
	if err != nil {
		return scoring.Rows{}, nil, err
	}
	var positive int
	for _, value := range y {
		if math.IsNaN(value) {
			return scoring.Rows{}, nil, fault.New(fault.Invalid, "a row to train on has no label")
		}
		positive += int(value)
	}
	if positive == 0 || positive == len(y) {
		return scoring.Rows{}, nil, fault.New(fault.Refused, "all %d labels are the same; both classes are needed", len(y))
	}
	names := make([]string, len(spec.Columns))
	types := make([]pipeline.ColumnType, len(spec.Columns))
	for i, c := range spec.Columns {
		names[i], types[i] = c.Name, c.Type
	}
	rows, err := scoring.NewRows(t, names, types)
	return rows, y, err
}

// encode returns the rows' encoded columns, row after row.
func encode(e *transform.Encoder, rows scoring.Rows) ([]float64, error) {
	width := e.Width()
	x := make([]float64, rows.Len()*width)
	values := make([]transform.Value, len(e.Fields))
	for i := range rows.Len() {
		for field := range values {
			values[field] = rows.Value(i, field)
		}
		if err := e.Encode(values, x[i*width:(i+1)*width]); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// fit minimises the penalised loss from zero weights. weights[0] is the intercept.
func fit(ctx context.Context, x, y []float64, width int, l2 float64, maxIterations int, progress func(int, float64)) ([]float64, int, error) {
	problem := optimize.Problem{
		Func: func(w []float64) float64 { return objective(w, x, y, width, l2, nil) },
		Grad: func(grad, w []float64) { objective(w, x, y, width, l2, grad) },
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		GradientThreshold: 1e-7, MajorIterations: maxIterations, Converger: optimize.NeverTerminate{},
		Recorder: &recorder{progress: progress},
	}
	result, err := optimize.Minimize(problem, make([]float64, 1+width), settings, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, 0, fmt.Errorf("training: %w", context.Cause(ctx))
	}
	if result == nil {
		return nil, 0, fault.Wrap(fault.Internal, err, "training")
	}
	// At the limit of float64 the line search can find no better point; then the gradient must be as good as zero.
	if result.Status != optimize.GradientThreshold && largest(result.Gradient) > 1e-4 {
		return nil, 0, fault.Wrap(fault.Refused, errors.Join(err, errors.New(result.Status.String())),
			"training with l2 %v did not converge in %d iterations; raise algorithm.max_iterations or l2", l2, result.MajorIterations)
	}
	return result.X, result.MajorIterations, nil
}

func largest(gradient []float64) float64 {
	most := 0.0
	for _, g := range gradient {
		most = math.Max(most, math.Abs(g))
	}
	return most
}

// objective returns the penalised mean loss at w and, when grad is not nil, its gradient. Rows are summed in order.
func objective(w, x, y []float64, width int, l2 float64, grad []float64) float64 {
	clear(grad)
	n := float64(len(y))
	var loss float64
	for i, label := range y {
		row := x[i*width : (i+1)*width]
		z := w[0]
		for j, value := range row {
			z += float64(w[1+j] * value)
		}
		// log(1 + exp(z)) - y·z, without overflow.
		loss += math.Log1p(math.Exp(-math.Abs(z))) + math.Max(z, 0) - float64(label*z)
		if grad == nil {
			continue
		}
		residual := 1/(1+math.Exp(-z)) - label
		grad[0] += residual
		for j, value := range row {
			grad[1+j] += float64(residual * value)
		}
	}
	loss /= n
	for j := range grad {
		grad[j] /= n
	}
	for j, weight := range w[1:] {
		loss += float64(l2 / 2 * weight * weight)
		if grad != nil {
			grad[1+j] += float64(l2 * weight)
		}
	}
	return loss
}

func logLoss(w, x, y []float64, width int) float64 { return objective(w, x, y, width, 0, nil) }

func means(x []float64, width int) []float64 {
	mean := make([]float64, width)
	for i, value := range x {
		mean[i%width] += value
	}
	for j := range mean {
		mean[j] /= float64(len(x) / width)
	}
	return mean
}

// recorder tells of every major iteration.
type recorder struct {
	progress  func(int, float64)
	iteration int
}

func (r *recorder) Init() error { return nil }

func (r *recorder) Record(location *optimize.Location, operation optimize.Operation, _ *optimize.Stats) error {
	if operation == optimize.MajorIteration {
		r.iteration++
		r.progress(r.iteration, location.F)
	}
	return nil
}
