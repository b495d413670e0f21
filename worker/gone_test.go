package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// described is what Temporal says of a run.
type described struct {
	status  enums.WorkflowExecutionStatus
	pending []*workflowpb.PendingActivityInfo
	err     error
}

func (d described) DescribeWorkflowExecution(_ context.Context, _, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if run != "r" {
		return nil, serviceerror.NewInvalidArgument("no run ID")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: d.status}, PendingActivities: d.pending,
	}, d.err
}

func TestAStepIsGoneWhenTemporalHasGivenItUp(t *testing.T) {
	step := terraform.Step{Workflow: "delivery", Run: "r", Activity: "7", Attempt: 1}
	pending := func(id string, attempt int32, state enums.PendingActivityState) []*workflowpb.PendingActivityInfo {
		return []*workflowpb.PendingActivityInfo{{ActivityId: "3"}, {ActivityId: id, Attempt: attempt, State: state}}
	}
	const running = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	for _, test := range []struct {
		name string
		run  described
		gone bool
	}{
		{"at work", described{status: running, pending: pending("7", 1, enums.PENDING_ACTIVITY_STATE_STARTED)}, false},
		{"being cancelled", described{status: running, pending: pending("7", 1, enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED)}, false},
		{"waiting for its next attempt", described{status: running, pending: pending("7", 2, enums.PENDING_ACTIVITY_STATE_SCHEDULED)}, true},
		{"in its next attempt", described{status: running, pending: pending("7", 2, enums.PENDING_ACTIVITY_STATE_STARTED)}, true},
		{"the run is at another step", described{status: running, pending: pending("9", 1, enums.PENDING_ACTIVITY_STATE_STARTED)}, true},
		{"the run is closed", described{status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, pending: pending("7", 1, enums.PENDING_ACTIVITY_STATE_STARTED)}, true},
		{"the run is forgotten", described{err: serviceerror.NewNotFound("no such run")}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			is, err := gone(t.Context(), test.run, step)
			require.NoError(t, err)
			require.Equal(t, test.gone, is)
		})
	}
	is, err := gone(t.Context(), described{err: errors.New("connection refused")}, step)
	require.False(t, is)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

func TestAWriterRunsWhileItsRunIsOpen(t *testing.T) {
	open := described{status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}
	for _, test := range []struct {
		name, writer string
		run          described
		runs         bool
	}{
		{"an open run", "delivery-loans/r", open, true},
		{"a closed run", "delivery-loans/r", described{status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED}, false},
		{"a forgotten run", "delivery-loans/r", described{err: serviceerror.NewNotFound("no such run")}, false},
		{"a person", "ada", open, false},
		{"a person with a slash", "ada/lovelace", open, false},
		{"an open run whose workflow ID has a slash", "team/loans/r", open, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs, err := running(t.Context(), test.run, serving.Author{Writer: test.writer})
			require.NoError(t, err)
			require.Equal(t, test.runs, runs)
		})
	}
	_, err := running(t.Context(), described{err: errors.New("connection refused")}, serving.Author{Writer: "delivery-loans/r"})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}
