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
	at := slices.Index(rows.Columns(), spec.Time)
	if at < 0 {
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
	return Stage(ctx, &widened{
		Relation: rows, at: at, reader: reader{name: spec.Time, kind: dataset.KindOf(of), cleaner: cleaner, cleans: cleans(spec, spec.Time)},
		fields: []arrow.Field{{Name: MomentColumn, Type: momentType, Nullable: true}}, columns: momentsOf,
	}, folder, numbered)
}

// momentType is that of MomentColumn.
var momentType = &arrow.TimestampType{Unit: arrow.Microsecond}

// momentsOf are the moments as a column. What could not be read is told when the rows are typed.
func momentsOf(instants dataset.Column, _ []int) []arrow.Array {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, momentType)
	defer b.Release()
	b.AppendValues(microsecondsOf[arrow.Timestamp](instants))
	return []arrow.Array{b.NewArray()}
}
