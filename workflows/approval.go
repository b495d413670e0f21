package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// approvalExpires is how long a delivery waits for a person.
const approvalExpires = 24 * time.Hour

// awaitApproval is the name of the waiting in the progress.
const awaitApproval = "AwaitApproval"

// approval is the gate at which a person lets a delivery go on to production.
type approval struct {
	waiting  *bool
	approved *Decision
}

func (a *approval) handle(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, ApproveUpdate,
		func(_ workflow.Context, d Decision) (string, error) {
			a.approved = &d
			return "approved: the delivery goes on to production", nil
		},
		workflow.UpdateHandlerOptions{
			Description: `Let the delivery go on to production: {"actor":"you","reason":"why"}`,
			Validator: func(_ workflow.Context, d Decision) error {
				if d.Actor == "" || d.Reason == "" {
					return usage(`"actor" and "reason" are needed: {"actor":"you","reason":"why"}`)
				}
				if !*a.waiting {
					return usage("the delivery does not wait for approval now")
				}
				return nil
			},
		})
}

// await waits for the approve update. The text says why it was denied; empty means approved.
func (a *approval) await(ctx workflow.Context, j *journal) (string, error) {
	*a.waiting = true
	j.begin(ctx, awaitApproval, "waiting for the approve update")
	approved, err := workflow.AwaitWithTimeout(ctx, approvalExpires, func() bool { return a.approved != nil })
	*a.waiting = false
	switch {
	case err != nil:
		j.end(ctx, awaitApproval, StepSkipped, "cancelled while waiting")
		return "", err
	case !approved:
		reason := fmt.Sprintf("nobody approved within %s", approvalExpires)
		j.end(ctx, awaitApproval, StepFailed, reason)
		return reason, nil
	}
	j.end(ctx, awaitApproval, StepDone, fmt.Sprintf("approved by %s: %s", a.approved.Actor, a.approved.Reason))
	return "", nil
}

// actor is who answers for the promotion: the person who approved, else the one who started the run.
func (a *approval) actor(starter string) string {
	if a.approved != nil {
		return a.approved.Actor
	}
	return starter
}
