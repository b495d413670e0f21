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

// StageOutcomes is Stage for outcomes, numbered: beside what is written of each row stands when it became known, as the one cleaning reads it.
// knownAt is the column, name what a person calls the relation.
func StageOutcomes(ctx context.Context, spec pipeline.Spec, name, knownAt string, rows source.Relation, folder string) ([]string, error) {
	d := dated{Relation: rows, at: slices.Index(rows.Columns(), knownAt), kind: dataset.Date}
	if d.at < 0 {
		return nil, fault.New(fault.Invalid, "%s has no column %q (outcomes.known_at)", name, knownAt)
	}
	for _, column := range rows.Columns() {
		if strings.EqualFold(column, source.KnownColumn) || strings.EqualFold(column, source.MisreadColumn) {
			return nil, taken(column)
		}
	}
	of := pipeline.Day
	if spec.TypeOf(knownAt) == pipeline.Timestamp {
		of, d.kind = pipeline.Timestamp, dataset.Timestamp
	}
	cleaner, err := clean.New(spec.Clean, knownAt, of)
	if err != nil {
		return nil, err
	}
	d.reader = reader{name: knownAt, kind: d.kind, cleaner: cleaner, cleans: cleans(spec, knownAt)}
	return Stage(ctx, &d, folder, true)
}

// dated is a relation of outcomes with when they became known.
type dated struct {
	source.Relation
	at     int // the column
	kind   dataset.Kind
	reader reader
}

// Columns are the relation's own, and the two of when.
func (d *dated) Columns() []string {
	return append(slices.Clone(d.Relation.Columns()), source.KnownColumn, source.MisreadColumn)
}

// Next returns rows that are decoded with their instants.
func (d *dated) Next(ctx context.Context) (source.Slice, error) {
	s, err := d.Relation.Next(ctx)
	decode := s.Decode
	s.Decode = func(ctx context.Context) (arrow.RecordBatch, error) {
		raw, err := decode(ctx)
		if err != nil {
			return nil, err
		}
		defer raw.Release()
		return d.date(raw)
	}
	return s, err
}

const microsecondsPerDay = 24 * 60 * 60 * 1e6

// date adds the two columns to a batch.
func (d *dated) date(raw arrow.RecordBatch) (arrow.RecordBatch, error) {
	c, wrong, err := d.reader.read(raw.Column(d.at))
	if err != nil {
		return nil, err
	}
	known, misread := array.NewInt64Builder(memory.DefaultAllocator), array.NewBooleanBuilder(memory.DefaultAllocator)
	defer known.Release()
	defer misread.Release()
	unit := 1.0
	if d.kind == dataset.Date {
		unit = microsecondsPerDay
	}
	for row, x := range c.Floats {
		if c.Missing(row) {
			known.AppendNull()
		} else {
			known.Append(int64(x * unit))
		}
		_, found := slices.BinarySearch(wrong, row)
		misread.Append(found)
	}
	fields := append(slices.Clone(raw.Schema().Fields()),
		arrow.Field{Name: source.KnownColumn, Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: source.MisreadColumn, Type: arrow.FixedWidthTypes.Boolean})
	columns := append(slices.Clone(raw.Columns()), known.NewArray(), misread.NewArray())
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, raw.NumRows()), nil
}
