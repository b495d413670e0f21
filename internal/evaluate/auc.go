package evaluate

import (
	"math"
	"slices"
)

// auc is the probability that a positive row scores above a negative one, ties counting half, with the interval from
// DeLong's variance.
//
// Source: DeLong, DeLong & Clarke-Pearson 1988, doi 10.2307/2531595; computed with mid-ranks as Sun & Xu 2014,
// doi 10.1109/LSP.2014.2337313.
func auc(y, p []float64) Metric {
	var positive, negative []float64
	for i := range y {
		if y[i] == 1 {
			positive = append(positive, p[i])
		} else {
			negative = append(negative, p[i])
		}
	}
	all := midRanks(slices.Concat(positive, negative))
	amongPositive, amongNegative := midRanks(positive), midRanks(negative)
	m, n := float64(len(positive)), float64(len(negative))
	v10, v01 := make([]float64, len(positive)), make([]float64, len(negative))
	var area float64
	for i := range v10 {
		v10[i] = (all[i] - amongPositive[i]) / n
		area += v10[i] / m
	}
	for j := range v01 {
		v01[j] = 1 - (all[len(positive)+j]-amongNegative[j])/m
	}
	margin := normal975 * math.Sqrt(variance(v10)/m+variance(v01)/n)
	return Metric{Estimate: area, Lower: math.Max(0, area-margin), Upper: math.Min(1, area+margin)}
}

// midRanks gives each value its rank from 1, equal values their ranks' mean.
func midRanks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		default:
			return a - b
		}
	})
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for k := from; k < to; k++ {
			ranks[order[k]] = float64(from+to+1) / 2
		}
		from = to
	}
	return ranks
}

// variance is the unbiased one; a single value has none.
func variance(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(len(values))
	for _, v := range values {
		squares += float64((v - mean) * (v - mean))
	}
	return squares / float64(len(values)-1)
}
