package logit

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// newton takes steps that end in the minimum of the parabola that has the loss, the gradient and the curvature of the point (Newton's method, here
// the same as iteratively reweighted least squares: Green 1984, doi 10.1111/j.2517-6161.1984.tb01288.x), each halved until the loss falls enough
// (Armijo 1966, doi 10.2140/pjm.1966.16.1). The curvature, which takes the longest, is that of an earlier point while steps with it are good
// (Shamanskii 1967, doi 10.1007/BF01085347), of another penalty's as well: it is without the penalty.
func (f *fitter) newton(ctx context.Context, from []float64, l2 float64) (*optimize.Result, error) {
	const slow = 0.1 // of the gradient is left after a step that is not good
	end := &optimize.Result{Location: optimize.Location{X: slices.Clone(from), Gradient: make([]float64, len(from))}}
	end.F = f.at(end.X, l2, end.Gradient)
	var factors *mat.Cholesky
	for ctx.Err() == nil {
		before := largest(end.Gradient)
		if before < exact {
			end.Status = optimize.GradientThreshold
			return end, nil
		}
		if end.MajorIterations == f.maxIterations {
			end.Status = optimize.IterationLimit
			return end, nil
		}
		fresh := f.h == nil
		if fresh {
			f.h, factors = mat.NewSymDense(len(from), nil), nil
			f.curvature(f.h)
		}
		if factors == nil {
			factors = factorised(f.h, l2)
		}
		if factors == nil || !f.descend(ctx, end, factors, l2) {
			f.h = nil
			if fresh {
				end.Status = optimize.Failure
				return end, nil
			}
			f.at(end.X, l2, end.Gradient) // the search has left the slopes of another point
			continue
		}
		if largest(end.Gradient) > slow*before {
			f.h = nil
		}
		end.MajorIterations++
		f.progress(end.MajorIterations, end.F)
	}
	return end, nil
}

// factorised is the curvature with its penalty as a triangle times itself; nil where no triangle is found. Columns that add up to others leave
// directions without curvature; there a little more of it than is there keeps a step from being whatever rounding makes it.
func factorised(h *mat.SymDense, l2 float64) *mat.Cholesky {
	size := h.SymmetricDim()
	most := 0.0
	for j := range size {
		most = math.Max(most, h.At(j, j)+l2)
	}
	for more := float64(1e-12 * most); more <= most; more = float64(100 * more) {
		penalised := mat.NewSymDense(size, nil)
		penalised.CopySym(h)
		for j := range size {
			added := more
			if j > 0 {
				added += l2
			}
			penalised.SetSym(j, j, h.At(j, j)+added)
		}
		var factors mat.Cholesky
		if factors.Factorize(penalised) {
			return &factors
		}
	}
	return nil
}

// descend moves along the step to the parabola's minimum, to a point where the loss is lower, by at least a little of what the gradient promises; it is false where there is
// none. A loss that is lower by less than its rounding cannot be told from one that is not.
func (f *fitter) descend(ctx context.Context, at *optimize.Result, factors *mat.Cholesky, l2 float64) bool {
	const enough, rounding, halvings = 1e-4, 1e-14, 40
	slope := mat.NewVecDense(len(at.Gradient), at.Gradient)
	step := mat.NewVecDense(len(at.Gradient), nil)
	_ = factors.SolveVecTo(step, slope) // a matrix that is all but singular is a warning here, for the step is tried before it is taken
	step.ScaleVec(-1, step)
	promised := mat.Dot(slope, step)
	if !(promised < 0) {
		return false
	}
	x, gradient := make([]float64, len(at.X)), make([]float64, len(at.X))
	length := 1.0
	for range halvings {
		if ctx.Err() != nil {
			return false
		}
		for j := range x {
			x[j] = at.X[j] + float64(length*step.AtVec(j))
		}
		loss := f.at(x, l2, gradient)
		if loss <= at.F+float64(enough*length*promised)+float64(rounding*math.Abs(at.F)) {
			at.X, at.F, at.Gradient = x, loss, gradient
			return true
		}
		length /= 2
	}
	return false
}
