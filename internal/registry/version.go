package registry

import (
	"time"

	"github.com/loanops/loanops/internal/artifact"
)

// PipelineVersion is what a commit of a pipeline's repository was published as. Never changed after it is written.
type PipelineVersion struct {
	Pipeline string `json:"pipeline"`
	Version  int    `json:"version"` // 1, 2, 3 … per pipeline, without gaps
	// Package is the OCI artifact: repository@sha256:….
	Package string `json:"package"`
	// Predictor is the image in which its models serve: repository@sha256:….
	Predictor  string       `json:"predictor"`
	Commit     string       `json:"commit"`      // full hash
	SpecDigest string       `json:"spec_digest"` // of the registered spec
	Tree       artifact.Ref `json:"tree"`        // the commit's files
	// Repository is the name in the settings of the one that it is of; empty of one that a person packed.
	Repository string `json:"repository,omitempty"`
	// RunID is of the integration that published it first.
	RunID     string    `json:"run_id"`
	CreatedAt time.Time `json:"created_at"`
}
