package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
)

// AwaitInput is whose end is waited for.
type AwaitInput struct {
	WorkflowID string `json:"workflow_id"`
}

// AwaitOutput says that no run of it goes on.
type AwaitOutput struct{}

// Summary says so.
func (AwaitOutput) Summary() string { return "no run goes on" }

// awaitInterval is how long the end of a run may be unseen.
const awaitInterval = 5 * time.Second

// AwaitEnd ends when no run of a workflow goes on, however the last one ended. While one does it fails, and is tried again: a run may go on
// for weeks, and an activity that stayed for so long would hold one of its worker's few slots, which the run itself may need.
func (r *Runs) AwaitEnd(ctx context.Context, in AwaitInput) (AwaitOutput, error) {
	runs, err := goesOn(ctx, r.Workflows, in.WorkflowID)
	if err != nil || !runs {
		return AwaitOutput{}, err
	}
	return AwaitOutput{}, temporal.NewApplicationErrorWithOptions(fmt.Sprintf("%s runs", in.WorkflowID), string(fault.Conflict),
		temporal.ApplicationErrorOptions{NextRetryDelay: awaitInterval, Category: temporal.ApplicationErrorCategoryBenign})
}

// goesOn reports whether a run of a workflow goes on.
func goesOn(ctx context.Context, workflows Workflows, id string) (bool, error) {
	newest, err := newestRun(ctx, workflows, id)
	return newest != nil && newest.WorkflowCloseTime == nil, err
}

// newestRun is that of a workflow, whether it goes on or has ended; nil where Temporal knows none.
func newestRun(ctx context.Context, workflows Workflows, id string) (*client.WorkflowExecutionDescription, error) {
	described, err := workflows.DescribeWorkflow(ctx, id, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil, nil //nolint:nilnil // that there is none is an answer
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "looking at %s", id)
	}
	return described, nil
}

// Workflows tells how workflows are, see client.Client.
type Workflows interface {
	DescribeWorkflow(ctx context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error)
}
