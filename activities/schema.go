package activities

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
)

// Schema is the part of a spec that says what the columns are and what they mean: an object of its own, to which the steps' inputs
// refer. Policy (with the reason texts of the columns), gates and delivery are not in it: changing them must not make a step run again.
type Schema struct {
	Name      string            `json:"name"`
	Label     pipeline.Label    `json:"label"`
	Entity    string            `json:"entity"`
	Time      string            `json:"time"`
	Protected []string          `json:"protected"`
	Ignore    []string          `json:"ignore"`
	Columns   []pipeline.Column `json:"columns"`
	// Clean and Types are how raw values become those of the columns.
	Clean []pipeline.CleanStep           `json:"clean,omitempty"`
	Types map[string]pipeline.ColumnType `json:"types,omitempty"`
}

// putSchema stores the spec's schema.
func putSchema(ctx context.Context, objects Objects, spec pipeline.Spec) (artifact.Ref, error) {
	columns := slices.Clone(spec.Columns)
	for i := range columns {
		columns[i].Reason = ""
	}
	return putJSON(ctx, objects, Schema{
		Name: spec.Name, Label: spec.Label, Entity: spec.Entity, Time: spec.Time, Protected: spec.Protected, Ignore: spec.Ignore,
		Columns: columns, Clean: spec.Clean, Types: spec.Types,
	})
}

// getSchema is a spec that knows its schema and nothing else.
func getSchema(ctx context.Context, objects Objects, ref artifact.Ref) (pipeline.Spec, error) {
	s, err := getJSON[Schema](ctx, objects, ref)
	return pipeline.Spec{
		Name: s.Name, Label: s.Label, Entity: s.Entity, Time: s.Time, Protected: s.Protected, Ignore: s.Ignore, Columns: s.Columns,
		Clean: s.Clean, Types: s.Types,
	}, err
}
