package ingest

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/source"
)

// widened is a relation with further columns, which are made of one of time as the one cleaning reads it.
type widened struct {
	source.Relation
	at     int // the column of time
	reader reader
	fields []arrow.Field
	// columns makes the further ones of the instants that were read, and of the rows whose instant could not be.
	columns func(instants dataset.Column, misread []int) []arrow.Array
}

// Columns are the relation's own, and the further ones.
func (w *widened) Columns() []string {
	names := slices.Clone(w.Relation.Columns())
	for _, f := range w.fields {
		names = append(names, f.Name)
	}
	return names
}

// Next returns rows that are decoded with the further columns.
func (w *widened) Next(ctx context.Context) (source.Slice, error) {
	s, err := w.Relation.Next(ctx)
	decode := s.Decode
	s.Decode = func(ctx context.Context) (arrow.RecordBatch, error) {
		raw, err := decode(ctx)
		if err != nil {
			return nil, err
		}
		defer raw.Release()
		instants, misread, err := w.reader.read(raw.Column(w.at))
		if err != nil {
			return nil, err
		}
		fields, columns := slices.Concat(raw.Schema().Fields(), w.fields), slices.Concat(raw.Columns(), w.columns(instants, misread))
		return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, raw.NumRows()), nil
	}
	return s, err
}

const microsecondsPerDay = 24 * 60 * 60 * 1e6

// microsecondsOf are the instants of a column of dates or timestamps, each since 1970-01-01, and which of them there are. That of a date is its beginning.
func microsecondsOf[T ~int64](c dataset.Column) (instants []T, known []bool) {
	unit := 1.0
	if c.Kind == dataset.Date {
		unit = microsecondsPerDay
	}
	instants, known = make([]T, len(c.Floats)), make([]bool, len(c.Floats))
	for row, x := range c.Floats {
		if !c.Missing(row) {
			instants[row], known[row] = T(x*unit), true
		}
	}
	return instants, known
}
