package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Faults that another try cannot mend carry a non-retryable error (see activities), so a policy needs to say only how
// patient to be with those that it can.
var retry = &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 10}

// quick is for steps that take seconds: registry rows, parsing, judging.
func quick(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: retry, Summary: summary,
	})
}

// long is for steps that may take many minutes. They heartbeat, so that a lost worker is noticed within seconds.
func long(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Hour, HeartbeatTimeout: 10 * time.Second, RetryPolicy: retry, Summary: summary,
		WaitForCancellation: true,
	})
}
