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
	at := slices.Index(rows.Columns(), knownAt)
	if at < 0 {
		return nil, fault.New(fault.Invalid, "%s has no column %q (outcomes.known_at)", name, knownAt)
	}
	for _, column := range rows.Columns() {
		if strings.EqualFold(column, source.KnownColumn) || strings.EqualFold(column, source.MisreadColumn) {
			return nil, taken(column)
		}
	}
	of := pipeline.Day
	if spec.TypeOf(knownAt) == pipeline.Timestamp {
		of = pipeline.Timestamp
	}
	cleaner, err := clean.New(spec.Clean, knownAt, of)
	if err != nil {
		return nil, err
	}
	return Stage(ctx, &widened{
		Relation: rows, at: at, reader: reader{name: knownAt, kind: dataset.KindOf(of), cleaner: cleaner, cleans: cleans(spec, knownAt)},
		fields: []arrow.Field{
			{Name: source.KnownColumn, Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: source.MisreadColumn, Type: arrow.FixedWidthTypes.Boolean},
		},
		columns: knownAndMisread,
	}, folder, true)
}

// knownAndMisread are when outcomes became known, and of which that could not be read, as columns.
func knownAndMisread(instants dataset.Column, wrong []int) []arrow.Array {
	known, misread := array.NewInt64Builder(memory.DefaultAllocator), array.NewBooleanBuilder(memory.DefaultAllocator)
	defer known.Release()
	defer misread.Release()
	known.AppendValues(microsecondsOf[int64](instants))
	for row := range instants.Floats {
		_, found := slices.BinarySearch(wrong, row)
		misread.Append(found)
	}
	return []arrow.Array{known.NewArray(), misread.NewArray()}
}
