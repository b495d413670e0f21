// Package schema is what the columns of a pipeline's data are and what they mean, and how that changes: by what a person writes into a spec, or by
// what data bring. Every state of it is a version; what could make old and new data mean different things waits for a person.
package schema

import (
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// Schema is the part of a spec that says what the columns are, as far as data have changed it since. Policy (with the reason texts of the columns),
// gates and delivery are not in it: changing them must not make a step run again.
type Schema struct {
	Name      string            `json:"name"`
	Label     pipeline.Label    `json:"label"`
	Entity    string            `json:"entity"`
	Time      string            `json:"time"`
	Protected []string          `json:"protected"`
	Ignore    []string          `json:"ignore"`
	Columns   []pipeline.Column `json:"columns"`
	Inputs    []pipeline.Column `json:"inputs,omitempty"`
	// Store says what becomes of rows and applications of which a feature is not known; zero where none is looked up.
	Store pipeline.FeatureStore `json:"store,omitzero"`
	// Clean and Types are how raw values become those of the columns.
	Clean []pipeline.CleanStep           `json:"clean,omitempty"`
	Types map[string]pipeline.ColumnType `json:"types,omitempty"`
}

// Of is the schema that a spec declares.
func Of(spec pipeline.Spec) Schema {
	columns := slices.Clone(spec.Columns)
	for i := range columns {
		columns[i].Reason = ""
	}
	var store pipeline.FeatureStore
	if len(spec.Looked()) > 0 {
		store = spec.FeatureStore
	}
	return Schema{
		Store: store, Name: spec.Name, Label: spec.Label, Entity: spec.Entity, Time: spec.Time, Protected: spec.Protected, Ignore: spec.Ignore,
		Columns: columns, Inputs: spec.Inputs, Clean: spec.Clean, Types: spec.Types,
	}
}

// Spec is a spec that knows its schema and nothing else.
func (s Schema) Spec() pipeline.Spec {
	return pipeline.Spec{
		Name: s.Name, Label: s.Label, Entity: s.Entity, Time: s.Time, Protected: s.Protected, Ignore: s.Ignore, Columns: s.Columns,
		Inputs: s.Inputs, FeatureStore: s.Store, Clean: s.Clean, Types: s.Types,
	}
}

// Environment is where rows come from.
type Environment string

// The environments.
const (
	Training Environment = "training" // the past, with what became of it
	Serving  Environment = "serving"  // an application that waits for its decision
)

// In lists the environments in which a column is there: what is known only after the outcome, and what no predictor may see, is absent at serving.
func (s Schema) In(column string) []Environment {
	if i := s.index(column); i >= 0 && s.Columns[i].Known != pipeline.KnownAfterOutcome {
		return []Environment{Training, Serving}
	}
	return []Environment{Training}
}

func (s Schema) index(column string) int {
	return slices.IndexFunc(s.Columns, func(c pipeline.Column) bool { return c.Name == column })
}

// with is the schema with other columns.
func (s Schema) with(columns []pipeline.Column) Schema {
	s.Columns = columns
	return s
}
