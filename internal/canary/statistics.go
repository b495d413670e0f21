package canary

import "math"

// normal95 is the 95 % quantile of the standard normal distribution: a one-sided bound.
const normal95 = 1.6448536269514722

// wilsonLower is the lower end of the one-sided 95 % Wilson score interval of a rate, 0 when there are no trials. Unlike
// the plain rate it does not condemn a track for one failure in few requests, and unlike a fixed count it does for a few
// in a row: 1 of 1 gives 0.27, 1 of 100 gives 0.0026.
//
// Source: Wilson 1927, doi 10.1080/01621459.1927.10502953.
func wilsonLower(failures, trials int64) float64 {
	if trials == 0 {
		return 0
	}
	n, p := float64(trials), float64(failures)/float64(trials)
	z2 := float64(normal95 * normal95)
	centre := p + z2/(2*n)
	margin := normal95 * math.Sqrt((p*(1-p)+z2/(4*n))/n)
	return math.Max(0, (centre-margin)/(1+z2/n))
}

// shift returns the two-sample Kolmogorov-Smirnov distance of two histograms over the same buckets, 0 to 1, and the
// distance that two samples of these sizes from one distribution exceed in one of a thousand cases:
//
//	c(α) · sqrt((n + m) / (n · m)),   c(α) = sqrt(-ln(α/2) / 2),   α = 0.001
//
// Binning makes the distance smaller, never larger, so the bound stays on the safe side. Without samples both are 0.
//
// Source: Smirnov 1948, doi 10.1214/aoms/1177730256.
func shift(a, b Histogram) (distance, chance float64) {
	n, m := a.Total(), b.Total()
	if n == 0 || m == 0 {
		return 0, 0
	}
	var sumA, sumB int64
	for i := range min(len(a.Counts), len(b.Counts)) {
		sumA += a.Counts[i]
		sumB += b.Counts[i]
		distance = math.Max(distance, math.Abs(float64(sumA)/float64(n)-float64(sumB)/float64(m)))
	}
	const alpha = 0.001
	chance = math.Sqrt(-math.Log(alpha/2)/2) * math.Sqrt(float64(n+m)/(float64(n)*float64(m)))
	return distance, chance
}

// Total is the number of values in the histogram.
func (h Histogram) Total() int64 {
	var total int64
	for _, count := range h.Counts {
		total += count
	}
	return total
}

// Quantile returns the q-quantile, 0 < q <= 1, interpolated within its bucket as Prometheus' histogram_quantile does; a
// quantile above every bound is +Inf, so that a limit can never be passed by values that were not resolved. An empty
// histogram gives 0.
func (h Histogram) Quantile(q float64) float64 {
	total := h.Total()
	if total == 0 {
		return 0
	}
	rank := q * float64(total)
	var below int64
	for i, count := range h.Counts {
		if float64(below+count) < rank || count == 0 {
			below += count
			continue
		}
		if i >= len(h.Bounds) {
			return math.Inf(1)
		}
		lower := 0.0
		if i > 0 {
			lower = h.Bounds[i-1]
		}
		return lower + (h.Bounds[i]-lower)*(rank-float64(below))/float64(count)
	}
	return math.Inf(1)
}
