package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/registry"
)

// TriggerKey is the search attribute in which a run says why it is.
var TriggerKey = temporal.NewSearchAttributeKeyKeyword("LoanOpsTrigger")

// RunStartInput is whose newest run is asked for.
type RunStartInput struct {
	WorkflowID string `json:"workflow_id"`
}

// RunStartOutput is the newest run, when it began and why; empty where Temporal knows none.
type RunStartOutput struct {
	RunID string    `json:"run_id,omitempty"`
	At    time.Time `json:"at,omitzero"`
	// Trigger is why the run is: ByHand where it does not say that yet, for what a trigger starts says it from its start on.
	Trigger registry.Trigger `json:"trigger,omitempty"`
}

// Summary says when.
func (o RunStartOutput) Summary() string {
	if o.RunID == "" {
		return "there is no run"
	}
	return fmt.Sprintf("run %s began at %s", o.RunID, o.At.UTC().Format(time.RFC3339))
}

// Start says when the newest run of a workflow began, and why, whether it goes on or has ended.
func (r *Runs) Start(ctx context.Context, in RunStartInput) (RunStartOutput, error) {
	newest, err := newestRun(ctx, r.Workflows, in.WorkflowID)
	if err != nil || newest == nil {
		return RunStartOutput{}, err
	}
	out := RunStartOutput{RunID: newest.WorkflowExecution.RunID, At: newest.WorkflowStartTime, Trigger: registry.ByHand}
	if why, said := newest.TypedSearchAttributes.GetKeyword(TriggerKey); said {
		out.Trigger = registry.Trigger(why)
	}
	return out, nil
}
