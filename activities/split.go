package activities

import (
	"bytes"
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// SplitInput is a table to divide, and how.
type SplitInput struct {
	Schema  artifact.Ref   `json:"schema"`
	Dataset artifact.Ref   `json:"dataset"`
	Split   pipeline.Split `json:"split"`
	KnownAt string         `json:"known_at"`
}

// SplitOutput is the three disjoint parts.
type SplitOutput struct {
	Train          artifact.Ref `json:"train"`
	Validation     artifact.Ref `json:"validation"`
	Test           artifact.Ref `json:"test"`
	TrainRows      int          `json:"train_rows"`
	ValidationRows int          `json:"validation_rows"`
	TestRows       int          `json:"test_rows"`
	// Embargoed is how many rows with a known label are in no part, since they are within the embargo before a border of time.
	Embargoed int `json:"embargoed,omitempty"`
	Reused
}

// Summary says how large the parts are.
func (o SplitOutput) Summary() string {
	text := fmt.Sprintf("train %d, validation %d, test %d rows", o.TrainRows, o.ValidationRows, o.TestRows)
	if o.Embargoed > 0 {
		text += fmt.Sprintf("; %d rows embargoed", o.Embargoed)
	}
	return text + o.mark()
}

// Artifacts are the parts.
func (o SplitOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Train: o.Train, artifact.Validation: o.Validation, artifact.Test: o.Test}
}

// Split divides the rows with a known, matured label into three disjoint parts.
func (c *Checking) Split(ctx context.Context, in SplitInput) (SplitOutput, error) {
	return cached(ctx, c.Cache, SplitData, in, c.split)
}

// split reads the rows twice: the columns that decide, of all rows, and then whole rows, which go to their part as they come.
func (c *Checking) split(ctx context.Context, in SplitInput) (SplitOutput, error) {
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return SplitOutput{}, err
	}
	spec, err := getSchema(ctx, c.Cache.Objects, in.Schema)
	if err != nil {
		return SplitOutput{}, err
	}
	spec.Split = in.Split
	rows, err := open(ctx, c.Cache.Objects, in.Dataset)
	if err != nil {
		return SplitOutput{}, err
	}
	splitter := dataset.NewSplitter(spec, knownAt)
	marks, err := collect(ctx, rows, splitter.Columns(rows.Columns), splitter.Mark)
	if err != nil {
		return SplitOutput{}, err
	}
	division, err := splitter.Divide(marks)
	if err != nil {
		return SplitOutput{}, err
	}
	out := SplitOutput{
		TrainRows: division.Rows[dataset.Train], ValidationRows: division.Rows[dataset.Validation], TestRows: division.Rows[dataset.Test],
		Embargoed: division.Embargoed,
	}
	return out, c.deal(ctx, rows, division, [3]*artifact.Ref{&out.Train, &out.Validation, &out.Test})
}

// deal writes the three parts: a Parquet part of the rows makes one of each, where it has rows for it.
func (c *Checking) deal(ctx context.Context, rows rowParts, division dataset.Division, to [3]*artifact.Ref) error {
	var written [3][]dataset.Part
	for _, subset := range dataset.Subsets {
		written[subset] = make([]dataset.Part, len(rows.paths))
	}
	err := dataset.Each(ctx, rows.Manifest, rows.paths, nil, func(part, first int, t dataset.Table) error {
		for subset, dealt := range division.Deal(t, first) {
			var err error
			if written[subset][part], err = putPart(ctx, c.Cache.Objects, dealt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, subset := range dataset.Subsets {
		m := dataset.Manifest{Schema: rows.Schema, Columns: rows.Columns}
		for _, part := range written[subset] {
			if part.Rows > 0 {
				m.Parts, m.Rows = append(m.Parts, part), m.Rows+part.Rows
			}
		}
		if *to[subset], err = putManifest(ctx, c.Cache.Objects, m); err != nil {
			return err
		}
	}
	return nil
}

// putPart stores rows as one Parquet part, none when there are no rows.
func putPart(ctx context.Context, objects Objects, t dataset.Table) (dataset.Part, error) {
	if t.Rows() == 0 {
		return dataset.Part{}, nil
	}
	var data bytes.Buffer
	data.Grow(8 * t.Rows() * len(t.Columns))
	if err := dataset.WriteParquet(&data, t); err != nil {
		return dataset.Part{}, err
	}
	ref, err := objects.Put(ctx, data.Bytes(), parquetType, "parquet")
	return dataset.Part{SHA256: ref.SHA256, Bytes: ref.Bytes, Rows: int64(t.Rows())}, err
}

// putTable stores rows, of which there is at least one, as a dataset of one part.
func putTable(ctx context.Context, objects Objects, t dataset.Table) (artifact.Ref, error) {
	part, err := putPart(ctx, objects, t)
	if err != nil {
		return artifact.Ref{}, err
	}
	return putManifest(ctx, objects, dataset.Manifest{Columns: t.Fields(), Rows: part.Rows, Parts: []dataset.Part{part}})
}
