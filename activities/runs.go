package activities

import (
	"context"
	"encoding/json"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/history"
	"github.com/loanops/loanops/internal/registry"
)

// RunInput is a run to record, with or without its end.
type RunInput struct {
	Run registry.Run `json:"run"` // without steps: they are read from the history
	// Raising is what it finds at this moment; nil for nothing.
	Raising *Raising `json:"raising,omitempty"`
}

// RunOutput is what the record of a run led to.
type RunOutput struct {
	Manifest *artifact.Ref `json:"manifest"` // of a run that has ended and made something; nil otherwise
	// Alerts are the IDs of what people are to be told.
	Alerts []string `json:"alerts,omitempty"`
}

// Summary says that the record was kept.
func (RunOutput) Summary() string { return "recorded" }

// Histories reads workflow histories, see client.Client.
type Histories interface {
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator
}

// Runs keeps what workflows did.
type Runs struct {
	Registry  registry.Registry
	Objects   Objects
	Histories Histories
	Workflows Workflows
}

// note keeps the artifacts of a step's output as the run's, where it has any.
func (r *Runs) note(ctx context.Context, runID string, out any) error {
	made, ok := out.(producer)
	if !ok {
		return nil
	}
	return r.Registry.PutRunArtifacts(ctx, runID, made.Artifacts())
}

// Record writes a run with its steps as the workflow's own history tells them, and at its end with its artifacts.
func (r *Runs) Record(ctx context.Context, in RunInput) (RunOutput, error) {
	events := r.Histories.GetWorkflowHistory(ctx, in.Run.WorkflowID, in.Run.ID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	steps, err := history.Steps(events)
	if err != nil {
		return RunOutput{}, fault.Wrap(fault.Unavailable, err, "reading the history of %s", in.Run.WorkflowID)
	}
	in.Run.Steps = steps[:0]
	for _, step := range steps {
		if step.Name != RecordRun.Name {
			in.Run.Steps = append(in.Run.Steps, step)
		}
	}
	var out RunOutput
	if !in.Run.EndedAt.IsZero() {
		if out.Manifest, err = r.addArtifacts(ctx, &in.Run); err != nil {
			return out, err
		}
	}
	if err = r.Registry.PutRun(ctx, in.Run); err != nil || in.Raising == nil {
		return out, err
	}
	out.Alerts, err = r.raise(ctx, in.Run, *in.Raising)
	return out, err
}

// addArtifacts writes the manifest of what the run made and puts every artifact into the result that is kept: what crossed Temporal
// was none of them.
func (r *Runs) addArtifacts(ctx context.Context, run *registry.Run) (*artifact.Ref, error) {
	artifacts, err := r.Registry.RunArtifacts(ctx, run.ID)
	if err != nil || len(artifacts) == 0 {
		return nil, err
	}
	manifest, err := putJSON(ctx, r.Objects, artifacts)
	if err != nil {
		return nil, err
	}
	artifacts[artifact.Manifest] = manifest
	var result map[string]any
	if err := json.Unmarshal(run.Result, &result); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the result of %s", run.WorkflowID)
	}
	result["artifacts"] = artifacts
	run.Result, err = json.Marshal(result)
	return &manifest, fault.Wrap(fault.Internal, err, "the result of %s", run.WorkflowID)
}
