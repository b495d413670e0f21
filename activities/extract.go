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
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/simulate"
)

// Warehouse reads and joins files, see warehouse.Warehouse. It is an interface because DuckDB behind it is linked into the
// worker only.
type Warehouse interface {
	// Extract reads base and joins further local files to it, in a fixed order of rows.
	Extract(ctx context.Context, spec pipeline.Spec, base string, joins []string, asOf time.Time) (dataset.Table, error)
	// Profile describes every column.
	Profile(ctx context.Context, t dataset.Table, spec pipeline.Spec) (profile.Profile, error)
}

// ExtractInput says what to read.
type ExtractInput struct {
	Schema artifact.Ref    `json:"schema"`
	Source pipeline.Source `json:"source"`
	Limits pipeline.Limits `json:"limits"`
	// Data replaces the source's file when it is not empty.
	Data string `json:"data"`
	// AsOf is 2006-01-02, or empty for everything.
	AsOf string `json:"as_of"`
}

// ExtractOutput is the table that everything after reads.
type ExtractOutput struct {
	Dataset artifact.Ref `json:"dataset"` // Parquet
	Rows    int64        `json:"rows"`
	Columns int          `json:"columns"`
	Source  string       `json:"source"` // what was read, in words
	Reused
}

// Summary says how much was read, and where.
func (o ExtractOutput) Summary() string {
	return fmt.Sprintf("%d rows, %d columns from %s%s", o.Rows, o.Columns, o.Source, o.mark())
}

// Artifacts is the table.
func (o ExtractOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Dataset: o.Dataset}
}

// Extraction reads raw data.
type Extraction struct {
	Cache     StepCache
	Warehouse Warehouse
}

// extraction is what the table is a function of: the files by what they hold, not by what they are called.
type extraction struct {
	Schema   artifact.Ref       `json:"schema"`
	Simulate *pipeline.Simulate `json:"simulate"`
	Files    []rawFile          `json:"files"` // the base first, then those that are joined to it
	Missing  []string           `json:"missing"`
	Limits   pipeline.Limits    `json:"limits"`
	AsOf     string             `json:"as_of"`
}

// rawFile is a file of the user's.
type rawFile struct {
	SHA256    string `json:"sha256"`
	Extension string `json:"extension"` // says how to read it
	On        string `json:"on"`        // the column of a join
}

// Extract brings the source's files here and makes one table of them.
func (e *Extraction) Extract(ctx context.Context, in ExtractInput) (ExtractOutput, error) {
	if _, err := day(in.AsOf); err != nil {
		return ExtractOutput{}, err
	}
	source := in.Source
	if in.Data != "" {
		source = pipeline.Source{URI: in.Data, Missing: source.Missing}
	}
	reading := extraction{Schema: in.Schema, Simulate: source.Simulate, Missing: source.Missing, Limits: in.Limits, AsOf: in.AsOf}
	if source.Simulate != nil {
		out, err := cached(ctx, e.Cache, ExtractData, reading, e.simulate)
		out.Source = describe(*source.Simulate)
		return out, err
	}
	files, paths, err := e.fetch(ctx, source, in.Limits.MaxBytes)
	if err != nil {
		return ExtractOutput{}, err
	}
	reading.Files = files
	out, err := cached(ctx, e.Cache, ExtractData, reading, func(ctx context.Context, in extraction) (ExtractOutput, error) {
		return e.read(ctx, in, paths)
	})
	out.Source = source.URI
	return out, err
}

// fetch brings the user's files here; paths are where they are on this machine.
func (e *Extraction) fetch(ctx context.Context, source pipeline.Source, maxBytes int64) (files []rawFile, paths []string, err error) {
	for _, from := range append([]pipeline.Join{{URI: source.URI}}, source.Join...) {
		say(ctx, "fetching "+from.URI)
		path, digest, err := e.Cache.Objects.Fetch(ctx, from.URI, maxBytes)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, rawFile{SHA256: digest, Extension: filepath.Ext(path), On: from.On})
		paths = append(paths, path)
	}
	return files, paths, nil
}

// simulate reads the simulated population.
func (e *Extraction) simulate(ctx context.Context, in extraction) (ExtractOutput, error) {
	asOf, err := day(in.AsOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	dir, err := os.MkdirTemp("", "loanops-simulate-")
	if err != nil {
		return ExtractOutput{}, fault.Wrap(fault.Unavailable, err, "making a folder for simulated data")
	}
	defer func() { _ = os.RemoveAll(dir) }()
	say(ctx, "simulating applicants")
	paths, err := writeSimulated(dir, *in.Simulate, asOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	return e.read(ctx, in, paths)
}

// read makes one table of the files at paths.
func (e *Extraction) read(ctx context.Context, in extraction, paths []string) (ExtractOutput, error) {
	asOf, err := day(in.AsOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	spec, err := getSchema(ctx, e.Cache.Objects, in.Schema)
	if err != nil {
		return ExtractOutput{}, err
	}
	spec.Source.Missing, spec.Limits = in.Missing, in.Limits
	for i := 1; i < len(in.Files); i++ {
		spec.Source.Join = append(spec.Source.Join, pipeline.Join{On: in.Files[i].On})
	}
	say(ctx, "reading and joining")
	table, err := e.Warehouse.Extract(ctx, spec, paths[0], paths[1:], asOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	ref, err := putTable(ctx, e.Cache.Objects, table)
	return ExtractOutput{Dataset: ref, Rows: int64(table.Rows()), Columns: len(table.Columns)}, err
}

// writeSimulated writes the three tables of the simulated population as files: what a lender's systems would deliver.
func writeSimulated(dir string, cfg pipeline.Simulate, asOf time.Time) ([]string, error) {
	applications, outcomes, protected := simulate.Generate(cfg, asOf)
	paths := make([]string, 0, 3)
	for _, part := range []struct {
		name  string
		table dataset.Table
	}{{"applications", applications}, {"outcomes", outcomes}, {"protected", protected}} {
		data, err := dataset.WriteParquet(part.table)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, part.name+".parquet")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "writing simulated data")
		}
		paths = append(paths, path)
	}
	return paths, nil
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
