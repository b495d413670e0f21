package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
)

// lostAfter is when a step whose worker says nothing any more is given to another one. Every activity heartbeats by itself.
const lostAfter = 10 * time.Second

// lasting is how long what lasts is tried.
const lasting = 24 * time.Hour

// retries is how often a step of a patience is tried. Faults that another try cannot mend carry a non-retryable error (see
// activities), so a policy needs to say only how patient to be with those that it can.
func retries(attempts int32) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: attempts}
}

// options are how a step of that queue and patience is asked for. summary is what the Web UI shows beside it.
//
// No step is waited for once it is cancelled: what it may still do to production carries the generation that it took, and is refused
// when a newer one is there.
func options(queue string, patience activities.Patience, summary string) workflow.ActivityOptions {
	o := workflow.ActivityOptions{TaskQueue: queue, HeartbeatTimeout: lostAfter, Summary: summary}
	switch patience {
	case activities.Quick:
		o.StartToCloseTimeout, o.RetryPolicy = time.Minute, retries(10)
	case activities.Long:
		o.StartToCloseTimeout, o.RetryPolicy = 2*time.Hour, retries(10)
	case activities.Brief:
		o.StartToCloseTimeout, o.RetryPolicy = 10*time.Minute, retries(3)
	case activities.Lasting:
		o.StartToCloseTimeout, o.ScheduleToCloseTimeout, o.RetryPolicy = time.Minute, lasting, retries(0)
		o.RetryPolicy.MaximumInterval = 10 * time.Minute
	}
	return o
}

// The first try of what must be done in the end tells at once what is to be waited for. After it Temporal tries on for longer and longer,
// so that months of waiting for what mends itself fit into a history, but never less often than retries says.
const (
	firstWindow = time.Minute
	lastWindow  = time.Hour
)

// retryWindow is the options with which the nth try (from 0) of what must be done in the end is asked for.
func retryWindow(o workflow.ActivityOptions, n int) workflow.ActivityOptions {
	if n == 0 {
		o.RetryPolicy = retries(1)
		return o
	}
	o.RetryPolicy = retries(0)
	o.ScheduleToCloseTimeout = min(firstWindow<<min(n-1, 10), lastWindow)
	o.StartToCloseTimeout = min(o.StartToCloseTimeout, o.ScheduleToCloseTimeout)
	return o
}

// pause is how long to wait after the nth failure (from 0) that Temporal does not try again by itself: a person has to mend something. It grows
// to an hour within two days (n²/4 seconds: a tenth of the time waited so far, soon less), so that a history holds months of them.
func pause(n int) time.Duration {
	n = min(n, 120)
	return min(time.Duration((n+1)*(n+1))*time.Second/4, time.Hour)
}

// failedWith reports whether a step ended by a fault of one of those codes.
func failedWith(err error, codes ...fault.Code) bool {
	var application *temporal.ApplicationError
	return errors.As(err, &application) && slices.Contains(codes, fault.Code(application.Type()))
}
