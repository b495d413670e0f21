package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Faults that another try cannot mend carry a non-retryable error (see activities), so a policy needs to say only how
// patient to be with those that it can.
var retry = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 10}

// lostAfter is when a step whose worker says nothing any more is given to another one. Every activity heartbeats by itself.
const lostAfter = 10 * time.Second

// quick is for steps that take seconds: registry rows, parsing, judging.
func quick(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: lostAfter, RetryPolicy: retry, Summary: summary,
	})
}

// long is for steps that may take many minutes, and that must be over before anything is undone after a cancellation.
func long(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Hour, HeartbeatTimeout: lostAfter, RetryPolicy: retry, Summary: summary,
		WaitForCancellation: true,
	})
}
