package performance

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// AgePoint is the performance of a model on a vintage that came so long after the data that it was trained on.
type AgePoint struct {
	Model         string  `json:"model"`    // whose it is; empty where one model alone is measured
	Vintage       string  `json:"vintage"`  // of which rows; models on one vintage are measured on the same rows. Empty: nobody else's
	AgeDays       float64 `json:"age_days"` // from the cutoff of the training data to the vintage; 0 or more
	Rows          int     `json:"rows"`
	Value         float64 `json:"value"` // of the metric
	StandardError float64 `json:"standard_error"`
}

// DefaultTolerance is how much AUC may be lost by waiting where nobody says otherwise.
const DefaultTolerance = 0.01

// Cadence says how soon a model must be trained anew.
type Cadence struct {
	Points []CurvePoint `json:"points"` // by age
	// Line is the fit with its 95 % band at 25 ages from 0 to the oldest; empty where there are not enough data, which Note then says.
	Line []CurvePoint `json:"line"`
	// LossPerMonth is what the metric loses in 30.4 days of waiting, with its 95 % interval: below 0 is a gain. nil without a fit.
	LossPerMonth *evaluate.Metric `json:"loss_per_month,omitempty"`
	// AtZero is the metric of a model of age 0, by the fit.
	AtZero *evaluate.Metric `json:"at_zero,omitempty"`
	// Within says that the loss is that of models of several ages on the same vintages, so that a vintage which is harder for all of them is no decay.
	Within bool `json:"within_vintages"`
	// P is the one-sided p of no decay.
	P float64 `json:"p"`
	// RecommendedDays is the largest age at which the loss is below the tolerance with 97.5 % confidence, at most the oldest age that was
	// seen. AtLeast says that it is that one: a longer period may do, and nothing is known of it.
	RecommendedDays float64 `json:"recommended_days"`
	AtLeast         bool    `json:"at_least"`
	// ExceededDays is the age from which on more than the tolerance is lost with 97.5 % confidence, if the line goes on; nil: nothing says that it ever is.
	ExceededDays *float64 `json:"exceeded_days,omitempty"`
	// Waiting is what is lost by so many days without training, with 95 % intervals.
	Waiting []Waiting `json:"waiting"`
	// Scatter is how many times more the vintages vary about the line than their standard errors explain, as a variance; 1 or more. Intervals
	// are widened by it.
	Scatter float64 `json:"scatter"`
	Note    string  `json:"note"`
}

// Waiting is what the metric loses in so many days.
type Waiting struct {
	Days float64 `json:"days"`
	evaluate.Metric
}

// CurvePoint is a value at an age with its 95 % interval.
type CurvePoint struct {
	Model   string  `json:"model,omitempty"`
	Vintage string  `json:"vintage,omitempty"`
	AgeDays float64 `json:"age_days"`
	Rows    int     `json:"rows,omitempty"`
	evaluate.Metric
}

const (
	daysPerMonth = 365.25 / 12
	minVintages  = 4
	linePoints   = 25
)

// waits are the days of which it is told what they cost, as far as ages were seen.
var waits = []float64{30, 60, 90, 180, 365, 730}

// FitCadence fits a straight line to performance by age, each vintage with the weight of its standard error. A line has one thing to learn, so that
// a few vintages suffice; where they scatter about it more than their standard errors explain (months differ, or the decay is no line), all
// intervals grow by as much (Birge's ratio), and they are those of Student's t with two degrees of freedom fewer than there are vintages. At least four
// vintages of two ages 30 days apart are needed. Where models of several ages have scored the same vintages, the loss is that within vintages, see withinVintages.
// tolerance is how much of the metric, of which more is better, may be lost against age 0, in its units. Invalid where it is not above 0, an age is negative, or
// a standard error is not above 0.
//
// Source: Birge 1932, doi 10.1103/PhysRev.40.207.
func FitCadence(points []AgePoint, tolerance float64) (Cadence, error) {
	c := Cadence{Points: []CurvePoint{}, Line: []CurvePoint{}, Waiting: []Waiting{}, P: 1, Scatter: 1}
	if !(tolerance > 0) {
		return c, fault.New(fault.Invalid, "the tolerance is %v, above 0 is wanted", tolerance)
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b AgePoint) int { return cmp.Compare(a.AgeDays, b.AgeDays) })
	for i, p := range points {
		if !(p.AgeDays >= 0) || math.IsInf(p.AgeDays, 0) || !(p.StandardError > 0) || math.IsInf(p.StandardError, 0) || math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			return c, fault.New(fault.Invalid, "vintage %d: an age of at least 0, a value, and a standard error above 0 are wanted", i+1)
		}
		margin := statistics.Normal975 * p.StandardError
		c.Points = append(c.Points, CurvePoint{p.Model, p.Vintage, p.AgeDays, p.Rows, evaluate.Metric{Estimate: p.Value, Lower: p.Value - margin, Upper: p.Value + margin}})
	}
	if vintages := vintagesOf(points); vintages < minVintages {
		c.Note = fmt.Sprintf("not enough data: %d vintages, at least %d are needed", vintages, minVintages)
		return c, nil
	}
	oldest := points[len(points)-1].AgeDays
	if oldest-points[0].AgeDays < 30 {
		c.Note = fmt.Sprintf("not enough data: the vintages' ages are within %.0f days, at least 30 are needed", oldest-points[0].AgeDays)
		return c, nil
	}
	fitted := fitLine(points)
	if c.Within = fitted.withinVintages(points); !c.Within {
		fitted.sharedVintages(points)
	}
	c.tell(fitted, oldest, tolerance)
	return c, nil
}

// tell says what follows from the line.
func (c *Cadence) tell(l line, oldest, tolerance float64) {
	c.Scatter = l.scatter
	perDay := -l.slope
	margin := float64(l.quantile * l.slopeError)
	c.LossPerMonth = &evaluate.Metric{Estimate: perDay * daysPerMonth, Lower: (perDay - margin) * daysPerMonth, Upper: (perDay + margin) * daysPerMonth}
	zero := l.at(0)
	c.AtZero = &zero
	for i := range linePoints {
		age := oldest * float64(i) / (linePoints - 1)
		c.Line = append(c.Line, CurvePoint{AgeDays: age, Metric: l.at(age)})
	}
	c.P = l.student.Survival(perDay / l.slopeError)
	c.RecommendedDays, c.AtLeast = oldest, true
	if worst := perDay + margin; float64(worst*oldest) > tolerance {
		c.RecommendedDays, c.AtLeast = math.Floor(tolerance/worst), false
	}
	if surely := perDay - margin; surely > 0 {
		days := math.Ceil(tolerance / surely)
		c.ExceededDays = &days
	}
	for _, days := range waits {
		if days <= oldest {
			c.Waiting = append(c.Waiting, Waiting{days, evaluate.Metric{Estimate: perDay * days, Lower: (perDay - margin) * days, Upper: (perDay + margin) * days}})
		}
	}
	per := fmt.Sprintf("%.4g is lost per month (95 %% interval %.4g to %.4g)", c.LossPerMonth.Estimate, c.LossPerMonth.Lower, c.LossPerMonth.Upper)
	if c.AtLeast {
		c.Note = fmt.Sprintf("%s: up to the oldest age seen, %.0f days, the loss is within %.4g", per, oldest, tolerance)
		return
	}
	c.Note = fmt.Sprintf("%s: up to %.0f days the loss is within %.4g", per, c.RecommendedDays, tolerance)
	if c.LossPerMonth.Lower <= 0 {
		c.Note += "; no decay is found, the period is short because the loss is not known well"
	}
}

// line is a weighted regression on age.
type line struct {
	middle, level          float64 // the weighted mean age, and the value there
	slope                  float64
	levelError, slopeError float64
	scatter, quantile      float64
	student                distuv.StudentsT
}

func fitLine(points []AgePoint) line {
	var weight, age, value float64
	for _, p := range points {
		w := 1 / float64(p.StandardError*p.StandardError)
		weight += w
		age += float64(w * p.AgeDays)
		value += float64(w * p.Value)
	}
	l := line{middle: age / weight, level: value / weight}
	var squares, products float64
	for _, p := range points {
		w := 1 / float64(p.StandardError*p.StandardError)
		d := p.AgeDays - l.middle
		squares += float64(w * d * d)
		products += float64(w * d * (p.Value - l.level))
	}
	l.slope = products / squares
	var chi float64
	for _, p := range points {
		r := (p.Value - l.level - float64(l.slope*(p.AgeDays-l.middle))) / p.StandardError
		chi += float64(r * r)
	}
	freedom := float64(len(points) - 2)
	l.scatter = math.Max(1, chi/freedom)
	l.levelError, l.slopeError = math.Sqrt(l.scatter/weight), math.Sqrt(l.scatter/squares)
	l.student = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}
	l.quantile = l.student.Quantile(0.975)
	return l
}

// at is the line at an age with its 95 % interval.
func (l line) at(age float64) evaluate.Metric {
	d := age - l.middle
	value := l.level + float64(l.slope*d)
	margin := l.quantile * math.Hypot(l.levelError, l.slopeError*d)
	return evaluate.Metric{Estimate: value, Lower: value - margin, Upper: value + margin}
}
