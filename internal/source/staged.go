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
