// Package request is the contract of requests: what a lender may send to have an application decided. It is the schema that the spec declares,
// never what a training window happened to hold and never which fields a model chose.
package request

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// MaxTextBytes bounds a text: a category without a domain, an identifier.
const MaxTextBytes = 100

// Contract says what an application holds.
type Contract struct {
	Fields []Field `json:"fields"`
	// Identifiers are names that may come along: the pipeline's entity and time columns, which are not looked at, and the keys by which features are looked up.
	Identifiers []string `json:"identifiers,omitempty"`
	// Added are the columns that no request must hold: features that are looked up, and what is computed. A feature that a request may hold all the same, see
	// pipeline.FeatureStore.Given, is a field as well.
	Added []pipeline.Column `json:"added,omitempty"`
	// Store says what becomes of an application of which a feature is not known.
	Store pipeline.FeatureStore `json:"store,omitzero"`
}

// Field is one declared field and what is allowed in it.
type Field struct {
	Name     string              `json:"name"`
	Type     pipeline.ColumnType `json:"type"`
	Nullable bool                `json:"nullable"` // it may be null or left out
	Min      *float64            `json:"min,omitempty"`
	Max      *float64            `json:"max,omitempty"`
	// Clean are the steps that clean what is sent, as they clean the rows of a batch. Bounds and domain are of clean values.
	Clean []pipeline.CleanStep `json:"clean,omitempty"`
	// Domain are the values of a category; without any it takes every text of 1 to MaxTextBytes bytes.
	Domain []string `json:"domain,omitempty"`
	Unit   string   `json:"unit,omitempty"`
}

// Of is the contract that a spec declares. Columns that it ignores or protects are outside, but for keys.
func Of(spec pipeline.Spec) Contract {
	given := spec.Given()
	c := Contract{Fields: make([]Field, len(given))}
	for i, column := range given {
		c.Fields[i] = FieldOf(column, spec.Clean)
	}
	identifies := func(name string) {
		if name != "" && c.Index(name) < 0 && !slices.Contains(c.Identifiers, name) {
			c.Identifiers = append(c.Identifiers, name)
		}
	}
	identifies(spec.Entity)
	identifies(spec.Time)
	for _, column := range spec.Looked() {
		column.Reason = "" // of the policy
		c.Added, c.Store = append(c.Added, column), spec.FeatureStore
		if spec.FeatureStore.Given && column.Feature != "" {
			field := FieldOf(column, nil)
			field.Nullable = true // or left out, and then looked up
			c.Fields = append(c.Fields, field)
		}
		for _, key := range slices.Sorted(maps.Keys(column.Keys)) {
			identifies(column.Keys[key])
		}
	}
	return c
}

// Column is what a model can read by a name: a column that is added, as a field of what it can hold, or a field.
func (c *Contract) Column(name string) (Field, bool) {
	if i := c.added(name); i >= 0 {
		return FieldOf(c.Added[i], nil), true
	}
	if i := c.Index(name); i >= 0 {
		return c.Fields[i], true
	}
	return Field{}, false
}

// added is the place of a column in Added, or -1.
func (c *Contract) added(name string) int {
	return slices.IndexFunc(c.Added, func(of pipeline.Column) bool { return of.Name == name })
}

// FieldOf is what a column that is cleaned by these steps, those of other columns among them, takes.
func FieldOf(column pipeline.Column, clean []pipeline.CleanStep) Field {
	return Field{
		Name: column.Name, Type: column.Type, Nullable: column.MissingMax > 0, Min: column.Min, Max: column.Max,
		Clean: cleaningOf(clean, column.Name), Domain: slices.Clone(column.Domain), Unit: column.Unit,
	}
}

// Index is the place of a field in Fields, or -1.
func (c *Contract) Index(name string) int {
	return slices.IndexFunc(c.Fields, func(f Field) bool { return f.Name == name })
}

// cleaningOf are the steps that clean the values of one column.
func cleaningOf(steps []pipeline.CleanStep, column string) (of []pipeline.CleanStep) {
	for i := range steps {
		if slices.Contains(steps[i].Columns(), column) {
			of = append(of, steps[i].Only(column))
		}
	}
	return of
}

// Admits reports whether a clean value is good in a request.
func (f *Field) Admits(v transform.Value) bool {
	switch {
	case v.Missing:
		return f.Nullable
	case f.Type == pipeline.Category:
		return f.admitsText(v.Text)
	}
	return f.admitsNumber(v.Number)
}

func (f *Field) admitsText(text string) bool {
	if len(f.Domain) == 0 {
		return text != "" && len(text) <= MaxTextBytes
	}
	return slices.Contains(f.Domain, text)
}

// admitsNumber admits no NaN either.
func (f *Field) admitsNumber(x float64) bool {
	return pipeline.Holds(f.Type, x) && (f.Min == nil || x >= *f.Min) && (f.Max == nil || x <= *f.Max)
}

// ReadIdentifier looks no further than at an identifier's kind and size.
func ReadIdentifier(raw json.RawMessage) (complaint string) {
	var number json.Number
	var text string
	switch {
	case string(raw) == "null":
		return ""
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil && len(text) <= MaxTextBytes:
		return ""
	case raw[0] != '"' && len(raw) <= MaxTextBytes && json.Unmarshal(raw, &number) == nil:
		return ""
	}
	return fmt.Sprintf("a text of at most %d bytes, a number or null is wanted", MaxTextBytes)
}
