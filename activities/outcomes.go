package activities

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// before is the end, in microseconds since 1970, of the earlier of two days: what becomes known from then on does not exist. A zero day bounds nothing.
func before(asOf, knownAt time.Time) int64 {
	end := int64(math.MaxInt64)
	for _, day := range []time.Time{asOf, knownAt} {
		if !day.IsZero() {
			end = min(end, day.AddDate(0, 0, 1).UnixMicro())
		}
	}
	return end
}

// settle makes of outcomes a relation that can be joined to the base as any other: one row for each application of which something is known.
func (e *Extraction) settle(ctx context.Context, spec pipeline.Spec, from *opened, base source.Staged, before int64, folder string, options source.Options) (
	joined source.Joined, told *dataset.Outcomes, err error,
) {
	rows, err := e.open(ctx, from, options)
	if err != nil {
		return joined, nil, err
	}
	defer rows.Close()
	to, err := os.MkdirTemp(folder, "outcomes-")
	if err != nil {
		return joined, nil, fault.Wrap(fault.Unavailable, err, "making a folder for outcomes")
	}
	paths, err := ingest.StageOutcomes(ctx, spec, from.name, from.Outcomes.KnownAt, rows, to)
	if err != nil {
		return joined, nil, err
	}
	settled := filepath.Join(folder, "outcomes.parquet")
	found, err := e.Warehouse.Outcomes(ctx, base, source.Outcomes{
		Staged: source.Staged{Name: from.name, Paths: paths, Where: from.Where}, OutcomeColumns: *from.Outcomes,
		Application: spec.Entity, Column: spec.Label.Column, Before: before,
	}, settled)
	return source.Joined{Staged: source.Staged{Name: from.name, Paths: []string{settled}}, On: pipeline.Names{spec.Entity}}, &found, err
}

// labelled says that rows which a person gave have a label of their own.
func (e *Extraction) labelled(ctx context.Context, in ExtractInput, base *opened) (bool, error) {
	spec, err := getSchema(ctx, e.Cache.Objects, in.Schema)
	if err != nil {
		return false, err
	}
	rows, err := e.open(ctx, base, source.Options{RowsPerSlice: e.rowsPerSlice, MaxRows: in.Limits.MaxRows, MaxBytes: in.Limits.MaxBytes, Numbers: numbers(spec)})
	if err != nil {
		return false, err
	}
	defer rows.Close()
	return slices.Contains(rows.Columns(), spec.Label.Column), nil
}
