package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/loanops/loanops/internal/fault"
)

// RunStartInput is whose newest run is asked for.
type RunStartInput struct {
	WorkflowID string `json:"workflow_id"`
}

// RunStartOutput is the newest run and when it began; empty where Temporal knows none.
type RunStartOutput struct {
	RunID string    `json:"run_id,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// Summary says when.
func (o RunStartOutput) Summary() string {
	if o.RunID == "" {
		return "there is no run"
	}
	return fmt.Sprintf("run %s began at %s", o.RunID, o.At.UTC().Format(time.RFC3339))
}

// Start says when the newest run of a workflow began, whether it goes on or has ended.
func (r *Runs) Start(ctx context.Context, in RunStartInput) (RunStartOutput, error) {
	described, err := r.Workflows.DescribeWorkflow(ctx, in.WorkflowID, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return RunStartOutput{}, nil
	}
	if err != nil {
		return RunStartOutput{}, fault.Wrap(fault.Unavailable, err, "looking at %s", in.WorkflowID)
	}
	return RunStartOutput{RunID: described.WorkflowExecution.RunID, At: described.WorkflowStartTime}, nil
}
