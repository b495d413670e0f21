package logit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/loanops/loanops/internal/fault"
)

const (
	// converged is the largest part of a gradient at which a fit ends, and exact that of Newton's method, which is there a step later.
	converged, exact = 1e-7, 1e-11
	// good is the largest at which it may end where float64 knows no better point.
	good = 1e-4
	// maxNewton is up to how many weights Newton's method is faster: its matrix grows with their square.
	maxNewton = 500
)

// fitter fits one design again and again.
type fitter struct {
	*objective
	h             *mat.SymDense // the curvature, without the penalty, of a point not far away; nil for none
	maxIterations int
	progress      func(iteration int, loss float64)
}

func newFitter(d *design, maxIterations int, progress func(int, float64)) *fitter {
	return &fitter{objective: newObjective(d), maxIterations: maxIterations, progress: progress}
}

// fit minimises the penalised loss, beginning at some weights, of which the first is the intercept.
func (f *fitter) fit(ctx context.Context, from []float64, l2 float64) (weights []float64, iterations int, err error) {
	minimise := f.newton
	if len(from) > maxNewton {
		minimise = f.lbfgs
	}
	end, err := minimise(ctx, from, l2)
	if ctx.Err() != nil {
		return nil, 0, fmt.Errorf("training: %w", context.Cause(ctx))
	}
	if end == nil {
		return nil, 0, fault.Wrap(fault.Internal, err, "training")
	}
	// At the limit of float64 the line search can find no better point; then the gradient must be as good as zero.
	if end.Status != optimize.GradientThreshold && !(largest(end.Gradient) <= good) {
		return nil, 0, fault.Wrap(fault.Refused, errors.Join(err, errors.New(end.Status.String())),
			"training with l2 %v did not converge in %d iterations; raise algorithm.max_iterations or l2", l2, end.MajorIterations)
	}
	return end.X, end.MajorIterations, nil
}

// lbfgs takes little memory for many columns.
func (f *fitter) lbfgs(ctx context.Context, from []float64, l2 float64) (*optimize.Result, error) {
	// The loss and the gradient are asked for one after the other, at the same weights.
	var last []float64
	var loss float64
	grad := make([]float64, len(from))
	at := func(w []float64) {
		if !slices.Equal(w, last) {
			loss, last = f.at(w, l2, grad), append(last[:0], w...)
		}
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 { at(w); return loss },
		Grad: func(to, w []float64) { at(w); copy(to, grad) },
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		GradientThreshold: converged, MajorIterations: f.maxIterations, Converger: optimize.NeverTerminate{},
		Recorder: &recorder{progress: f.progress},
	}
	return optimize.Minimize(problem, from, settings, &optimize.LBFGS{})
}

func largest(gradient []float64) float64 {
	most := 0.0
	for _, g := range gradient {
		most = math.Max(most, math.Abs(g))
	}
	return most
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
