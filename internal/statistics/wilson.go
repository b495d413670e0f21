// Package statistics holds the ranks and the interval that several measures are made of.
package statistics

import "math"

// Normal975 is the 97.5 % quantile of the standard normal distribution: so many standard errors to either side are a 95 % interval.
const Normal975 = 1.959963984540054

// Wilson is the 95 % score interval of a share, count of one or more: Wilson 1927, doi 10.1080/01621459.1927.10502953.
func Wilson(count, of int) (lower, upper float64) {
	n, z2 := float64(of), float64(Normal975*Normal975)
	p := float64(count) / n
	centre := (p + z2/(2*n)) / (1 + z2/n)
	margin := Normal975 / (1 + z2/n) * math.Sqrt(float64(p*(1-p))/n+z2/(4*n*n))
	lower, upper = math.Max(0, centre-margin), math.Min(1, centre+margin)
	// At no and at all successes the ends are 0 and 1, which rounding would miss.
	if count == 0 {
		lower = 0
	}
	if count == of {
		upper = 1
	}
	return lower, upper
}
