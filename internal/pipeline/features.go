package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// FeatureStore says how a spec's features of the store find their applications, and what a decision does that gets none.
type FeatureStore struct {
	// Keys are the columns of the source that hold the keys of entities, by the keys' names. A key that is not listed is the column of its own name.
	Keys map[string]string `yaml:"keys" json:"keys,omitempty"`
	// Given says that an application may hold features itself: what it holds counts, whatever the store knows.
	Given bool `yaml:"given" json:"given,omitempty"`
	// Missing is what becomes of an application of which a feature is not known: DefaultValue or RefuseDecision. Defaults to DefaultValue.
	Missing Fallback `yaml:"missing" json:"missing,omitempty"`
	// Stale is what becomes of one of which a feature is older than its view's TTL. Defaults to DefaultValue.
	Stale Fallback `yaml:"stale" json:"stale,omitempty"`
	// DeadlineMillis is how long a decision waits for the store, 1 to 1000. Then nothing is known. Defaults to 25.
	DeadlineMillis int `yaml:"deadline_millis" json:"deadline_millis,omitempty"`
}

// Fallback is what takes the place of a feature that the store does not give.
type Fallback string

// The fallbacks.
const (
	// DefaultValue is the default of the feature's definition, without one a missing value.
	DefaultValue Fallback = "default"
	// RefuseDecision: there is no decision, and a row of the past without the feature breaks a rule.
	RefuseDecision Fallback = "refuse"
)

// Key is the column that holds a key of an entity.
func (f *FeatureStore) Key(name string) string {
	if column, ok := f.Keys[name]; ok {
		return column
	}
	return name
}

// Looked says that no source and no request has the column: its values come from the feature store, or are computed.
func (c *Column) Looked() bool { return c.Feature != "" || c.Expression != "" }

// Given are the columns that sources and requests have.
func (s *Spec) Given() []Column {
	return slices.DeleteFunc(slices.Clone(s.Columns), func(c Column) bool { return c.Looked() })
}

// Looked are those that they have not, and Inputs; nil where the spec has none, or its references were not resolved.
func (s *Spec) Looked() (columns []Column) {
	for _, c := range slices.Concat(s.Columns, s.Inputs) {
		if c.Looked() {
			columns = append(columns, c)
		}
	}
	return columns
}

// Look gives the spec the columns that its references come to, in place of those of before.
func (s *Spec) Look(columns []Column) {
	s.Columns, s.Inputs = s.Given(), nil
	for _, c := range columns {
		if c.Unused {
			s.Inputs = append(s.Inputs, c)
		} else {
			s.Columns = append(s.Columns, c)
		}
	}
}

// maxFeatures is how many references a spec lists at most; what they name are columns, of which there are at most MaxColumns.
const maxFeatures = 200

// features checks what a spec asks of the feature store. Whether there is what it names, only the store knows.
func (c *checker) features(s *Spec) {
	if len(s.Features) > maxFeatures {
		c.wrongAt("features", "features lists %d names, at most %d are wanted; a service is a name for many", len(s.Features), maxFeatures)
		return
	}
	for i, name := range s.Features {
		path := fmt.Sprintf("features[%d]", i)
		switch {
		case name == "" || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
			c.wrongAt(path, "feature %q; a service, view:feature, view@2:feature or an expression is wanted", clip(name))
		case slices.Contains(s.Features[:i], name):
			c.wrongAt(path, "feature %q is listed twice", clip(name))
		}
	}
	if len(s.Features) > 0 && s.Time == "" {
		c.wrongAt("features", "features needs time, the column that says when an application was made: what was known then trains")
	}
	f := s.FeatureStore
	for name, column := range f.Keys {
		if !s.named(column) {
			c.wrongAt("feature_store.keys."+name, "column %q is not in the spec; name it in ignore, entity or columns", clip(column))
		}
	}
	for _, key := range []struct {
		name string
		is   Fallback
	}{{"missing", f.Missing}, {"stale", f.Stale}} {
		if key.is != DefaultValue && key.is != RefuseDecision {
			c.wrongAt("feature_store."+key.name, "feature_store.%s is %q; default or refuse is wanted", key.name, clip(string(key.is)))
		}
	}
	if f.DeadlineMillis < 1 || f.DeadlineMillis > 1000 {
		c.wrongAt("feature_store.deadline_millis", "feature_store.deadline_millis is %d; 1 to 1000 is wanted", f.DeadlineMillis)
	}
}
