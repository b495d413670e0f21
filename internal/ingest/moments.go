package ingest

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// MomentColumn is the column with the moment of a row for which features are looked up: a timestamp in UTC.
const MomentColumn = "loanops_moment"

// StageMoments is Stage, numbered where the rows have no ordinals, with the moment of each row beside what is written of it: when the application was made, as the one cleaning
// reads the spec's column of time. That of a day is its beginning: what became known in its course was maybe not known yet.
func StageMoments(ctx context.Context, spec pipeline.Spec, rows source.Relation, folder string) ([]string, error) {
	m := moments{Relation: rows, at: slices.Index(rows.Columns(), spec.Time)}
	if m.at < 0 {
		return nil, fault.New(fault.Invalid, "the rows have no column %q (time), and features are those that were known then", spec.Time)
	}
	numbered := true
	for _, column := range rows.Columns() {
		if strings.EqualFold(column, MomentColumn) {
			return nil, taken(column)
		}
		numbered = numbered && column != dataset.RowColumn
	}
	of := spec.TypeOf(spec.Time)
	cleaner, err := clean.New(spec.Clean, spec.Time, of)
	if err != nil {
		return nil, err
	}
	m.reader = reader{name: spec.Time, kind: dataset.KindOf(of), cleaner: cleaner, cleans: cleans(spec, spec.Time)}
	return Stage(ctx, &m, folder, numbered)
}

// moments is a relation with the moments of its rows.
type moments struct {
	source.Relation
	at     int // the column of time
	reader reader
}

// Columns are the relation's own, and that of moments.
func (m *moments) Columns() []string {
	return append(slices.Clone(m.Relation.Columns()), MomentColumn)
}

// Next returns rows that are decoded with their moments.
func (m *moments) Next(ctx context.Context) (source.Slice, error) {
	s, err := m.Relation.Next(ctx)
	decode := s.Decode
	s.Decode = func(ctx context.Context) (arrow.RecordBatch, error) {
		raw, err := decode(ctx)
		if err != nil {
			return nil, err
		}
		defer raw.Release()
		return m.add(raw)
	}
	return s, err
}

func (m *moments) add(raw arrow.RecordBatch) (arrow.RecordBatch, error) {
	c, _, err := m.reader.read(raw.Column(m.at)) // what cannot be read is told when the rows are typed
	if err != nil {
		return nil, err
	}
	unit := 1.0
	if m.reader.kind == dataset.Date {
		unit = microsecondsPerDay
	}
	at := &arrow.TimestampType{Unit: arrow.Microsecond}
	b := array.NewTimestampBuilder(memory.DefaultAllocator, at)
	defer b.Release()
	for row, x := range c.Floats {
		if c.Missing(row) {
			b.AppendNull()
		} else {
			b.Append(arrow.Timestamp(x * unit))
		}
	}
	fields := append(slices.Clone(raw.Schema().Fields()), arrow.Field{Name: MomentColumn, Type: at, Nullable: true})
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), append(slices.Clone(raw.Columns()), b.NewArray()), raw.NumRows()), nil
}
