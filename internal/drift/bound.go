package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// normal95 is the 95 % quantile of the standard normal distribution.
const normal95 = 1.6448536269514722

// quadraticLower is a 95 % lower confidence bound of a divergence that is near a factor-th of chi-squared's: with N = m n / (m + n), factor N times it
// is noncentral chi-squared, of noncentrality factor N times its true value. The bound is the noncentrality at which what was observed is the 95 %
// quantile. Bins of few rows make the divergence larger than that; it is taken for as much smaller as what no drift brings is larger on average.
func (n *null) quadraticLower(i int, factor float64) float64 {
	scale := factor * n.m * n.n / (n.m + n.n)
	if len(n.bins[i]) < 2 {
		return 0
	}
	df := float64(len(n.bins[i]) - 1)
	x := n.observed[i] * scale / math.Max(1, scale*mean(n.drawn[i])/df)
	if (distuv.ChiSquared{K: df}).Survival(x) >= 0.05 {
		return 0
	}
	low, high := 0.0, x
	for range 60 {
		middle := (low + high) / 2
		if noncentral(x, df, middle) > normal95 {
			low = middle
		} else {
			high = middle
		}
	}
	return low / scale
}

// noncentral is the normal quantile of a noncentral chi-squared number: Sankaran 1963, doi 10.1093/biomet/50.1-2.199.
func noncentral(x, df, noncentrality float64) float64 {
	k, l := df, noncentrality
	h := 1 - 2*(k+l)*(k+3*l)/(3*(k+2*l)*(k+2*l))
	p := (k + 2*l) / ((k + l) * (k + l))
	m := (h - 1) * (1 - 3*h)
	centre := 1 + h*p*(h-1-(2-h)*m*p/2)
	return (math.Pow(x/(k+l), h) - centre) / (h * math.Sqrt(2*p) * (1 + m*p/2))
}

// missingness holds the shares of missing values against each other: Fisher's exact test, two-sided by doubling the smaller tail (Fisher 1935, doi
// 10.2307/2342435), and the lower end of the interval of Agresti & Caffo 2000, doi 10.1080/00031305.2000.10474560.
func missingness(reference, window Side) Statistic {
	s := Statistic{Name: Missingness, Value: math.Abs(window.MissingShare() - reference.MissingShare())}
	missing, all := reference.Missing+window.Missing, reference.Rows+window.Rows
	s.P = math.Min(1, 2*math.Min(tail(window.Missing, missing, all, window.Rows, 1), tail(window.Missing, missing, all, window.Rows, -1)))
	m, n := float64(reference.Rows)+2, float64(window.Rows)+2
	p, q := (float64(reference.Missing)+1)/m, (float64(window.Missing)+1)/n
	s.Lower = math.Max(0, math.Abs(q-p)-normal95*math.Sqrt(float64(p*(1-p))/m+float64(q*(1-q))/n))
	return s
}

// tail is the probability that k or more (direction 1), or k or fewer (-1), of good among all rows are among those drawn.
func tail(k, good, all, draw, direction int64) float64 {
	g, a, d := float64(good), float64(all), float64(draw)
	if beyond := float64(direction) * (float64(k) - d*(g/a)); beyond < 0 { // the other tail is the smaller one, and is none at its end
		if k-direction < max(0, draw-(all-good)) || k-direction > min(good, draw) {
			return 1
		}
		return 1 - tail(k-direction, good, all, draw, -direction)
	}
	term := probability(k, good, all, draw)
	s := term
	for ; term > 1e-17*s; s += term {
		x := float64(k)
		if direction > 0 {
			term *= (g - x) / (x + 1) * ((d - x) / (a - g - d + x + 1))
		} else {
			term *= x / (g - x + 1) * ((a - g - d + x) / (d - x + 1))
		}
		k += direction
	}
	return math.Max(math.Min(s, 1), math.SmallestNonzeroFloat64)
}
