package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/report"
)

// SummaryInput is how a commit came through its tests.
type SummaryInput struct {
	Repository string       `json:"repository"`
	Ref        string       `json:"ref,omitempty"`
	Commit     CommitOutput `json:"commit"`
	// Refused is the step that refused it, empty where none did; Reasons are its own, or say what became of a commit that passed.
	Refused ci.Step       `json:"refused,omitempty"`
	Reasons []string      `json:"reasons"`
	Steps   []StepOutcome `json:"steps"`
}

// SummaryOutput is the page.
type SummaryOutput struct {
	HTML artifact.Ref `json:"html"`
}

// Summary is where it lies.
func (o SummaryOutput) Summary() string { return "the page: " + o.HTML.URI }

// Artifacts is the page.
func (o SummaryOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.IntegrationHTML: o.HTML}
}

// mostOfLog is how many bytes a log may have to be loaded for the page, which shows the ends of it alone.
const mostOfLog = 32 << 20

// Summaries write for people how commits came through.
type Summaries struct {
	Objects Objects
	Page    func(report.Integration) ([]byte, error)
}

// Write keeps a page with every step and its log, or where that lies.
func (s *Summaries) Write(ctx context.Context, in SummaryInput) (SummaryOutput, error) {
	shown := report.Integration{
		Pipeline: in.Commit.Pipeline, Repository: in.Repository, Ref: in.Ref, Commit: in.Commit.Commit, Subject: in.Commit.Subject, Merged: in.Commit.Merged,
		Tree: in.Commit.Tree.SHA256, Refused: in.Refused, Reasons: in.Reasons,
	}
	for _, step := range in.Steps {
		seen := report.IntegrationStep{Name: step.Name, Status: step.Status, Said: step.Said, Reasons: step.Reasons, Cached: step.Cached, LogRole: artifact.LogOf(string(step.Name))}
		switch {
		case step.Log == nil:
		case step.Log.Bytes > mostOfLog:
			seen.Log = fmt.Sprintf("%d bytes are left out here; the artifact %s has them", step.Log.Bytes, seen.LogRole)
		default:
			log, err := s.Objects.Get(ctx, *step.Log)
			if err != nil {
				return SummaryOutput{}, err
			}
			seen.Log = string(log)
		}
		shown.Steps = append(shown.Steps, seen)
	}
	page, err := s.Page(shown)
	if err != nil {
		return SummaryOutput{}, err
	}
	ref, err := s.Objects.Put(ctx, page, htmlType, "html")
	return SummaryOutput{HTML: ref}, err
}
