package performance

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// logistic is a regression of labels on a few columns by maximum likelihood.
type logistic struct {
	weights    []float64
	covariance *mat.SymDense // the inverse of the information
}

// design is what labels are regressed on. ridge is a penalty of half of it times the squared weights; offset is added as it is, and may be nil.
type design struct {
	y       []float64
	columns [][]float64
	offset  []float64
	ridge   float64
}

// fit is Newton's method with halved steps. It is not ok where the likelihood has no maximum, which is where the labels can be told apart without
// error, or where the columns determine each other.
func (d design) fit() (fitted logistic, ok bool) {
	const (
		iterations = 50
		still      = 1e-10 // what a step can gain of the log likelihood at the end; the step after it gains its square
		singular   = 1e12  // condition of the information
	)
	k := len(d.columns)
	w := make([]float64, k)
	loss, gradient, information := d.at(w)
	for range iterations {
		var cholesky mat.Cholesky
		if !cholesky.Factorize(information) || cholesky.Cond() > singular {
			return fitted, false
		}
		step := mat.NewVecDense(k, nil)
		if err := cholesky.SolveVecTo(step, gradient); err != nil {
			return fitted, false
		}
		gain, before := mat.Dot(gradient, step), loss
		next := make([]float64, k)
		for part := 1.0; part > 1e-9; part /= 2 {
			for j := range next {
				next[j] = w[j] - float64(part*step.AtVec(j))
			}
			if loss, gradient, information = d.at(next); loss <= before {
				break
			}
		}
		w = next
		if gain <= still {
			if !cholesky.Factorize(information) {
				return fitted, false
			}
			fitted = logistic{weights: w, covariance: mat.NewSymDense(k, nil)}
			separated := loss < 1e-6*float64(len(d.y))
			return fitted, !separated && cholesky.InverseTo(fitted.covariance) == nil
		}
	}
	return fitted, false
}

// at is the loss, its slopes and its curvature at some weights.
func (d design) at(w []float64) (loss float64, gradient *mat.VecDense, information *mat.SymDense) {
	k := len(w)
	slopes, curvature, x := make([]float64, k), make([]float64, k*k), make([]float64, k)
	for i, label := range d.y {
		eta := d.linear(w, i)
		e := math.Exp(-math.Abs(eta))
		p := 1 / (1 + e)
		if eta < 0 {
			p = e / (1 + e)
		}
		loss += math.Max(eta, 0) + math.Log1p(e) - float64(label*eta) // log(1 + exp(eta)) - y eta
		v := p * (1 - p)
		for j, column := range d.columns {
			x[j] = column[i]
			slopes[j] += float64((p - label) * x[j])
			vx := v * x[j]
			for l, other := range x[:j+1] {
				curvature[j*k+l] += float64(vx * other)
			}
		}
	}
	gradient, information = mat.NewVecDense(k, slopes), mat.NewSymDense(k, nil)
	for j := range k {
		loss += float64(float64(d.ridge*w[j])*w[j]) / 2
		slopes[j] += float64(d.ridge * w[j])
		for l := range j + 1 {
			information.SetSym(j, l, curvature[j*k+l])
		}
		information.SetSym(j, j, curvature[j*k+j]+d.ridge)
	}
	return loss, gradient, information
}

func (d design) linear(w []float64, i int) float64 {
	eta := 0.0
	if d.offset != nil {
		eta = d.offset[i]
	}
	for j, weight := range w {
		eta += float64(weight * d.columns[j][i])
	}
	return eta
}

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// clip keeps log-odds of a score of exactly 0 or 1 finite: they are ±13.8.
const clip = 1e-6

func clipped(p float64) float64 { return math.Min(math.Max(p, clip), 1-clip) }

func logit(p float64) float64 {
	p = clipped(p)
	return math.Log(p) - math.Log1p(-p)
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
