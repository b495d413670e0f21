package activities

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// Warehouse reads and joins files, see warehouse.Warehouse. It is an interface because DuckDB behind it is linked into the
// worker only.
type Warehouse interface {
	// Extract reads base and joins further local files to it, in a fixed order of rows.
	Extract(ctx context.Context, spec pipeline.Spec, base string, joins []string, asOf time.Time) (dataset.Table, error)
	// Profile describes every column, as JSON and as a page for people.
	Profile(ctx context.Context, t dataset.Table, spec pipeline.Spec) (json, html []byte, err error)
}

// Extraction reads raw data.
type Extraction struct {
	Memory
	Warehouse Warehouse
}

// files is what one extraction reads.
type files struct {
	base    string
	joins   []string
	digests []string // of the files, for the cache's key
	source  string
}

// Extract brings the source's files here and makes one table of them.
func (e *Extraction) Extract(ctx context.Context, in ExtractInput) (ExtractOutput, error) {
	asOf, err := day(in.AsOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	spec := in.Spec
	if in.Data != "" {
		spec.Source = pipeline.Source{URI: in.Data, Missing: spec.Source.Missing}
	}
	read := files{}
	if spec.Source.Simulate != nil {
		read.source = describe(*spec.Source.Simulate)
	} else if read, err = e.fetch(ctx, spec); err != nil {
		return ExtractOutput{}, err
	}
	key := []any{read.digests, shape(spec), spec.Source.Simulate, spec.Source.Missing, spec.Limits, in.AsOf}
	out, hit, err := remember(ctx, e.Memory, ExtractData, extractVersion, key,
		func(out ExtractOutput) []artifact.Ref { return []artifact.Ref{out.Dataset} },
		func() (ExtractOutput, error) { return e.extract(ctx, spec, read, asOf) })
	out.Cached, out.Source = hit, read.source
	return out, err
}

func (e *Extraction) extract(ctx context.Context, spec pipeline.Spec, read files, asOf time.Time) (ExtractOutput, error) {
	if spec.Source.Simulate != nil {
		dir, err := os.MkdirTemp("", "loanops-simulate-")
		if err != nil {
			return ExtractOutput{}, fault.Wrap(fault.Unavailable, err, "making a folder for simulated data")
		}
		defer func() { _ = os.RemoveAll(dir) }()
		say(ctx, "simulating applicants")
		if read.base, read.joins, err = writeSimulated(dir, *spec.Source.Simulate, asOf); err != nil {
			return ExtractOutput{}, err
		}
	}
	say(ctx, "reading and joining")
	table, err := e.Warehouse.Extract(ctx, spec, read.base, read.joins, asOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	ref, err := putTable(ctx, e.Objects, table)
	return ExtractOutput{Dataset: ref, Rows: int64(table.Rows()), Columns: len(table.Columns)}, err
}

// fetch brings the user's files here.
func (e *Extraction) fetch(ctx context.Context, spec pipeline.Spec) (files, error) {
	read := files{source: spec.Source.URI}
	say(ctx, "fetching "+spec.Source.URI)
	path, digest, err := e.Objects.Fetch(ctx, spec.Source.URI, spec.Limits.MaxBytes)
	if err != nil {
		return files{}, err
	}
	read.base, read.digests = path, []string{digest}
	for _, join := range spec.Source.Join {
		path, digest, err := e.Objects.Fetch(ctx, join.URI, spec.Limits.MaxBytes)
		if err != nil {
			return files{}, err
		}
		read.joins = append(read.joins, path)
		read.digests = append(read.digests, digest)
	}
	return read, nil
}

// writeSimulated writes the three tables of the simulated population as files: what a lender's systems would deliver.
func writeSimulated(dir string, cfg pipeline.Simulate, asOf time.Time) (base string, joins []string, err error) {
	applications, outcomes, protected := simulate.Generate(cfg, asOf)
	paths := make([]string, 0, 3)
	for _, part := range []struct {
		name  string
		table dataset.Table
	}{{"applications", applications}, {"outcomes", outcomes}, {"protected", protected}} {
		data, err := dataset.WriteParquet(part.table)
		if err != nil {
			return "", nil, err
		}
		path := filepath.Join(dir, part.name+".parquet")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return "", nil, fault.Wrap(fault.Unavailable, err, "writing simulated data")
		}
		paths = append(paths, path)
	}
	return paths[0], paths[1:], nil
}

func describe(s pipeline.Simulate) string {
	return fmt.Sprintf("simulate: %d applications from %s to %s, seed %d", s.Rows, s.From.Format(pipeline.DateLayout), s.To.Format(pipeline.DateLayout), s.Seed)
}

// day parses an as-of day; empty is the zero time: everything.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(pipeline.DateLayout, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "as_of is %q; give a day such as 2026-03-31, or leave it out for everything", text)
	}
	return at, nil
}
