package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Push starts the integration of a push, once: it has the push's own ID, and Temporal takes no second workflow of it. Where an older push of the branch is
// being tested, that run is told of this one, by a signal: it goes on with this one in its own place. It may have ended before; then this begins anew.
func Push(ctx workflow.Context, input IntegrationInput) (Triggered, error) {
	if input.Repository == "" || input.Event == "" {
		return Triggered{}, usage(`"repository" and "event" are needed; whoever starts an integration by hand starts ContinuousIntegration`)
	}
	id := input.ID()
	for {
		var execution workflow.Execution
		child := outliving(ctx, id, "test "+input.Ref+" of "+input.Repository)
		err := workflow.ExecuteChildWorkflow(child, ContinuousIntegrationName, input).GetChildWorkflowExecution().Get(ctx, &execution)
		if !alreadyRuns(err) {
			return Triggered{Outcome: TriggerStarted, WorkflowID: id, RunID: execution.RunID}, err
		}
		err = workflow.SignalExternalWorkflow(ctx, id, "", PushSignal, input).Get(ctx, nil)
		var ended *temporal.UnknownExternalWorkflowExecutionError
		if !errors.As(err, &ended) {
			return Triggered{Outcome: TriggerJoined, WorkflowID: id}, err
		}
	}
}
