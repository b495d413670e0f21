package main

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// describer is the part of Temporal's client that knows what a run waits for.
type describer interface {
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// gone asks Temporal whether it has given the attempt at a step up: its run is closed, or waits for another attempt or not for
// this step. A step whose cancellation was asked for counts as at work until it has answered or has missed its heartbeat.
func gone(ctx context.Context, temporal describer, step terraform.Step) (bool, error) {
	run, err := temporal.DescribeWorkflowExecution(ctx, step.Workflow, step.Run)
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return true, nil // closed for longer than Temporal keeps a run
	}
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "asking Temporal about %s", step.Workflow)
	}
	if run.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return true, nil
	}
	for _, pending := range run.GetPendingActivities() {
		if pending.GetActivityId() == step.Activity {
			return pending.GetAttempt() != step.Attempt, nil
		}
	}
	return true, nil
}

// running asks Temporal whether the run that wrote a serving record is open.
func running(ctx context.Context, temporal describer, by serving.Author) (bool, error) {
	workflowID, runID, isRun := by.Run()
	if !isRun {
		return false, nil
	}
	run, err := temporal.DescribeWorkflowExecution(ctx, workflowID, runID)
	var unknown *serviceerror.NotFound
	var malformed *serviceerror.InvalidArgument
	if errors.As(err, &unknown) || errors.As(err, &malformed) {
		return false, nil
	}
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "asking Temporal about %s", workflowID)
	}
	return run.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}
