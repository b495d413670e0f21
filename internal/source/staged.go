package source

import "github.com/loanops/loanops/internal/pipeline"

// Staged is a relation in Parquet files, as it was read.
type Staged struct {
	// Name is how a person knows it.
	Name  string
	Paths []string
	// Where is an SQL condition for the rows that count; empty for all.
	Where string
}

// Joined is a staged relation and how it is joined.
type Joined struct {
	Staged
	On                pipeline.Names
	Kind, Cardinality string
}

// The columns that staged outcomes have beside their own.
const (
	// KnownColumn is the instant at which the outcome became known, in microseconds since 1970-01-01; that of a day is its beginning.
	KnownColumn = "loanops_known_at"
	// MisreadColumn says that there is none, for what is written cannot be read.
	MisreadColumn = "loanops_misread"
)

// Outcomes are staged outcomes, and what becomes of them.
type Outcomes struct {
	Staged
	pipeline.OutcomeColumns
	// Application and Column are how entity and label are called among the applications.
	Application, Column string
	// Before ends what counts, in microseconds as KnownColumn.
	Before int64
}
