// Package lineage tells from what a model version was made and where it went.
package lineage

import "github.com/loanops/loanops/internal/pipeline"

// Sources are what an extraction read, by digest: the rows themselves may be gone one day, and what they were can still be held against a file.
type Sources struct {
	Source    string             `json:"source"`             // in words
	Simulate  *pipeline.Simulate `json:"simulate,omitempty"` // a population is a function of these
	Relations []Relation         `json:"relations"`          // the base first, then those that are joined to it
}

// Relation is one set of rows: files, or what a database held.
type Relation struct {
	// Name is how the spec, or who started the run, names the files; of a database that is the name of its connection.
	Name string `json:"name"`
	// Database is true where the rows were read from one: what it held then has no digest but the dataset's.
	Database bool   `json:"database"`
	Files    []File `json:"files"` // in the order in which they were read
}

// File is one raw file.
type File struct {
	URI    string `json:"uri"` // where it was read from; an upload is an object of the store
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}
