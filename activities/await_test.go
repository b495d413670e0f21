package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// described is a workflow that is as it says.
type described struct {
	began   time.Time
	closed  *time.Time
	trigger registry.Trigger // as it says it; empty where it does not
	err     error
}

func (d described) DescribeWorkflow(_ context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error) {
	if workflowID != "training-cards" || runID != "" {
		return nil, errors.New("another workflow, or not its newest run, was asked for")
	}
	var about temporal.SearchAttributes
	if d.trigger != "" {
		about = temporal.NewSearchAttributes(TriggerKey.ValueSet(string(d.trigger)))
	}
	return &client.WorkflowExecutionDescription{WorkflowExecutionMetadata: client.WorkflowExecutionMetadata{
		WorkflowExecution: workflow.Execution{ID: workflowID, RunID: "run-7"}, WorkflowStartTime: d.began, WorkflowCloseTime: d.closed,
		TypedSearchAttributes: about,
	}}, d.err
}

func TestARunIsAwaitedHoweverItEnds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)
	runs := Runs{Workflows: described{closed: &at}}
	_, err := runs.AwaitEnd(t.Context(), AwaitInput{WorkflowID: "training-cards"})
	require.NoError(t, err)
	runs = Runs{Workflows: described{err: serviceerror.NewNotFound("no such workflow")}}
	_, err = runs.AwaitEnd(t.Context(), AwaitInput{WorkflowID: "training-cards"})
	require.NoError(t, err, "one that Temporal has forgotten, or never knew")
}

// Waiting is tried again for ever, soon, and without a line of an error in the log each time; so is a Temporal that is away.
func TestWaitingIsTriedAgain(t *testing.T) {
	t.Parallel()
	runs := Runs{Workflows: described{}}
	_, err := runs.AwaitEnd(t.Context(), AwaitInput{WorkflowID: "training-cards"})
	var said *temporal.ApplicationError
	require.ErrorAs(t, mapped(t.Context(), err), &said)
	require.False(t, said.NonRetryable())
	require.Equal(t, awaitInterval, said.NextRetryDelay())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, said.Category())

	runs = Runs{Workflows: described{err: errors.New("connection refused")}}
	_, err = runs.AwaitEnd(t.Context(), AwaitInput{WorkflowID: "training-cards"})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorAs(t, mapped(t.Context(), err), &said)
	require.False(t, said.NonRetryable())
}
