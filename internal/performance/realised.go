package performance

import (
	"cmp"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/parallel"
)

// Window is scored rows of a period.
type Window struct {
	Scores []float64 // probabilities of the positive label
	Labels []float64 // 1, 0, or NaN where not matured; nil where none is known
	// Days are the days of application, since 1970-01-01 as dataset.Day counts them; NaN is not known, nil is no vintages.
	Days     []float64
	Segments []Segment
}

// Segment is a column by which rows are told apart, such as the type of institution.
type Segment struct {
	Column string
	Values []string // of every row; empty is missing
}

// Realised is the performance on matured labels.
type Realised struct {
	Overall  Group          `json:"overall"`
	Vintages []Group        `json:"vintages"` // in order of time, rows without a day last
	Segments []SegmentGroup `json:"segments"`
}

// SegmentGroup is the performance by the values of one column.
type SegmentGroup struct {
	Column string `json:"column"`
	// Groups are by falling number of rows, equal ones by name. Values of fewer matured rows than the limit, and those after the first 20, are one
	// group together, the last.
	Groups []Group `json:"groups"`
}

// Group is the performance on some of the rows.
type Group struct {
	Name     string `json:"name"`             // the vintage, such as 2026-11, or the value; empty: all, missing, or merged
	Merged   int    `json:"merged,omitempty"` // how many values the group has, where it is the rest
	Rows     int    `json:"rows"`             // matured
	Immature int    `json:"immature"`
	Positive int    `json:"positive"`
	// Metrics are auc, ks, brier, log_loss and accuracy; nil where there are not enough data, which Note then says.
	Metrics     map[string]evaluate.Metric `json:"metrics,omitempty"`
	Calibration *Calibration               `json:"calibration,omitempty"`
	Note        string                     `json:"note,omitempty"`
}

// maxValues is how many values of a segment are told apart.
const maxValues = 20

// Realise measures the window's scores on its matured labels: overall, by vintage, which is a calendar month, and by segment. Invalid where the columns do not have the same
// rows, or hold what is no score or no label.
func Realise(w Window, limits Limits) (Realised, error) {
	if err := w.check(); err != nil {
		return Realised{}, err
	}
	if w.Labels == nil {
		w.Labels = slices.Repeat([]float64{math.NaN()}, len(w.Scores))
	}
	limits = limits.orDefault()
	all := make([]int, len(w.Scores))
	for i := range all {
		all[i] = i
	}
	parts := []part{{rows: all}}
	vintages := w.vintages()
	parts = append(parts, vintages...)
	for _, s := range w.Segments {
		parts = append(parts, w.values(s, limits.Rows)...)
	}
	groups := make([]Group, len(parts))
	failed := parallel.Each(len(parts), func(i int) (err error) {
		groups[i], err = w.measure(parts[i], limits)
		return err
	})
	if err := cmp.Or(failed...); err != nil {
		return Realised{}, err
	}
	r := Realised{Overall: groups[0], Vintages: groups[1 : 1+len(vintages)], Segments: []SegmentGroup{}}
	for i := 1 + len(vintages); i < len(parts); i++ {
		if parts[i].first {
			r.Segments = append(r.Segments, SegmentGroup{Column: parts[i].column})
		}
		last := &r.Segments[len(r.Segments)-1]
		last.Groups = append(last.Groups, groups[i])
	}
	return r, nil
}

// part is rows that are measured together.
type part struct {
	name   string
	begins float64 // of a vintage its first day; NaN where it has none
	merged int
	rows   []int
	column string
	first  bool // of its column
}

func (w Window) check() error {
	if err := check(w.Labels, w.Scores); err != nil {
		return err
	}
	if w.Days != nil && len(w.Days) != len(w.Scores) {
		return fault.New(fault.Invalid, "%d days and %d scores", len(w.Days), len(w.Scores))
	}
	for _, s := range w.Segments {
		if len(s.Values) != len(w.Scores) {
			return fault.New(fault.Invalid, "column %q has %d values, there are %d scores", s.Column, len(s.Values), len(w.Scores))
		}
	}
	return nil
}

func (w Window) measure(part part, limits Limits) (Group, error) {
	g := Group{Name: part.name, Merged: part.merged}
	var y, p []float64
	for _, i := range part.rows {
		if !math.IsNaN(w.Labels[i]) {
			y, p = append(y, w.Labels[i]), append(p, w.Scores[i])
		}
	}
	g.Rows, g.Immature, g.Positive = len(y), len(part.rows)-len(y), positives(y)
	if g.Note = limits.wanting(g.Rows, g.Positive); g.Note != "" {
		return g, nil
	}
	metrics, err := evaluate.Measure(y, p)
	if err != nil {
		return g, err
	}
	c := calibrated(y, p)
	g.Metrics, g.Calibration = metrics, &c
	return g, nil
}

// vintages are the rows by month, in order of time.
func (w Window) vintages() []part {
	rows := map[float64][]int{} // by the first day of the month
	var undated []int
	for i, day := range w.Days {
		if math.IsNaN(day) || math.IsInf(day, 0) {
			undated = append(undated, i)
			continue
		}
		first := periodOf(day, 1)
		rows[first] = append(rows[first], i)
	}
	firsts := make([]float64, 0, len(rows))
	for first := range rows {
		firsts = append(firsts, first)
	}
	slices.Sort(firsts)
	parts := []part{}
	for _, first := range firsts {
		parts = append(parts, part{name: periodName(first, 1), begins: first, rows: rows[first]})
	}
	if len(undated) > 0 {
		parts = append(parts, part{name: "no day", begins: math.NaN(), rows: undated})
	}
	return parts
}

// values are the rows by the values of a segment. How many rows a value has is told by its matured ones.
func (w Window) values(s Segment, least int) []part {
	rows, matured := map[string][]int{}, map[string]int{}
	for i, value := range s.Values {
		rows[value] = append(rows[value], i)
		if !math.IsNaN(w.Labels[i]) {
			matured[value]++
		}
	}
	names := byRows(rows, func(of []int) int { return len(of) })
	parts := []part{}
	rest := part{column: s.Column}
	for _, name := range names {
		if matured[name] < least || len(parts) == maxValues {
			rest.rows = append(rest.rows, rows[name]...)
			rest.merged++
			continue
		}
		parts = append(parts, part{name: name, rows: rows[name], column: s.Column})
	}
	if rest.merged > 0 {
		slices.Sort(rest.rows)
		parts = append(parts, rest)
	}
	if len(parts) > 0 {
		parts[0].first = true
	}
	return parts
}
