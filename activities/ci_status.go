package activities

import (
	"context"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
)

// StatusInput is what a forge is to show beside a commit.
type StatusInput struct {
	Repository string      `json:"repository"`       // its name in the settings
	Commit     string      `json:"commit"`           // full hash
	Merged     bool        `json:"merged,omitempty"` // it was tested as merged into its target
	State      forge.State `json:"state"`
	Text       string      `json:"text"` // one line
	// WorkflowID and RunID are of the run that a person is led to.
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
}

// StatusOutput says that it was told.
type StatusOutput struct {
	State forge.State `json:"state"`
}

// Summary is the state.
func (o StatusOutput) Summary() string { return string(o.State) }

// Statuses tells forges and bare repositories what becomes of their commits.
type Statuses struct {
	// Known finds a repository of the settings by its name.
	Known func(name string) (repository forge.Repository, known bool, err error)
	// Page is where a person sees a run; empty without one.
	Page func(workflowID, runID string) string
}

// Report tells it.
func (s *Statuses) Report(ctx context.Context, in StatusInput) (StatusOutput, error) {
	repository, known, err := s.Known(in.Repository)
	if err != nil {
		return StatusOutput{}, err
	}
	if !known {
		return StatusOutput{}, fault.New(fault.NotFound, "no repository %q is known", in.Repository)
	}
	about := forge.OfPush
	if in.Merged {
		about = forge.OfMerge
	}
	return StatusOutput{State: in.State}, forge.Post(ctx, repository, about, in.Commit, in.State, in.Text, s.Page(in.WorkflowID, in.RunID))
}
