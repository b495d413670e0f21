package performance

import (
	"math"
	"slices"
)

// expected is a metric that is expected of scores when labels are independent with known probabilities.
type expected struct {
	estimate float64
	slope    []float64 // by how much each row's label moves it
	row      []float64 // what each row brings to it, about 0: their squares are the variance of drawing other rows
}

// expectedMean is of a metric that is the mean of rows' losses, one with a label of 1 and one with 0.
func expectedMean(probability []float64, loss func(i int) (one, zero float64)) expected {
	n := float64(len(probability))
	e := expected{slope: make([]float64, len(probability)), row: make([]float64, len(probability))}
	for i, c := range probability {
		one, zero := loss(i)
		e.slope[i] = (one - zero) / n
		e.row[i] = (zero + float64(c*(one-zero))) / n
		e.estimate += e.row[i]
	}
	for i := range e.row {
		e.row[i] -= e.estimate / n
	}
	return e
}

// expectedAUC is the ratio of two expectations: of how many pairs of a positive and a negative row the scores order well, ties counting half, and
// of how many there are. The ratio of both differs from the expected ratio by terms of one over the number of rows.
//
//	Σ c_i (1 - c_j) [p_i > p_j] / Σ c_i (1 - c_j),   over all i ≠ j
func expectedAUC(probability, p []float64) expected {
	order := byScore(p)
	var positive, negative float64 // expected numbers
	for _, c := range probability {
		positive += c
		negative += 1 - c
	}
	wins, losses := make([]float64, len(p)), make([]float64, len(p)) // as a positive row, as a negative one
	var good, pairs, goodBelow, badBelow float64
	for from := 0; from < len(order); {
		to := from
		var tied float64
		for to < len(order) && p[order[to]] == p[order[from]] {
			tied += probability[order[to]]
			to++
		}
		tiedBad := float64(to-from) - tied
		for _, i := range order[from:to] {
			c := probability[i]
			wins[i] = badBelow + (tiedBad-(1-c))/2
			losses[i] = positive - goodBelow - tied + (tied-c)/2
			good += float64(c * wins[i])
			pairs += float64(c * (negative - (1 - c)))
		}
		goodBelow += tied
		badBelow += tiedBad
		from = to
	}
	e := expected{estimate: good / pairs, slope: wins, row: losses}
	for i, c := range probability {
		win, loss := wins[i], losses[i]
		others, otherPositive := negative-(1-c), positive-c
		e.slope[i] = (win - loss - float64(e.estimate*(others-otherPositive))) / pairs
		asPositive, asNegative := win-float64(e.estimate*others), loss-float64(e.estimate*otherPositive)
		e.row[i] = (float64(c*asPositive) + float64((1-c)*asNegative)) / pairs
	}
	return e
}

// expectedOf are the metrics that can be expected of scores.
func expectedOf(probability, p []float64) map[string]expected {
	return map[string]expected{
		"auc":   expectedAUC(probability, p),
		"brier": expectedBrier(probability, p),
		"log_loss": expectedMean(probability, func(i int) (one, zero float64) {
			// As evaluate does it: a score of 0 or 1 is taken for 1e-15 from it.
			q := math.Min(math.Max(p[i], 1e-15), 1-1e-15)
			return -math.Log(q), -math.Log1p(-q)
		}),
		"accuracy": expectedMean(probability, func(i int) (one, zero float64) {
			if p[i] >= 0.5 {
				return 1, 0
			}
			return 0, 1
		}),
	}
}

func expectedBrier(probability, p []float64) expected {
	return expectedMean(probability, func(i int) (one, zero float64) {
		return float64((1 - p[i]) * (1 - p[i])), float64(p[i] * p[i])
	})
}

// minus is the difference from another metric of the same rows.
func (e expected) minus(other expected) expected {
	d := expected{estimate: e.estimate - other.estimate, slope: make([]float64, len(e.slope)), row: make([]float64, len(e.row))}
	for i := range d.slope {
		d.slope[i], d.row[i] = e.slope[i]-other.slope[i], e.row[i]-other.row[i]
	}
	return d
}

// byScore are the rows by rising score, equal ones in their order. Scores are sorted beside their rows, since rows that look their scores up are
// slower to sort.
func byScore(p []float64) []int {
	type scored struct {
		score float64
		row   int
	}
	sorted := make([]scored, len(p))
	for i, score := range p {
		sorted[i] = scored{score, i}
	}
	slices.SortFunc(sorted, func(a, b scored) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		default:
			return a.row - b.row
		}
	})
	order := make([]int, len(p))
	for i, s := range sorted {
		order[i] = s.row
	}
	return order
}
