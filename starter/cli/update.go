package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

func (a *app) approveCommand() *cobra.Command {
	c := a.updateCommand(workflows.ApproveUpdate)
	c.Short = "Let a waiting delivery go on to production; RUN is a run ID, or a workflow ID for its newest run"
	c.Example = "  loanops approve delivery-loan-eligibility --reason \"reviewed the report of version 2\""
	return c
}

func (a *app) abortCommand() *cobra.Command {
	c := a.updateCommand(workflows.AbortUpdate)
	c.Short = "End a run, leaving production as it was; RUN is a run ID, or a workflow ID for its newest run"
	c.Example = "  loanops abort delivery-loan-eligibility --reason \"complaints from the branches\""
	return c
}

// updateCommand does what the Web UI's update of that name does.
func (a *app) updateCommand(name string) *cobra.Command {
	var decided workflows.Intervention
	c := &cobra.Command{
		Use: name + " RUN", Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if strings.TrimSpace(decided.Reason) == "" || strings.TrimSpace(decided.Actor) == "" {
				return fault.New(fault.Invalid, "--reason and --actor must say something: they are kept with the run")
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
