package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// Approvals verifies what operators signed, by the ledger's own operators, and records it.
type Approvals struct{ Registry registry.Registry }

// ApprovalInput is a signed approval, and what the run that it came to delivers.
type ApprovalInput struct {
	Signed  approval.Signed  `json:"signed"`
	Subject approval.Subject `json:"subject"`
}

// ApprovalOutput is where the approval is recorded.
type ApprovalOutput struct {
	Seq    int64  `json:"seq"`
	Reason string `json:"reason"` // that is recorded: of who approved once more, the first
}

// Summary names the record.
func (o ApprovalOutput) Summary() string { return fmt.Sprintf("signed record %d", o.Seq) }

// Verify records an approval that approves just this run. Of a signature that does not count the fault says why.
func (a *Approvals) Verify(ctx context.Context, in ApprovalInput) (ApprovalOutput, error) {
	if err := in.Signed.CheckApproval(in.Subject); err != nil {
		return ApprovalOutput{}, err
	}
	entry, err := a.Registry.RecordSigned(ctx, in.Signed, in.Subject.RunID)
	return ApprovalOutput{Seq: entry.Seq, Reason: entry.Reason}, err
}

// StartInput is a run, and whose signature it was started with.
type StartInput struct {
	// Signed is nil where nobody signed.
	Signed     *approval.Signed `json:"signed,omitempty"`
	WorkflowID string           `json:"workflow_id"`
	RunID      string           `json:"run_id"`
	ParentID   string           `json:"parent_id,omitempty"` // run ID of the training that started it as a child, as Temporal says
	Model      string           `json:"model"`
	Version    int              `json:"version,omitempty"` // that is delivered
	Input      string           `json:"input"`             // digest of the run's input
}

// StartOutput is who started.
type StartOutput struct {
	approval.Started
}

// Summary names them.
func (o StartOutput) Summary() string {
	text := "nobody signed the start"
	if o.By != "" {
		text = "started by " + o.By + ", who signed"
	}
	if o.Trainer != "" {
		text += "; trained by " + o.Trainer
	}
	return text
}

// VerifyStart says by whose signature a run was started, and the training of the version that it delivers. Nothing of it is taken from the run's input
// alone: its own start is signed for this workflow and input and counts for one run, that of a training is recorded for the run that is the parent.
func (a *Approvals) VerifyStart(ctx context.Context, in StartInput) (StartOutput, error) {
	var out StartOutput
	switch {
	case in.Signed == nil:
	case in.Version > 0 && in.Signed.WorkflowID != in.WorkflowID:
		if err := a.byParent(ctx, in); err != nil {
			return out, err
		}
		out.By = in.Signed.By
	default:
		if err := in.Signed.CheckStart(in.WorkflowID, in.Model, in.Input); err != nil {
			return out, err
		}
		if _, err := a.Registry.RecordSigned(ctx, *in.Signed, in.RunID); err != nil {
			return out, err
		}
		out.By = in.Signed.By
	}
	var err error
	out.Trainer, err = a.trainer(ctx, in)
	return out, err
}

// byParent accepts the signature that started the training whose child the run is.
func (a *Approvals) byParent(ctx context.Context, in StartInput) error {
	ledger, err := a.Registry.Ledger(ctx)
	if err != nil {
		return err
	}
	started, found := ledger.StartOf(in.ParentID)
	if !found || started.Model != in.Model || string(started.Signature) != string(in.Signed.Signature) || string(started.Bytes()) != string(in.Signed.Bytes()) {
		return fault.New(fault.Refused, "the signature does not start this run, nor did it start the training that this run belongs to")
	}
	return nil
}

// trainer is whose signature started the training that made the version; empty where nobody signed.
func (a *Approvals) trainer(ctx context.Context, in StartInput) (string, error) {
	if in.Version == 0 {
		return "", nil
	}
	version, err := a.Registry.Version(ctx, in.Model, in.Version)
	if err != nil {
		return "", err
	}
	ledger, err := a.Registry.Ledger(ctx)
	if err != nil {
		return "", err
	}
	started, _ := ledger.StartOf(version.RunID)
	return started.By, nil
}
