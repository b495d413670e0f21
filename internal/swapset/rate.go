package swapset

import (
	"math"

	"github.com/loanops/loanops/internal/statistics"
)

// Rate is a share with its 95 % interval (statistics.Wilson). Of nothing it is not measured: its estimate is 0
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
	lower, upper := statistics.Wilson(count, of)
	return Rate{Count: count, Of: of, Estimate: float64(count) / float64(of), Lower: lower, Upper: upper}
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
	margin := statistics.Normal975 * math.Sqrt(float64(gained+lost+1)-float64(net*net)/wider) / wider
	return Difference{Estimate: net / float64(n), Lower: math.Max(-1, centre-margin), Upper: math.Min(1, centre+margin)}
}
