package ingest

import (
	"context"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/source"
)

// worker works on slices; it is safe for concurrent use.
type worker struct {
	in        Input
	validator *dataset.Validator
	readers   []reader // one per column of the source
	deriver   *derive.Deriver
	ordinals  int // the column that holds them, or -1: then rows are counted
}

func newWorker(in Input) (*worker, error) {
	deriver, err := derive.New(learnt(in.Spec))
	if err != nil {
		return nil, err
	}
	w := &worker{in: in, validator: dataset.NewValidator(in.Spec, in.KnownAt), deriver: deriver, ordinals: -1}
	for i, name := range in.Rows.Columns() {
		if err := reserved(name); err != nil {
			return nil, err
		}
		of := in.Spec.TypeOf(name)
		if name == dataset.RowColumn {
			w.ordinals, of = i, pipeline.Integer
		}
		cleaner, err := clean.New(in.Spec.Clean, name, of)
		if err != nil {
			return nil, err
		}
		w.readers = append(w.readers, reader{name: name, kind: dataset.KindOf(of), cleaner: cleaner, cleans: cleans(in.Spec, name)})
	}
	return w, nil
}

func cleans(spec pipeline.Spec, name string) bool {
	return slices.ContainsFunc(spec.Clean, func(s pipeline.CleanStep) bool { return slices.Contains(s.Columns(), name) })
}

// work makes a part of a slice.
func (w *worker) work(ctx context.Context, s source.Slice) (sliced, error) {
	raw, err := s.Decode(ctx)
	if err != nil {
		return sliced{}, err
	}
	defer raw.Release()
	t, misread, err := w.typed(raw, s.First)
	if err != nil {
		return sliced{}, err
	}
	out := sliced{fields: t.Fields()}
	if out.span, err = spanned(t.Columns[0].Floats, s.First); err != nil {
		return out, err
	}
	var known []int
	known, out.days = w.known(t)
	if len(known) < t.Rows() {
		t, misread = t.Select(known), moved(misread, known)
	}
	checked, failing := w.validator.Check(t, misread)
	out.checked = checked
	out.checked.Numbers = w.numbers(raw, known, misread)
	if checked.Failing > 0 {
		good, bad := divided(failing)
		if out.quarantine, err = w.keep(ctx, w.quarantined(raw, t, known, bad, misread)); err != nil {
			return out, err
		}
		t = t.Select(good)
	}
	out.described = profile.Of(t, w.about(t))
	out.part, err = w.keep(ctx, t)
	return out, err
}

// typed cleans and types a batch.
func (w *worker) typed(raw arrow.RecordBatch, first int64) (dataset.Table, dataset.Misread, error) {
	rows := int(raw.NumRows())
	ordinals := dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: make([]float64, rows)}
	misread := dataset.Misread{}
	t := dataset.Table{Columns: []dataset.Column{ordinals}}
	for i := range w.readers {
		c, wrong, err := w.readers[i].read(raw.Column(i))
		if err != nil {
			return t, nil, err
		}
		if i == w.ordinals {
			t.Columns[0].Floats = c.Floats
			continue
		}
		if len(wrong) > 0 {
			misread[c.Name] = wrong
		}
		t.Columns = append(t.Columns, c)
	}
	if w.ordinals < 0 {
		for row := range rows {
			t.Columns[0].Floats[row] = float64(first + int64(row) + 1)
		}
	}
	derived(w.deriver, &t)
	return t, misread, nil
}

// days is what a slice's rows are by their days.
type days struct {
	Later, Earlier int64 // that are left out
	Undated        int64 // of no day
	Last           int64 // the last day of those that are not left out; 0 is none
}

// known are the rows that were known on the as-of day and that no earlier look has seen, and what was found of the days of all.
// A row without a time is not left out, but found, unless the rows are those after a day.
func (w *worker) known(t dataset.Table) (rows []int, found days) {
	c := t.Column(w.in.Spec.Time)
	last, before, partial := math.Inf(1), dataset.Day(w.in.After), math.NaN()
	if !w.in.AsOf.IsZero() {
		last = dataset.Day(w.in.AsOf)
	}
	if !w.in.Partial.IsZero() {
		partial = dataset.Day(w.in.Partial)
	}
	rows = make([]int, 0, t.Rows())
	for row := range t.Rows() {
		if c == nil {
			rows = append(rows, row)
			continue
		}
		day := c.Day(row)
		switch {
		case math.IsNaN(day):
			found.Undated++
			if w.in.After.IsZero() {
				rows = append(rows, row)
			}
		case day > last || day == partial:
			found.Later++
		case !w.in.After.IsZero() && day <= before:
			found.Earlier++
		default:
			rows = append(rows, row)
			found.Last = max(found.Last, int64(day))
		}
	}
	return rows, found
}

// numbers counts the values that are numbers among those that are not of their column's type, by column.
func (w *worker) numbers(raw arrow.RecordBatch, known []int, misread dataset.Misread) map[string]int64 {
	counts := map[string]int64{}
	for i, r := range w.readers {
		if len(misread[r.name]) == 0 {
			continue
		}
		text := source.TextsOf(raw.Column(i))
		for _, row := range misread[r.name] {
			if clean.IsNumber(text(known[row])) {
				counts[r.name]++
			}
		}
	}
	return counts
}

// moved gives misread rows their places among those that are left.
func moved(misread dataset.Misread, left []int) dataset.Misread {
	out := dataset.Misread{}
	for name, rows := range misread {
		for _, row := range rows {
			if at, found := slices.BinarySearch(left, row); found {
				out[name] = append(out[name], at)
			}
		}
	}
	return out
}

func divided(failing []bool) (good, bad []int) {
	for row, is := range failing {
		if is {
			bad = append(bad, row)
		} else {
			good = append(good, row)
		}
	}
	return good, bad
}

// about is what a profile is told of the rows. That labels cannot be read is validation's to tell; then there are none here.
func (w *worker) about(t dataset.Table) profile.About {
	label, err := dataset.Label(w.in.Spec, t, w.in.KnownAt)
	if err != nil {
		label = nil
	}
	return profile.About{Role: w.role, Label: label, Time: w.in.Spec.Time}
}

// role says which columns a profile shows: those that may identify a person have none.
func (w *worker) role(name string) profile.Role {
	spec := &w.in.Spec
	switch {
	case name == spec.Label.Column:
		return profile.Label
	case slices.Contains(spec.Protected, name):
		return profile.Protected
	case slices.ContainsFunc(spec.Columns, func(c pipeline.Column) bool { return c.Name == name }):
		return profile.Feature
	}
	return ""
}

// emptyFields are the columns where there are no rows.
func (w *worker) emptyFields() []dataset.Field {
	t := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}}}
	for i, r := range w.readers {
		if i != w.ordinals {
			t.Columns = append(t.Columns, dataset.Column{Name: r.name, Kind: r.kind})
		}
	}
	derived(w.deriver, &t)
	return t.Fields()
}
