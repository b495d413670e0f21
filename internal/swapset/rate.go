package swapset

import "math"

// normal975 is the 97.5 % quantile of the standard normal distribution.
const normal975 = 1.959963984540054

// Rate is a share with its 95 % interval (Wilson 1927, doi 10.1080/01621459.1927.10502953). Of nothing it is not measured: its estimate is 0
// and its interval all of [0, 1].
type Rate struct {
	Count    int     `json:"count"`
	Of       int     `json:"of"`
	Estimate float64 `json:"estimate"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
}

// Measured says whether the rate is of anything.
func (r Rate) Measured() bool { return r.Of > 0 }

func rate(count, of int) Rate {
	if of == 0 {
		return Rate{Upper: 1}
	}
	n, z2 := float64(of), float64(normal975*normal975)
	p := float64(count) / n
	centre := p + z2/(2*n)
	margin := normal975 * math.Sqrt((float64(p*(1-p))+z2/(4*n))/n)
	// At no and at all successes the ends are 0 and 1, which rounding would miss.
	lower, upper := math.Max(0, (centre-margin)/(1+z2/n)), math.Min(1, (centre+margin)/(1+z2/n))
	if count == 0 {
		lower = 0
	}
	if count == of {
		upper = 1
	}
	return Rate{Count: count, Of: of, Estimate: p, Lower: lower, Upper: upper}
}

// Difference is a difference of two rates on the same rows, from -1 to 1, and its 95 % interval.
type Difference struct {
	Estimate float64 `json:"estimate"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
}

// pairedDifference is (gained - lost) / n. The interval is Wald's after half a row was added to each cell of the two-by-two table ("Wald+2"),
// which holds its level on few rows too; without rows it is all of [-1, 1]:
//
//	d ± 1.96 · sqrt(gained + lost + 1 - (gained - lost)² / (n + 2)) / (n + 2),   d = (gained - lost) / (n + 2)
//
// Source: Agresti & Min 2005, doi 10.1002/sim.1781.
func pairedDifference(gained, lost, n int) Difference {
	if n == 0 {
		return Difference{Lower: -1, Upper: 1}
	}
	net, wider := float64(gained-lost), float64(n+2)
	centre := net / wider
	margin := normal975 * math.Sqrt(float64(gained+lost+1)-float64(net*net)/wider) / wider
	return Difference{Estimate: net / float64(n), Lower: math.Max(-1, centre-margin), Upper: math.Min(1, centre+margin)}
}
