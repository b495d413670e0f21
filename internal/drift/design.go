package drift

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/loanops/loanops/internal/parallel"
)

// design is the columns that the classifier weighs, one a row of x, for some rows.
type design struct {
	x         *mat.Dense
	terms     []term
	reference int
}

// term is what a column is made of: one feature, or two.
type term struct {
	feature, other int // other is -1 for none
	kind           termKind
	level          int32
}

type termKind uint8

const (
	intercept termKind = iota
	score
	absent
	ofLevel
	product // of two scores, or the square of one
)

// design lays out the columns of some rows.
func (d *contrast) design(h half) *design {
	terms := d.terms()
	n := len(h.rows)
	data := make([]float64, len(terms)*n)
	_ = parallel.Each(len(terms), func(j int) error {
		d.fill(terms[j], h.rows, data[j*n:(j+1)*n])
		return nil
	})
	return &design{x: mat.NewDense(len(terms), n, data), terms: terms, reference: h.reference}
}

// terms are decided by the rows to learn from.
func (d *contrast) terms() []term {
	terms := []term{{feature: -1, other: -1, kind: intercept}}
	var pairs []term
	for i, in := range d.inputs {
		for level := range in.levels {
			terms = append(terms, term{feature: i, other: -1, kind: ofLevel, level: int32(level)})
		}
		if in.scores == nil {
			continue
		}
		terms = append(terms, term{feature: i, other: -1, kind: score})
		if in.missing != nil {
			terms = append(terms, term{feature: i, other: -1, kind: absent})
		}
		if in.square {
			terms = append(terms, term{feature: i, other: i, kind: product})
		}
		for j := range i {
			if d.inputs[j].scores != nil {
				pairs = append(pairs, term{feature: j, other: i, kind: product})
			}
		}
	}
	if len(pairs) > contrastPairs {
		apart := make([]float64, len(pairs))
		_ = parallel.Each(len(pairs), func(k int) error {
			apart[k] = d.apart(pairs[k])
			return nil
		})
		order := make([]int, len(pairs))
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(apart[b], apart[a]) })
		kept := make([]term, contrastPairs)
		for k := range kept {
			kept[k] = pairs[order[k]]
		}
		pairs = kept
	}
	return append(terms, pairs...)
}

// apart is by how much the means of a product differ between the samples, in the rows to learn from.
func (d *contrast) apart(t term) float64 {
	var means [2]float64
	for k, row := range d.train.rows {
		which, n := 0, d.train.reference
		if k >= n {
			which, n = 1, len(d.train.rows)-n
		}
		means[which] += float64(d.inputs[t.feature].scores[row]*d.inputs[t.other].scores[row]) / float64(n)
	}
	return math.Abs(means[1] - means[0])
}

// fill writes a column.
func (d *contrast) fill(t term, rows []int, to []float64) {
	if t.kind == intercept {
		for k := range to {
			to[k] = 1
		}
		return
	}
	in := d.inputs[t.feature]
	for k, row := range rows {
		switch t.kind {
		case score:
			to[k] = in.scores[row]
		case absent:
			to[k] = indicator(in.missing[row])
		case ofLevel:
			to[k] = indicator(in.level[row] == t.level)
		case product:
			to[k] = in.scores[row] * d.inputs[t.other].scores[row]
			if t.feature == t.other {
				to[k]--
			}
		}
	}
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// fit learns weights that tell the samples apart, each of which weighs half: it minimises
//
//	sum over rows of v log(1 + exp(-s z)) + λ/2 |w|²,  z = w·x,  s = ±1,
//
// by steps with the largest curvature that there can be, XᵀVX/4 + λ, which never overshoot and need one factorisation (Böhning & Lindsay 1988, doi
// 10.1007/BF00049423). λ is, per row of an average sample, the number of columns:
// as much as if weights of a few tenths were to be expected.
func (d *design) fit() []float64 {
	size, n := d.x.Dims()
	m := d.reference
	weights := make([]float64, size)
	if m == 0 || m == n {
		return weights
	}
	weigh := [2]float64{0.5 / float64(m), 0.5 / float64(n-m)}
	h := mat.NewSymDense(size, nil)
	h.SymOuterK(weigh[0]/4, d.x.Slice(0, size, 0, m))
	other := mat.NewSymDense(size, nil)
	other.SymOuterK(weigh[1]/4, d.x.Slice(0, size, m, n))
	h.AddSym(h, other)
	ridge := float64(size) * (1/float64(m) + 1/float64(n-m))
	for j := range size {
		h.SetSym(j, j, h.At(j, j)+ridge)
	}
	var factors mat.Cholesky
	if !factors.Factorize(h) {
		return weights
	}
	w, step := mat.NewVecDense(size, weights), mat.NewVecDense(size, nil)
	z, slope, gradient := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil), mat.NewVecDense(size, nil)
	for range 50 {
		z.MulVec(d.x.T(), w)
		for i := range n {
			p := 1 / (1 + math.Exp(-z.AtVec(i)))
			if i < m {
				slope.SetVec(i, weigh[0]*p)
			} else {
				slope.SetVec(i, weigh[1]*(p-1))
			}
		}
		gradient.MulVec(d.x, slope)
		gradient.AddScaledVec(gradient, ridge, w)
		if err := factors.SolveVecTo(step, gradient); err != nil || mat.Norm(step, math.Inf(1)) < 1e-5 {
			break
		}
		w.SubVec(w, step)
	}
	return weights
}

// scores are z of every row.
func (d *design) scores(weights []float64) []float64 {
	_, n := d.x.Dims()
	z := mat.NewVecDense(n, nil)
	z.MulVec(d.x.T(), mat.NewVecDense(len(weights), weights))
	return z.RawVector().Data
}

// shares divide the variance of the scores among features: weight times covariance of a column, which add up to it. What is below 0 counts as 0.
func (d *design) shares(weights, scores []float64, features int) []float64 {
	shares := make([]float64, features)
	centre := mean(scores)
	for j, t := range d.terms {
		if t.kind == intercept {
			continue
		}
		covariance := 0.0
		for i, x := range d.x.RawRowView(j) {
			covariance += float64(x * (scores[i] - centre))
		}
		part := weights[j] * covariance
		if t.other < 0 {
			shares[t.feature] += part
		} else {
			shares[t.feature] += part / 2
			shares[t.other] += part / 2
		}
	}
	all := 0.0
	for i := range shares {
		shares[i] = math.Max(shares[i], 0)
		all += shares[i]
	}
	for i := range shares {
		if all > 0 {
			shares[i] /= all
		}
	}
	return shares
}
