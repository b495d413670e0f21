package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
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
	// Page is the run as a page in HTML, for a bare repository; none while it goes on.
	Page *artifact.Ref `json:"page,omitempty"`
	// WorkflowID and RunID are of the run that a person is led to.
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
}

// StatusOutput says that it was told.
type StatusOutput struct {
	State forge.State `json:"state"`
	// Lacks is why the page is not there, where there was one.
	Lacks string `json:"lacks,omitempty"`
}

// Summary is the state.
func (o StatusOutput) Summary() string {
	if o.Lacks != "" {
		return string(o.State) + ", without a page: " + o.Lacks
	}
	return string(o.State)
}

// Statuses tells forges and bare repositories what becomes of their commits.
type Statuses struct {
	// Known finds a repository of the settings by its name.
	Known func(name string) (repository forge.Repository, known bool, err error)
	// Objects holds the pages of runs.
	Objects Objects
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
	status := forge.Status{About: forge.OfPush, Commit: in.Commit, State: in.State, Description: in.Text, Target: s.Page(in.WorkflowID, in.RunID)}
	if in.Merged {
		status.About = forge.OfMerge
	}
	out := StatusOutput{State: in.State}
	if in.Page != nil && repository.InFolder() {
		if status.Page, out.Lacks, err = s.page(ctx, *in.Page); err != nil {
			return StatusOutput{}, err
		}
	}
	return out, forge.Post(ctx, repository, status)
}

// page reads a run's page. That it is not there any more, or too long, keeps nobody from being told how the run ended.
func (s *Statuses) page(ctx context.Context, ref artifact.Ref) (page []byte, lacks string, err error) {
	if ref.Bytes > forge.MaxPage {
		return nil, fmt.Sprintf("it has %d bytes, at most %d are written into a repository", ref.Bytes, forge.MaxPage), nil
	}
	page, err = s.Objects.Get(ctx, ref)
	if err != nil && fault.Permanent(fault.CodeOf(err)) {
		return nil, err.Error(), nil
	}
	return page, "", err
}
