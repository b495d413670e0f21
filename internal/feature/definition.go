// Package feature is what a feature store keeps: definitions of entities, views, expressions and services, what a view's rows say of an entity at a moment, and how that is
// held so that it can be read at once.
//
// A view is a feed of rows about an entity. A row has the texts of the entity's keys, the instant at which it was true (event_timestamp) and the
// instant at which it was known (created_timestamp). What a view says at a moment is made of the rows that were both true and known by then.
package feature

import (
	"github.com/loanops/loanops/internal/pipeline"
)

// Definitions are what a folder of files declares.
type Definitions struct {
	Entities    []Entity     `yaml:"entities" json:"entities,omitempty"`
	Views       []View       `yaml:"views" json:"views,omitempty"`
	Expressions []Expression `yaml:"expressions" json:"expressions,omitempty"`
	Services    []Service    `yaml:"services" json:"services,omitempty"`
}

// About says to people what a definition is. It is no part of its meaning: who changes it makes no new version.
type About struct {
	Description string   `yaml:"description" json:"description,omitempty"`
	Owner       string   `yaml:"owner" json:"owner,omitempty"`
	Tags        []string `yaml:"tags" json:"tags,omitempty"`
}

func (a *About) about() *About { return a }

// Entity is what views speak of, such as an applicant.
type Entity struct {
	Name string `yaml:"name" json:"name"`
	// Keys are the columns that identify it. Keys are compared as they are written.
	Keys  []string `yaml:"keys" json:"keys"`
	About `yaml:",inline"`
}

// View is a feed of rows about an entity, and the features that are made of them. Its rows come from Source, from events that are posted, or from both;
// or SQL makes them of other views' rows.
type View struct {
	Name string `yaml:"name" json:"name"`
	// Entity is whom the rows are about; they have a column for each of its keys.
	Entity string `yaml:"entity" json:"entity"`
	// Keys are those of the entity when the view was read: a view keeps them, whatever becomes of the entity. No file has them.
	Keys   []string `yaml:"-" json:"keys"`
	Source *Source  `yaml:"source" json:"source,omitempty"`
	// Events says that rows may be posted one by one.
	Events bool `yaml:"events" json:"events,omitempty"`
	SQL    *SQL `yaml:"sql" json:"sql,omitempty"`
	// Clean lists how values are cleaned, as a pipeline's are.
	Clean []pipeline.CleanStep `yaml:"clean" json:"clean,omitempty"`
	// Types are those of the columns of time: timestamp, or date, which is the beginning of a day in UTC. Defaults to timestamp, which is filled in.
	Types map[string]pipeline.ColumnType `yaml:"types" json:"types,omitempty"`
	// ID is the column that tells rows of one key and instant apart, such as a payment's number; empty where there is one such row at most.
	ID string `yaml:"id" json:"id,omitempty"`
	// EventTimestamp is the column with the instant at which a row was true, CreatedTimestamp that with the instant at which it was known. Of rows of one
	// key, instant and ID the one that was known last counts. A feed that does not say when it was known names one column as both. Rows that are posted and
	// those of SQL have columns of these very names, to which both default there.
	EventTimestamp   string `yaml:"event_timestamp" json:"event_timestamp"`
	CreatedTimestamp string `yaml:"created_timestamp" json:"created_timestamp"`
	// TTL is the age from which the newest row of a key says nothing any more; 0 is never.
	TTL Span `yaml:"ttl" json:"ttl,omitempty"`
	// Freshness is the age that what is served is promised not to pass; 0 promises nothing.
	Freshness Span `yaml:"freshness" json:"freshness,omitempty"`
	// Columns are those of rows that features are made of by Of, and are no features themselves.
	Columns  []pipeline.Column `yaml:"columns" json:"columns,omitempty"`
	Features []Feature         `yaml:"features" json:"features,omitempty"`
	// Rules are conditions that rows should meet, in the language of package expression over their columns. A row of which it is not known meets them.
	Rules      []pipeline.Rule     `yaml:"rules" json:"rules,omitempty"`
	Quarantine pipeline.Quarantine `yaml:"quarantine" json:"quarantine"`
	About      `yaml:",inline"`
}

// Source is where rows come from: a relation as a pipeline has it, or a simulated feed.
type Source struct {
	pipeline.Relation `yaml:",inline"`
	Simulate          *Simulate `yaml:"simulate" json:"simulate,omitempty"`
}

// Simulate is a feed about the applicants of a simulated source: those of the same rows, seed and days.
type Simulate struct {
	// Feed is bureau or payments, see package simulate.
	Feed              string `yaml:"feed" json:"feed"`
	pipeline.Simulate `yaml:",inline"`
}

// SQL makes a view's rows of those of other views.
type SQL struct {
	// Dialect is the SQL that Query is written in: duckdb.
	Dialect string `yaml:"dialect" json:"dialect"`
	// From are the views whose rows Query reads, as tables of their names (with @ and a version, where it names one, left out). What is registered names
	// the version of each (bureau@2): a view reads the same rows as long as it is the same version, see Plan.
	From []string `yaml:"from" json:"from"`
	// Query is one SELECT. It gives the keys, both timestamps and the columns of the view.
	Query string `yaml:"query" json:"query"`
}

// Aggregate is what becomes of the rows of a window.
type Aggregate string

// The aggregates. Sum, Count and Distinct of no rows are 0, the others are missing. Values that are missing do not count.
const (
	Sum      Aggregate = "sum"      // exact: of the values to so many decimals, see Decimals
	Mean     Aggregate = "mean"     // their sum by their number
	Count    Aggregate = "count"    // of values; without a column of rows
	Min      Aggregate = "min"      // the smallest value
	Max      Aggregate = "max"      // the largest value
	Last     Aggregate = "last"     // that of the newest row that has one
	Distinct Aggregate = "distinct" // how many different values
)

// Aggregates are all of them.
var Aggregates = []Aggregate{Sum, Mean, Count, Min, Max, Last, Distinct}

// Feature is one value of a view: a column of the newest row, or an aggregate over the rows of a window.
type Feature struct {
	Name string `yaml:"name" json:"name"`
	// Type is that of the values, Min, Max and Domain are what is allowed in them. They belong to the column: a feature that is made of another one by Of or an
	// Aggregate has what follows from that (see View.TypeOf), may repeat the type, and names no bounds.
	Type   pipeline.ColumnType `yaml:"type" json:"type,omitempty"`
	Min    *float64            `yaml:"min" json:"min,omitempty"`
	Max    *float64            `yaml:"max" json:"max,omitempty"`
	Domain []string            `yaml:"domain" json:"domain,omitempty"`
	// Of is the column that it is made of. Defaults to that of the feature's own name.
	Of        string    `yaml:"of" json:"of,omitempty"`
	Aggregate Aggregate `yaml:"aggregate" json:"aggregate,omitempty"`
	// Over is the window of an aggregate: so many whole days before that of the moment, and that one so far, in UTC.
	Over Span `yaml:"over" json:"over,omitempty"`
	// Default is what whoever asks takes where there is no value or a stale one: a float64, a bool or a string; nil is a missing value.
	Default any    `yaml:"default" json:"default,omitempty"`
	Unit    string `yaml:"unit" json:"unit,omitempty"`
	// Reason is the text given to an applicant when this feature is a principal reason of a decline.
	Reason string `yaml:"reason" json:"reason,omitempty"`
	About  `yaml:",inline"`
}

// Expression is a feature that is computed when it is asked for, from the request and other features.
type Expression struct {
	Name string `yaml:"name" json:"name"`
	// Expression is written in the language of package expression, over the names of request fields and of Features.
	Expression string `yaml:"expression" json:"expression"`
	// Features are references to those that it reads. Every other name is a field of the request, also where some view has a feature of that name: what an
	// expression means does not depend on what others declare.
	Features []string            `yaml:"features" json:"features,omitempty"`
	Type     pipeline.ColumnType `yaml:"type" json:"type"`
	Min      *float64            `yaml:"min" json:"min,omitempty"`
	Max      *float64            `yaml:"max" json:"max,omitempty"`
	Domain   []string            `yaml:"domain" json:"domain,omitempty"`
	Unit     string              `yaml:"unit" json:"unit,omitempty"`
	Reason   string              `yaml:"reason" json:"reason,omitempty"`
	About    `yaml:",inline"`
}

// Service is a named set of features, as a pipeline asks for them.
type Service struct {
	Name string `yaml:"name" json:"name"`
	// Features are references: view:feature, a view for all of its features, an expression; a view may name a version (view@2).
	Features []string `yaml:"features" json:"features"`
	About    `yaml:",inline"`
}
