package performance

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// calibrationMap says how likely a positive label is where one or more models gave certain scores. It is a logistic regression of the labels of
// reference rows on log p and -log(1-p) of each score: beta calibration, which bends where a straight line of log-odds would not, and whose
// few weights have a covariance, unlike the steps of an isotonic regression.
//
// Source: Kull, Silva Filho & Flach 2017, doi 10.1214/17-EJS1338SI.
type calibrationMap struct {
	logistic
	support []stretch // of each score, and of how the log-odds of each after the first differ from the first's
}

// stretch holds the middle 99 % of values.
type stretch struct{ lower, upper float64 }

// ridge keeps weights finite where two models score alike; it is a thousandth of one row.
const ridge = 1e-3

// fitMap learns from reference rows. Not ok where there is nothing to learn.
func fitMap(y []float64, scores ...[]float64) (m calibrationMap, ok bool) {
	m.logistic, ok = design{y: y, columns: bent(scores), ridge: ridge}.fit()
	for _, values := range supported(scores) {
		slices.Sort(values)
		last := float64(len(values) - 1)
		m.support = append(m.support, stretch{values[int(0.005*last)], values[int(math.Ceil(0.995*last))]})
	}
	return m, ok
}

// bent are the columns of the regression.
func bent(scores [][]float64) [][]float64 {
	columns := [][]float64{ones(len(scores[0]))}
	for _, p := range scores {
		high, low := make([]float64, len(p)), make([]float64, len(p))
		for i := range p {
			s := clipped(p[i])
			high[i], low[i] = math.Log(s), -math.Log1p(-s)
		}
		columns = append(columns, high, low)
	}
	return columns
}

// supported are the values of which the map must have seen the like.
func supported(scores [][]float64) [][]float64 {
	values := make([][]float64, 0, 2*len(scores)-1)
	for _, p := range scores {
		values = append(values, slices.Clone(p))
	}
	for _, p := range scores[1:] {
		apart := make([]float64, len(p))
		for i := range p {
			apart[i] = logit(p[i]) - logit(scores[0][i])
		}
		values = append(values, apart)
	}
	return values
}

// outside is the share of rows of which the map has not seen the like: it is about 1 % for rows like the reference, more where there are several scores.
func (m calibrationMap) outside(scores ...[]float64) float64 {
	values := supported(scores)
	count := 0
	for i := range scores[0] {
		for j, s := range m.support {
			if v := values[j][i]; v < s.lower || v > s.upper {
				count++
				break
			}
		}
	}
	return float64(count) / float64(len(scores[0]))
}

// fresh are rows without labels and what the map says of them.
type fresh struct {
	columns     [][]float64
	probability []float64
	covariance  *mat.SymDense
}

func (m calibrationMap) of(scores ...[]float64) fresh {
	f := fresh{columns: bent(scores), probability: make([]float64, len(scores[0])), covariance: m.covariance}
	d := design{columns: f.columns}
	for i := range f.probability {
		f.probability[i] = sigmoid(d.linear(m.weights, i))
	}
	return f
}

// spread is the variance of a figure that moves with each label by slope: of the labels, which are independent given their probabilities, and of
// the map's weights.
func (f fresh) spread(slope []float64) (labels, weights float64) {
	moves := make([]float64, len(f.columns))
	for i, c := range f.probability {
		v := c * (1 - c)
		moved := float64(slope[i] * v)
		labels += float64(slope[i] * moved)
		for j, column := range f.columns {
			moves[j] += float64(moved * column[i])
		}
	}
	gradient := mat.NewVecDense(len(moves), moves)
	return labels, mat.Inner(gradient, f.covariance, gradient)
}
