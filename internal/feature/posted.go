package feature

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Knows says whether a row of the log is about entities as the view has them, and the view takes such rows: another version of it may.
func (r *Reader) Knows(l Logged) bool { return r.view.Events && l.Names == r.names }

// Row is a row of the log as the view has it. A value that the view has no column for says nothing to it, and one that its column cannot hold is missing:
// the view may have changed since the row was posted.
func (r *Reader) Row(l Logged) (Row, error) {
	var values map[string]any
	if err := json.Unmarshal(l.Values, &values); err != nil {
		return Row{}, fault.Wrap(fault.Internal, err, "row %d of the log of view %s", l.Seq, r.view.Name)
	}
	row := Row{Key: l.Key, Event: l.Event, Created: l.Created}
	if r.view.ID != "" { // else an entity has one row of an instant, whoever posted it
		row.ID = l.ID
	}
	for _, column := range r.columns {
		row.Values = append(row.Values, valueOf(column.Type, values[column.Name]))
	}
	return row, nil
}

// valueOf is a JSON value as one of the type.
func valueOf(of pipeline.ColumnType, value any) transform.Value {
	switch v := value.(type) {
	case string:
		if of == pipeline.Category {
			return transform.Value{Text: v}
		}
	case bool:
		if of == pipeline.Boolean && v {
			return transform.Value{Number: 1}
		} else if of == pipeline.Boolean {
			return transform.Value{}
		}
	case float64:
		if of != pipeline.Category && of != pipeline.Boolean && pipeline.Holds(of, v) {
			return transform.Value{Number: v}
		}
	}
	return transform.Value{Missing: true}
}

// Rows are those of the log that the view knows and that keep its rules, bounds and domains: a row may have been posted before there were these. The others are as if nobody had posted
// them, in both stores; broken is how many of those that it knows. A view that this program does not understand, as one whose rules do not compile, is a NotUnderstoodError.
func (r *Reader) Rows(log []Logged) (kept []Row, broken int, err error) {
	if r.wrong != nil {
		return nil, 0, r.wrong
	}
	kept = make([]Row, 0, len(log))
	for _, l := range log {
		if !r.Knows(l) {
			continue
		}
		row, err := r.Row(l)
		if err != nil {
			return nil, 0, err
		}
		if r.validator.Keeps(row.Values) {
			kept = append(kept, row)
		} else {
			broken++
		}
	}
	return kept, broken, nil
}

// Fold is what becomes of an entity's encoded state, nil where there is none, by rows of the log as Fold has them. Without any that count it stays, but for what AllRows say.
func (r *Reader) Fold(state []byte, log []Logged, of Extent, moment Instant) ([]byte, error) {
	rows, _, err := r.Rows(log)
	if err != nil || len(rows) == 0 && of != AllRows {
		return state, err
	}
	var s State
	if state != nil {
		if s, err = r.Decode(state); err != nil {
			return nil, err
		}
	}
	if s = r.Posted(s, rows, of, moment); s.Nothing() {
		return nil, nil
	}
	return s.Encode(), nil
}
