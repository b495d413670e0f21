package statistics

import (
	"cmp"
	"slices"
)

// MidRanks gives each value its rank from 1, equal values their ranks' mean.
func MidRanks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	ranks := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for k := from; k < to; k++ {
			ranks[order[k]] = float64(from+1+to) / 2
		}
		from = to
	}
	return ranks
}
