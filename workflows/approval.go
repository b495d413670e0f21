package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// approvalExpires is how long a delivery waits for a person when its input does not say.
const approvalExpires = 24 * time.Hour

// expiry reads how long to wait.
func expiry(text string) (time.Duration, error) {
	if text == "" {
		return approvalExpires, nil
	}
	expires, err := time.ParseDuration(text)
	if err != nil || expires <= 0 {
		return 0, usage(`"approval_expires" is %q; a duration such as 2h30m is wanted`, text)
	}
	return expires, nil
}

// approvalStep is the name of the waiting in the progress.
const approvalStep = "AwaitApproval"

// acceptApproval lets the approve update end a waiting.
func (r *run) acceptApproval(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, ApproveUpdate,
		func(_ workflow.Context, by Intervention) (string, error) {
			r.approved = &by
			return "approved: the delivery goes on to production", nil
		},
		workflow.UpdateHandlerOptions{
			Description: `Let the delivery go on to production: {"actor":"you","reason":"why"}`,
			Validator: func(_ workflow.Context, by Intervention) error {
				if !r.WaitingForApproval {
					return usage("the delivery does not wait for approval now")
				}
				return by.validate()
			},
		})
}

// awaitApproval waits for the approve update, and says what is to be approved. The text says why it was denied; empty means approved.
func (r *run) awaitApproval(ctx workflow.Context, expires time.Duration, what string) (string, error) {
	r.WaitingForApproval = true
	r.begin(ctx, approvalStep, "waiting for the approve update: "+what)
	approved, err := workflow.AwaitWithTimeout(ctx, expires, func() bool { return r.approved != nil })
	r.WaitingForApproval = false
	switch {
	case err != nil:
		r.end(ctx, approvalStep, StepSkipped, "cancelled while waiting")
		return "", err
	case !approved:
		reason := fmt.Sprintf("nobody approved within %s", expires)
		r.end(ctx, approvalStep, StepFailed, reason)
		return reason, nil
	}
	r.end(ctx, approvalStep, StepDone, fmt.Sprintf("approved by %s: %s", r.approved.Actor, r.approved.Reason))
	return "", nil
}

// answerable is who answers for a change: the person who aborted, else the one who approved, else the one who started the run.
func (r *run) answerable(starter string) string {
	switch {
	case r.aborted != nil:
		return r.aborted.Actor
	case r.approved != nil:
		return r.approved.Actor
	}
	return starter
}
