package registry

import (
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
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
	// Repository is the one that the commit is of: its URL, or the folder that it was packed in.
	Repository string `json:"repository"`
	// Owner is the repository whose pushes replace the pipeline; empty where none does.
	Owner string `json:"owner"`
	// Trigger says whether a push published it, or an operator; TakeOver that the operator made the repository its owner.
	Trigger  Trigger `json:"trigger"`
	TakeOver bool    `json:"take_over,omitempty"`
	// RunID is of the integration that published it. A run publishes one version.
	RunID     string    `json:"run_id"`
	CreatedAt time.Time `json:"created_at"`
}

// NextOwner is the owner of a pipeline after a version that somebody publishes, where owner has been it until now, and nobody where that is empty. A push to
// any other repository than the owner is fault.Refused; an operator may publish what they like, and says so to make a repository the owner.
func NextOwner(owner, pipeline, repository string, trigger Trigger, takeOver bool) (string, error) {
	switch {
	case trigger == ByHand && takeOver:
		return repository, nil
	case trigger == ByHand, owner != "" && owner == repository:
		return owner, nil
	}
	whose := "the repository " + owner
	if owner == "" {
		whose = "nobody's repository: people registered it, or published it by hand"
	}
	return "", fault.New(fault.Refused, "the pipeline %s is of %s; a push to %s does not replace it: give it another name, or have an operator hand it over: loanops ci start --repo FOLDER or NAME --take-over", pipeline, whose, repository)
}
