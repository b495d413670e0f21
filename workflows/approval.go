package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
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

// ApprovalProgress is what a delivery that waits for people, or did, says of it.
type ApprovalProgress struct {
	Rule string `json:"rule"` // required or second_person, see approval.Enough
	// Subject is what a signed approval must name.
	Subject approval.Subject `json:"subject"`
	// Started is whose signatures started it.
	Started    approval.Started `json:"started"`
	ApprovedBy []string         `json:"approved_by"` // those that count, in their order
	Missing    int              `json:"missing"`     // approvals
	// what is approved, in words.
	what string
}

// stage says what is waited for.
func (p *ApprovalProgress) stage() string {
	text := "waiting for the approve update: "
	if p.Rule == pipeline.ApprovalSecondPerson {
		missing := "1 signature is"
		if p.Missing != 1 {
			missing = fmt.Sprintf("%d signatures are", p.Missing)
		}
		text += missing + " missing"
		if len(p.ApprovedBy) > 0 {
			text += ", approved by " + listed(p.ApprovedBy)
		}
		if p.Started.By != "" {
			text += ", started by " + p.Started.By
		}
		if p.Started.Trainer != "" {
			text += ", trained by " + p.Started.Trainer
		}
		text += "; "
	}
	return text + p.what
}

// listed joins names for a sentence.
func listed(names []string) string { return strings.Join(names, " and ") }

// acceptApproval lets the approve update end a waiting. A signature is verified, and recorded, before it counts.
func (d *delivery) acceptApproval(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, ApproveUpdate, d.approve, workflow.UpdateHandlerOptions{
		Description: `Let the delivery go on to production: {"actor":"you","reason":"why"}; where two people are wanted by: loanops approve`,
		Validator:   d.validateApproval,
		// A signature that is being verified holds back no abort: whoever sent it is told that the run has ended.
		UnfinishedPolicy: workflow.HandlerUnfinishedPolicyAbandon,
	})
}

func (d *delivery) validateApproval(ctx workflow.Context, by Intervention) error {
	if !d.WaitingForApproval {
		return usage("the delivery does not wait for approval now")
	}
	if err := by.validate(); err != nil {
		return err
	}
	if by.Signed == nil && d.Approval.Rule == pipeline.ApprovalSecondPerson {
		return usage("the approval of %s is not signed, and deploy.approval is %s: loanops approve %s --reason TEXT --as OPERATOR", by.Actor,
			pipeline.ApprovalSecondPerson, workflow.GetInfo(ctx).WorkflowExecution.ID)
	}
	if _, problems := d.enough(by); len(problems) > 0 {
		return usage("%s", strings.Join(problems, "; "))
	}
	return nil
}

func (d *delivery) approve(ctx workflow.Context, by Intervention) (string, error) {
	if by.Signed != nil {
		recorded, err := call(ctx, activities.VerifyApproval, "verify the signature of "+by.Actor, activities.ApprovalInput{Signed: *by.Signed, Subject: d.Approval.Subject})
		if err != nil {
			return "", temporal.NewNonRetryableApplicationError(cause(err), string(fault.Refused), nil)
		}
		if err := d.validateApproval(ctx, by); err != nil { // the world may have moved on meanwhile
			return "", err
		}
		by.Reason = recorded.Reason
	}
	d.approvals = append(d.approvals, by)
	d.Approval.ApprovedBy = append(d.Approval.ApprovedBy, by.Actor)
	if d.Approval.Missing, _ = d.enough(); d.Approval.Missing > 0 {
		d.Stage = d.Approval.stage()
		d.publish(ctx)
		return fmt.Sprintf("approved by %s; %d more is wanted", listed(d.Approval.ApprovedBy), d.Approval.Missing), nil
	}
	return "approved: the delivery goes on to production", nil
}

// enough counts the approvals that came, and more.
func (d *delivery) enough(more ...Intervention) (missing int, problems []string) {
	var approvers []approval.Approver
	for _, by := range append(d.approvals[:len(d.approvals):len(d.approvals)], more...) {
		approvers = append(approvers, approval.Approver{Name: by.Actor, Signed: by.Signed != nil})
	}
	return approval.Enough(d.Approval.Rule, d.Approval.Started, approvers)
}

// awaitApproval waits for the approve update, and says what is to be approved. The text says why it was denied; empty means approved.
func (d *delivery) awaitApproval(ctx workflow.Context) (string, error) {
	execution := workflow.GetInfo(ctx).WorkflowExecution
	d.Approval = &ApprovalProgress{
		Rule: pipeline.ApprovalRequired, Started: d.started, ApprovedBy: []string{}, what: d.changes,
		Subject: approval.Subject{
			WorkflowID: execution.ID, RunID: execution.RunID, Model: d.Model.Name, Version: d.Model.Version, Digest: d.Model.Digest, Policy: d.resolved.Candidate.Policy,
		},
	}
	if d.resolved.Approval == pipeline.ApprovalSecondPerson {
		d.Approval.Rule = pipeline.ApprovalSecondPerson
	}
	d.Approval.Missing, _ = d.enough()
	d.WaitingForApproval = true
	d.begin(ctx, approvalStep, d.Approval.stage())
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	d.raise(last, "waiting", alert.Raise{Subject: alert.Approval, State: alert.Waiting, Reasons: []string{d.changes}})
	approved, err := workflow.AwaitWithTimeout(ctx, d.expires, func() bool { return d.Approval.Missing == 0 })
	d.WaitingForApproval = false
	switch {
	case err != nil:
		d.end(ctx, approvalStep, StepSkipped, "cancelled while waiting")
		return "", err
	case !approved:
		reason := fmt.Sprintf("nobody approved within %s", d.expires)
		if len(d.approvals) > 0 {
			reason = fmt.Sprintf("%s approved, and nobody else within %s", listed(d.Approval.ApprovedBy), d.expires)
		}
		d.end(ctx, approvalStep, StepFailed, reason)
		return reason, nil
	}
	d.end(ctx, approvalStep, StepDone, d.whoApproved())
	d.raise(last, "approved", alert.Raise{Subject: alert.Approval, State: alert.OK, Reasons: []string{d.whoApproved()}})
	return "", nil
}

// whoApproved names those who did, with their reasons.
func (d *delivery) whoApproved() string {
	var said []string
	for _, by := range d.approvals {
		said = append(said, fmt.Sprintf("approved by %s: %s", by.Actor, by.Reason))
	}
	return strings.Join(said, "; ")
}

// verifyStart says by whose signature the run was started; refused says why that signature starts nothing.
func (r *run) verifyStart(ctx workflow.Context, in activities.StartInput) (refused string, err error) {
	info := workflow.GetInfo(ctx)
	in.Model, in.WorkflowID, in.RunID = r.Pipeline, info.WorkflowExecution.ID, info.WorkflowExecution.RunID
	if info.ParentWorkflowExecution != nil {
		in.ParentID = info.ParentWorkflowExecution.RunID
	}
	out, err := do(ctx, r, activities.VerifyStart.On(r.role), "verifying who started the run", in)
	if failedWith(err, fault.Refused, fault.Invalid) {
		return cause(err), nil
	}
	r.started = out.Started
	return "", err
}

// answerable is who answers for a change: the person who aborted, else those who approved, else the one who started the run.
func (d *delivery) answerable() string {
	switch {
	case d.aborted != nil:
		return d.aborted.Actor
	case len(d.approvals) > 0:
		return listed(d.Approval.ApprovedBy)
	}
	return d.input.Actor
}
