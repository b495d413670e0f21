package evaluate

import (
	"math"

	"github.com/loanops/loanops/internal/statistics"
)

// measure is a metric as what rows bring to it, from which its variance follows: the sum of the means of groups of rows, each times its sign.
type measure struct {
	groups [][]float64
	signs  []float64
}

// measures are the Metrics of valid scores, both classes among their labels. AUC is the mean of DeLong's placements of the positive rows; the
// negative ones add to its variance alone. KS is taken at the threshold at which the sample's is largest: that the threshold was chosen adds
// nothing to the variance of first order.
func measures(y, p []float64) map[string]measure {
	v10, v01 := placements(y, p)
	squares, logs, right := make([]float64, len(y)), make([]float64, len(y)), make([]float64, len(y))
	for i := range y {
		squares[i] = float64((p[i] - y[i]) * (p[i] - y[i]))
		logs[i] = rowLoss(y[i], p[i])
		if (p[i] >= 0.5) == (y[i] == 1) {
			right[i] = 1
		}
	}
	rows := func(values []float64) measure { return measure{[][]float64{values}, []float64{1}} }
	return map[string]measure{
		"auc":   {[][]float64{v10, v01}, []float64{1, 0}},
		"ks":    ksMeasure(y, p),
		"brier": rows(squares), "log_loss": rows(logs), "accuracy": rows(right),
	}
}

// ksMeasure holds which rows are at or below the threshold where the classes are farthest apart.
func ksMeasure(y, p []float64) measure {
	s := sortScores(y, p)
	var total, sum [2]float64
	for _, label := range s.y {
		total[int(label)]++
	}
	threshold, most := math.Inf(-1), 0.0
	for i, label := range s.y {
		sum[int(label)]++
		if i+1 < len(s.y) && s.p[i+1] == s.p[i] {
			continue
		}
		if d := sum[1]/total[1] - sum[0]/total[0]; math.Abs(d) > math.Abs(most) {
			threshold, most = s.p[i], d
		}
	}
	one := math.Copysign(1, most)
	groups := make([][]float64, 2)
	for i := range y {
		value := 0.0
		if p[i] <= threshold {
			value = one
		}
		groups[int(y[i])] = append(groups[int(y[i])], value)
	}
	return measure{groups, []float64{-1, 1}}
}

func (m measure) estimate() float64 {
	var e float64
	for i, group := range m.groups {
		var sum float64
		for _, v := range group {
			sum += v
		}
		e += float64(m.signs[i] * (sum / float64(len(group))))
	}
	return e
}

func (m measure) variance() float64 {
	var v float64
	for _, group := range m.groups {
		v += variance(group) / float64(len(group))
	}
	return v
}

// minus is the difference from another measure of the same rows.
func (m measure) minus(other measure) measure {
	out := measure{make([][]float64, len(m.groups)), m.signs}
	for g, group := range m.groups {
		out.groups[g] = make([]float64, len(group))
		for i, v := range group {
			out.groups[g][i] = v - other.groups[g][i]
		}
	}
	return out
}

// Measure is Evaluate's metrics alone, for many groups of many rows: the interval of KS is by the variance at the threshold where the classes are
// farthest apart, without bootstrap samples. At least two rows of each class are needed (fault.Refused).
func Measure(y, p []float64) (map[string]Metric, error) {
	if err := checkComparable(y, p); err != nil {
		return nil, err
	}
	metrics := map[string]Metric{}
	for name, m := range measures(y, p) {
		e, margin := m.estimate(), statistics.Normal975*math.Sqrt(m.variance())
		metric := Metric{Estimate: e, Lower: math.Max(0, e-margin), Upper: e + margin}
		if name == "auc" || name == "ks" {
			metric.Upper = math.Min(1, metric.Upper)
		}
		metrics[name] = metric
	}
	right := 0
	for i := range y {
		if (p[i] >= 0.5) == (y[i] == 1) {
			right++
		}
	}
	metrics["accuracy"] = share(right, len(y))
	return metrics, nil
}
