package performance

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// Aged is a model with its scores of rows.
type Aged struct {
	Name string
	// Trained is the last day of the rows that it was fitted to, Seen that of all rows that had a say in it, such as those that chose its penalty: days
	// since 1970-01-01.
	Trained, Seen float64
	Scores        []float64 // NaN where it would refuse the row
}

// unlike is the largest share of a vintage that a model may refuse to be compared on the others.
const unlike = 0.5

// Ages measures models (AUC) on the vintages that began after all that they have seen, each model at its age then: days from the last day of its training
// to the mean day of the vintage's rows. Models on one vintage are measured on the same rows, those that all of them take; who refuses more than half of a vintage is not
// measured on it. Vintages are calendar months; where most of these are below the limits, quarters, or else years. months is how long they are. Labels
// are 1, 0 or NaN as everywhere here, days as dataset.Day counts them. Invalid where the columns do not have the same rows.
func Ages(models []Aged, labels, days []float64, limits Limits) (points []AgePoint, months int, err error) {
	for _, m := range models {
		if len(m.Scores) != len(labels) || len(days) != len(labels) {
			return nil, 0, fault.New(fault.Invalid, "%s has %d scores; there are %d labels and %d days", m.Name, len(m.Scores), len(labels), len(days))
		}
	}
	vintages, months := calendar(labels, days, limits)
	for _, v := range vintages {
		var in []Aged
		for _, m := range models {
			if m.Seen < v.first && refused(m.Scores, v.rows) <= unlike {
				in = append(in, m)
			}
		}
		measured, err := v.measure(in, labels, days, limits)
		if err != nil {
			return nil, months, err
		}
		points = append(points, measured...)
	}
	return points, months, nil
}

// vintage is matured rows of a calendar period.
type vintage struct {
	name  string
	first float64 // day
	rows  []int
}

// calendar are the vintages, in order of time.
func calendar(labels, days []float64, limits Limits) (vintages []vintage, months int) {
	for _, months = range []int{1, 3, 12} {
		by := map[float64][]int{}
		for i, day := range days {
			if !math.IsNaN(labels[i]) && !math.IsNaN(day) {
				first := periodOf(day, months)
				by[first] = append(by[first], i)
			}
		}
		firsts := make([]float64, 0, len(by))
		for first := range by {
			firsts = append(firsts, first)
		}
		slices.Sort(firsts)
		vintages = nil
		enough := 0
		for _, first := range firsts {
			v := vintage{periodName(first, months), first, by[first]}
			vintages = append(vintages, v)
			if limits.wanting(len(v.rows), positives(pickRows(labels, v.rows))) == "" {
				enough++
			}
		}
		if 2*enough >= len(vintages) {
			break
		}
	}
	return vintages, months
}

// periodOf is the first day of the calendar period of so many months that has the day in it.
func periodOf(day float64, months int) float64 {
	at := dataset.DayOf(math.Floor(day))
	first := time.Date(at.Year(), time.Month((int(at.Month())-1)/months*months+1), 1, 0, 0, 0, 0, time.UTC)
	return dataset.Day(first)
}

func periodName(first float64, months int) string {
	at := dataset.DayOf(first)
	switch months {
	case 1:
		return at.Format("2006-01")
	case 3:
		return fmt.Sprintf("%d-Q%d", at.Year(), (int(at.Month())+2)/3)
	}
	return at.Format("2006")
}

// refused is the share of rows that have no score.
func refused(scores []float64, rows []int) float64 {
	n := 0
	for _, i := range rows {
		if math.IsNaN(scores[i]) {
			n++
		}
	}
	return float64(n) / float64(len(rows))
}

// measure is the models on the rows that all of them take; nothing where these are too few.
func (v vintage) measure(models []Aged, labels, days []float64, limits Limits) (points []AgePoint, err error) {
	rows := slices.DeleteFunc(slices.Clone(v.rows), func(i int) bool {
		return slices.ContainsFunc(models, func(m Aged) bool { return math.IsNaN(m.Scores[i]) })
	})
	y := pickRows(labels, rows)
	if limits.wanting(len(rows), positives(y)) != "" {
		return nil, nil
	}
	var day float64
	for _, i := range rows {
		day += days[i] / float64(len(rows))
	}
	for _, m := range models {
		scores := pickRows(m.Scores, rows)
		if err := check(y, scores); err != nil {
			return nil, err
		}
		metrics, err := evaluate.Measure(y, scores)
		if err != nil {
			return nil, err
		}
		auc := metrics["auc"]
		// One end of the interval may have been cut at 0 or 1.
		if margin := max(auc.Upper-auc.Estimate, auc.Estimate-auc.Lower); margin > 0 {
			points = append(points, AgePoint{
				Model: m.Name, Vintage: v.name, AgeDays: day - m.Trained, Rows: len(rows), Value: auc.Estimate, StandardError: margin / statistics.Normal975,
			})
		}
	}
	return points, nil
}

func pickRows(values []float64, rows []int) []float64 {
	picked := make([]float64, len(rows))
	for i, row := range rows {
		picked[i] = values[row]
	}
	return picked
}

const (
	// maxCutoffs is how many models a backtest trains, and leastPast the share of the rows that the first of them has.
	maxCutoffs = 12
	leastPast  = 0.1
	// shortHistory is the days below which models are trained by months, not by quarters.
	shortHistory = 731
)

// Cutoffs are the last days of the data of a backtest's models: ends of months, or of quarters where the days span two years, at most twelve of them, evenly
// spaced, the first one with at least a tenth of the days before it. days are those of rows with a matured label.
func Cutoffs(days []float64) (cutoffs []float64) {
	sorted := slices.DeleteFunc(slices.Clone(days), math.IsNaN)
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return nil
	}
	first, last := sorted[int(leastPast*float64(len(sorted)-1))], sorted[len(sorted)-1]
	months := 1
	if last-sorted[0] >= shortHistory {
		months = 3
	}
	var ends []float64
	for day := first; day < last; {
		end := periodOf(day, months)
		for end <= day { // of the next period
			end = periodOf(end+32*float64(months), months)
		}
		if end-1 < last && end-1 >= first {
			ends = append(ends, end-1)
		}
		day = end
	}
	n := min(len(ends), maxCutoffs)
	for i := range n {
		cutoffs = append(cutoffs, ends[i*(len(ends)-1)/max(n-1, 1)])
	}
	return cutoffs
}
