package evaluate

import (
	"math"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// Difference is the metric of one set of scores minus that of another, with its 95 % interval and the two-sided p of no difference, all by the
// normal distribution. The interval is not cut at what a metric can be.
type Difference struct {
	Estimate      float64 `json:"estimate"`
	StandardError float64 `json:"standard_error"`
	Lower         float64 `json:"lower"`
	Upper         float64 `json:"upper"`
	P             float64 `json:"p"`
}

// NewDifference is a difference of that variance. One without variance has a p of 1 where it is 0, else of 0.
func NewDifference(estimate, variance float64) Difference {
	d := Difference{Estimate: estimate, StandardError: math.Sqrt(variance)}
	margin := float64(statistics.Normal975 * d.StandardError)
	d.Lower, d.Upper = estimate-margin, estimate+margin
	d.P = min(1, 2*min(d.Above(0), d.Below(0)))
	return d
}

// Above is the one-sided p of the hypothesis that the true difference is at most limit: small where it is above.
func (d Difference) Above(limit float64) float64 {
	if d.StandardError == 0 {
		if d.Estimate > limit {
			return 0
		}
		return 1
	}
	return math.Erfc((d.Estimate-limit)/d.StandardError/math.Sqrt2) / 2
}

// Below is the one-sided p of the hypothesis that the true difference is at least limit: small where it is below.
func (d Difference) Below(limit float64) float64 {
	return Difference{Estimate: -d.Estimate, StandardError: d.StandardError}.Above(-limit)
}

// Paired compares two models' scores of the same labelled rows: b's Metrics minus a's. The AUC's variance is that of
// DeLong's covariance, those of Brier score, log loss and accuracy are of the mean of the rows' differences, KS is taken at either model's own best
// threshold. Invalid where a score is no probability or the lengths differ, Refused where a class has fewer than two rows.
//
// Source: DeLong, DeLong & Clarke-Pearson 1988, doi 10.2307/2531595.
func Paired(y, a, b []float64) (map[string]Difference, error) {
	for _, p := range [][]float64{a, b} {
		if err := checkComparable(y, p); err != nil {
			return nil, err
		}
	}
	of, than := measures(y, b), measures(y, a)
	differences := map[string]Difference{}
	for _, metric := range Metrics {
		m := of[metric.Name].minus(than[metric.Name])
		differences[metric.Name] = NewDifference(m.estimate(), m.variance())
	}
	return differences, nil
}

// Independent compares scores of different labelled rows, such as two periods: the metrics of the second rows minus those of the first, with the
// sum of the two variances. Beside Paired's metrics it has two that are 0 for calibrated scores whatever the mix of applicants is, while a Brier score rises
// when more of them are doubtful: calibration, which is the mean of y - p, the share of positive labels above what the scores promise, and brier_excess, the
// Brier score above what they promise,
//
//	mean of (y - p)(1 - 2p) = mean of (y - p)² - p(1 - p)
//
// which is above 0 as well where scores are too extreme at both ends. Faults are those of Paired.
func Independent(yFirst, first, ySecond, second []float64) (map[string]Difference, error) {
	if err := checkComparable(yFirst, first); err != nil {
		return nil, err
	}
	if err := checkComparable(ySecond, second); err != nil {
		return nil, err
	}
	before, after := measures(yFirst, first), measures(ySecond, second)
	before["brier_excess"], after["brier_excess"] = excess(yFirst, first), excess(ySecond, second)
	before["calibration"], after["calibration"] = above(yFirst, first), above(ySecond, second)
	differences := map[string]Difference{}
	for name := range before {
		differences[name] = NewDifference(after[name].estimate()-before[name].estimate(), before[name].variance()+after[name].variance())
	}
	return differences, nil
}

func excess(y, p []float64) measure {
	values := make([]float64, len(y))
	for i := range y {
		values[i] = float64((y[i] - p[i]) * (1 - 2*p[i]))
	}
	return measure{[][]float64{values}, []float64{1}}
}

func above(y, p []float64) measure {
	values := make([]float64, len(y))
	for i := range y {
		values[i] = y[i] - p[i]
	}
	return measure{[][]float64{values}, []float64{1}}
}

// checkComparable says what is wrong with scores that are to be compared.
func checkComparable(y, p []float64) error {
	if len(y) != len(p) {
		return fault.New(fault.Invalid, "%d labels and %d scores", len(y), len(p))
	}
	positive := 0
	for i := range y {
		if !(p[i] >= 0 && p[i] <= 1) || (y[i] != 0 && y[i] != 1) {
			return fault.New(fault.Invalid, "row %d: a score from 0 to 1 and a label of 0 or 1 are wanted", i+1)
		}
		positive += int(y[i])
	}
	if positive < 2 || len(y)-positive < 2 {
		return fault.New(fault.Refused, "%d of %d labels are positive; at least two of each class are needed", positive, len(y))
	}
	return nil
}
