package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

func (a *app) approveCommand() *cobra.Command {
	var by signer
	c := a.updateCommand(workflows.ApproveUpdate, &by)
	c.Short = "Let a waiting delivery go on to production; RUN is a run ID, or a workflow ID for its newest run"
	c.Long = c.Short + `.

With --as it signs the run, the version and the policy. Where deploy.approval is second_person
nothing else counts: the signature of another person than who started it, or of two where nobody
signed the start.`
	c.Example = "  loanops approve delivery-loan-eligibility --reason \"reviewed the report of version 2\"\n" +
		"  loanops approve delivery-loan-eligibility --reason \"reviewed the report of version 2\" --as grace"
	by.flags(c)
	return c
}

func (a *app) abortCommand() *cobra.Command {
	c := a.updateCommand(workflows.AbortUpdate, &signer{})
	c.Short = "End a run, leaving production as it was; RUN is a run ID, or a workflow ID for its newest run"
	c.Example = "  loanops abort delivery-loan-eligibility --reason \"complaints from the branches\""
	return c
}

// updateCommand does what the Web UI's update of that name does; an approval may be signed.
func (a *app) updateCommand(name string, by *signer) *cobra.Command {
	var decided workflows.Intervention
	c := &cobra.Command{
		Use: name + " RUN", Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if name == workflows.ApproveUpdate {
				if err := by.resolve(); err != nil {
					return err
				}
			}
			if by.signs() {
				if c.Flags().Changed("actor") && decided.Actor != by.name {
					return fault.New(fault.Invalid, "--actor %s and a signature as %s; leave --actor out", decided.Actor, by.name)
				}
				decided.Actor = by.name
			}
			if err := checkRecorded(decided.Reason, decided.Actor, "run"); err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			run, err := reg.Run(ctx, args[0])
			if err != nil {
				return err
			}
			if args[0] != run.ID {
				run.ID = "" // whichever runs now: one that has just begun may not be recorded yet
			}
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			if by.signs() {
				if decided.Signed, err = a.signApproval(ctx, reg, temporal, run, by, decided.Reason); err != nil {
					return err
				}
			}
			runID, answer, err := update(ctx, temporal, run, name, decided)
			if err != nil {
				return err
			}
			done := map[string]string{"workflow_id": run.WorkflowID, "run_id": runID, "answer": answer}
			return a.print(done, func() { fmt.Fprintf(a.out, "%s: %s\n", run.WorkflowID, answer) })
		},
	}
	c.Flags().StringVar(&decided.Reason, "reason", "", "why, for the record")
	c.Flags().StringVar(&decided.Actor, "actor", actor(), "who decides, for the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

// signApproval signs what the waiting run says that it delivers, once the registry says the same of the version: nobody signs another one because
// whoever answers for the run says so.
func (a *app) signApproval(ctx context.Context, reg registry.Registry, c client.Client, run registry.Run, by *signer, reason string) (*approval.Signed, error) {
	answer, err := c.QueryWorkflow(ctx, run.WorkflowID, run.ID, workflows.ProgressQuery)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "asking %s where it is", run.WorkflowID)
	}
	var progress workflows.Progress
	if err := answer.Get(&progress); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "asking %s where it is", run.WorkflowID)
	}
	if !progress.WaitingForApproval || progress.Approval == nil {
		return nil, fault.New(fault.Refused, "%s does not take approve: it does not wait for approval now", run.WorkflowID)
	}
	subject := progress.Approval.Subject
	version, err := reg.Version(ctx, subject.Model, subject.Version)
	if err != nil {
		return nil, err
	}
	if subject.Model != run.Pipeline || subject.WorkflowID != run.WorkflowID || run.ID != "" && subject.RunID != run.ID || subject.Digest != version.Digest {
		return nil, fault.New(fault.Refused, "%s says that it delivers %s version %d of digest %.12s, which is not what the registry says: nothing was signed",
			run.WorkflowID, subject.Model, subject.Version, subject.Digest)
	}
	if _, err := reg.Policy(ctx, subject.Model, subject.Policy); err != nil {
		return nil, err
	}
	a.say("signing as %s: %s version %d (digest %.12s) under policy %.12s, run %s", by.name, subject.Model, subject.Version, subject.Digest, subject.Policy, subject.RunID)
	return by.sign(approval.Statement{Kind: approval.Approve, Reason: reason, Subject: subject})
}

// update sends a person's decision to the run, without an ID to the workflow's newest, and returns which run that was and its answer. A
// run that does not take it now, or that has ended, is fault.Refused.
func update(ctx context.Context, c client.Client, run registry.Run, name string, decided workflows.Intervention) (runID, answer string, err error) {
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: run.WorkflowID, RunID: run.ID, UpdateName: name, Args: []any{decided}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	var rejected *temporal.ApplicationError
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &rejected):
		return "", "", fault.New(fault.Refused, "%s does not take %s: %s", run.WorkflowID, name, rejected.Message())
	case errors.As(err, &gone):
		return "", "", fault.New(fault.Refused, "%s does not take %s: the run has ended", run.WorkflowID, name)
	case err == nil:
		runID = handle.RunID()
	}
	return runID, answer, fault.Wrap(fault.Unavailable, err, "sending %s to %s", name, run.WorkflowID)
}
