package evaluate

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/statistics"
)

// auc is the probability that a positive row scores above a negative one, ties counting half, with the interval from
// DeLong's variance.
//
// Source: DeLong, DeLong & Clarke-Pearson 1988, doi 10.2307/2531595; computed with mid-ranks as Sun & Xu 2014,
// doi 10.1109/LSP.2014.2337313.
func auc(y, p []float64) Metric {
	v10, v01 := placements(y, p)
	m, n := float64(len(v10)), float64(len(v01))
	var area float64
	for _, v := range v10 {
		area += v / m
	}
	margin := statistics.Normal975 * math.Sqrt(variance(v10)/m+variance(v01)/n)
	return Metric{Estimate: area, Lower: math.Max(0, area-margin), Upper: math.Min(1, area+margin)}
}

// placements are, for each positive row, the share of the negative ones below it, and for each negative row that of the positive ones above it, in
// the order of the rows; ties count half.
func placements(y, p []float64) (v10, v01 []float64) {
	var positive, negative []float64
	for i := range y {
		if y[i] == 1 {
			positive = append(positive, p[i])
		} else {
			negative = append(negative, p[i])
		}
	}
	all := statistics.MidRanks(slices.Concat(positive, negative))
	amongPositive, amongNegative := statistics.MidRanks(positive), statistics.MidRanks(negative)
	m, n := float64(len(positive)), float64(len(negative))
	v10, v01 = make([]float64, len(positive)), make([]float64, len(negative))
	for i := range v10 {
		v10[i] = (all[i] - amongPositive[i]) / n
	}
	for j := range v01 {
		v01[j] = 1 - (all[len(positive)+j]-amongNegative[j])/m
	}
	return v10, v01
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
