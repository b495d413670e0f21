// Package evaluate measures how good scores are, with intervals, and holds them against gates.
package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// Metric is an estimate and its 95 % interval.
type Metric struct {
	Estimate float64 `json:"estimate"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
}

// Evaluation is what a set of labelled scores shows.
type Evaluation struct {
	Rows     int `json:"rows"`
	Positive int `json:"positive"`
	// Metrics are by name, see Metrics.
	Metrics     map[string]Metric `json:"metrics"`
	ROC         []Point           `json:"roc"`         // X false, Y true positive rate, from (0,0) to (1,1)
	Calibration []Bin             `json:"calibration"` // up to ten bins of equally many rows
	// Positives and Negatives count scores in twenty bins of width 0.05.
	Positives [20]int `json:"positives"`
	Negatives [20]int `json:"negatives"`
}

// Point is one point of a curve.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Bin is a group of rows with similar scores.
type Bin struct {
	Rows     int     `json:"rows"`
	Score    float64 `json:"score"`    // mean score
	Observed float64 `json:"observed"` // share of positive labels
}

// Evaluate measures scores p in [0, 1] against labels y in {0, 1}. Both classes are needed (fault.Refused); a score that is not
// a probability is fault.Invalid. Accuracy takes 0.5 as the border. Intervals: AUC by DeLong's variance, Brier score and log
// loss by the central limit theorem, accuracy by Wilson's interval, KS by 200 bootstrap samples of fixed seed.
func Evaluate(y, p []float64) (Evaluation, error) {
	e := Evaluation{Rows: len(y), Metrics: map[string]Metric{}}
	if len(y) != len(p) {
		return e, fault.New(fault.Invalid, "%d labels and %d scores", len(y), len(p))
	}
	for i := range y {
		if !(p[i] >= 0 && p[i] <= 1) || (y[i] != 0 && y[i] != 1) {
			return e, fault.New(fault.Invalid, "row %d: a score from 0 to 1 and a label of 0 or 1 are wanted", i+1)
		}
		bin := min(int(p[i]*20), 19)
		if y[i] == 1 {
			e.Positive++
			e.Positives[bin]++
		} else {
			e.Negatives[bin]++
		}
	}
	if e.Positive == 0 || e.Positive == e.Rows {
		return e, fault.New(fault.Refused, "%d of %d labels are positive; both classes are needed", e.Positive, e.Rows)
	}
	s := sortScores(y, p)
	e.Metrics["auc"] = auc(y, p)
	e.Metrics["ks"] = s.ks()
	e.Metrics["brier"], e.Metrics["log_loss"], e.Metrics["accuracy"] = pointwise(y, p)
	e.ROC = s.roc()
	e.Calibration = s.calibration()
	return e, nil
}

// clip keeps the log loss finite when a score is exactly 0 or 1, as scikit-learn does.
const clip = 1e-15

func pointwise(y, p []float64) (brier, logLoss, accuracy Metric) {
	squares, losses := make([]float64, len(y)), make([]float64, len(y))
	right := 0
	for i := range y {
		d := p[i] - y[i]
		squares[i] = d * d
		losses[i] = rowLoss(y[i], p[i])
		if (p[i] >= 0.5) == (y[i] == 1) {
			right++
		}
	}
	return meanInterval(squares), meanInterval(losses), share(right, len(y))
}

func rowLoss(y, p float64) float64 {
	q := math.Min(math.Max(p, clip), 1-clip)
	if y == 0 {
		return -math.Log1p(-q)
	}
	return -math.Log(q)
}

// meanInterval is mean ± 1.96 standard errors.
func meanInterval(values []float64) Metric {
	n := float64(len(values))
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	for _, v := range values {
		squares += float64((v - mean) * (v - mean))
	}
	margin := statistics.Normal975 * math.Sqrt(squares/math.Max(n-1, 1)/n)
	return Metric{Estimate: mean, Lower: math.Max(0, mean-margin), Upper: mean + margin}
}

// share is right of n rows with Wilson's interval.
func share(right, n int) Metric {
	lower, upper := statistics.Wilson(right, n)
	return Metric{Estimate: float64(right) / float64(n), Lower: lower, Upper: upper}
}

// sorted is rows in ascending order of score.
type sorted struct {
	y, p []float64
}

func sortScores(y, p []float64) sorted {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		default:
			return 0
		}
	})
	s := sorted{make([]float64, len(y)), make([]float64, len(y))}
	for i, row := range order {
		s.y[i], s.p[i] = y[row], p[row]
	}
	return s
}

// ks is the largest distance between the score distributions of the two classes.
func (s sorted) ks() Metric {
	ones := make([]int, len(s.y))
	for i := range ones {
		ones[i] = 1
	}
	m := Metric{Estimate: s.distance(ones)}
	const samples = 200
	random := rand.New(rand.NewPCG(20260101, 1))
	distances := make([]float64, 0, samples)
	counts := make([]int, len(s.y))
	for range samples {
		clear(counts)
		for range counts {
			counts[random.IntN(len(counts))]++
		}
		distances = append(distances, s.distance(counts))
	}
	slices.Sort(distances)
	m.Lower, m.Upper = math.Min(distances[4], m.Estimate), math.Max(distances[194], m.Estimate)
	return m
}

// distance is the KS distance when row i counts counts[i] times; 0 when a class is absent.
func (s sorted) distance(counts []int) float64 {
	var total [2]float64
	for i, c := range counts {
		total[int(s.y[i])] += float64(c)
	}
	if total[0] == 0 || total[1] == 0 {
		return 0
	}
	var sum [2]float64
	most := 0.0
	for i, c := range counts {
		sum[int(s.y[i])] += float64(c)
		if i+1 == len(counts) || s.p[i+1] != s.p[i] {
			most = math.Max(most, math.Abs(sum[1]/total[1]-sum[0]/total[0]))
		}
	}
	return most
}

// roc returns at most about 200 points: a plot shows no more.
func (s sorted) roc() []Point {
	var positives, negatives float64
	for _, label := range s.y {
		positives += label
		negatives += 1 - label
	}
	points := []Point{{0, 0}}
	var tp, fp float64
	for i := len(s.y) - 1; i >= 0; i-- {
		tp += s.y[i]
		fp += 1 - s.y[i]
		if i > 0 && s.p[i-1] == s.p[i] {
			continue
		}
		point, last := Point{fp / negatives, tp / positives}, points[len(points)-1]
		if i == 0 || point.X-last.X+point.Y-last.Y >= 0.01 {
			points = append(points, point)
		}
	}
	return points
}

func (s sorted) calibration() []Bin {
	const bins = 10
	var out []Bin
	for b := range bins {
		from, to := b*len(s.y)/bins, (b+1)*len(s.y)/bins
		if from == to {
			continue
		}
		bin := Bin{Rows: to - from}
		for i := from; i < to; i++ {
			bin.Score += s.p[i] / float64(bin.Rows)
			bin.Observed += s.y[i] / float64(bin.Rows)
		}
		out = append(out, bin)
	}
	return out
}
