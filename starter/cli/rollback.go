package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) rollbackCommand() *cobra.Command {
	var request shift.Request
	var wanted shift.Wanted
	var wait bool
	c := &cobra.Command{
		Use: "rollback MODEL", Short: "Give all traffic back to an earlier champion, at once, without Temporal or a worker", Args: between(1, 1),
		Long: `rollback records an earlier champion as champion and gives it all traffic, within seconds. During a
canary it ends the canary. While Temporal answers, Terraform is then made to follow.

Repeating it completes a rollback that was interrupted, and changes nothing else; going further back
needs --version.`,
		Example: "  loanops rollback loan-eligibility --reason \"complaints from the branches\"\n  loanops rollback loan-eligibility --version 1 --reason \"known good\" --wait",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if err := checkRecorded(request.Reason, request.Actor, "record"); err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			secret, err := token(s.RollbackTokenFile)
			if err != nil {
				return err
			}
			request.Model, request.Operation = args[0], "rollback-"+uuid.NewString()
			request.Writer = request.Actor // a person is the writer
			done, failed := a.rollBack(ctx, reg, contract.NewAgentClient(s.Agent, secret), &request, wanted)
			if done.Record.Generation == 0 {
				return failed
			}
			// What is recorded is followed, also where this command could not move the traffic.
			notFollowed := a.adopt(ctx, s, request, done.Record.Generation, wait && failed == nil)
			if failed != nil {
				return failed
			}
			result := workflows.Result{
				Verdict: workflows.RolledBack, Model: workflows.ModelRef{Name: request.Model, Version: done.To, Digest: request.Target.Digest},
				Reasons: []string{done.String()}, Artifacts: map[string]artifact.Ref{},
			}
			// The rollback is what was asked for: it is done, whatever becomes of Terraform.
			err = a.print(result, func() { fmt.Fprintf(a.out, "rolled back %s %s\n", request.Model, result.Reasons[0]) })
			return cmp.Or(notFollowed, err)
		},
	}
	c.Flags().IntVar(&wanted.Version, "version", 0, "the version to go back to (default: the previous; in a canary the champion)")
	c.Flags().StringVar(&wanted.Policy, "policy", "", "the policy to go back to, by its digest or how that begins")
	c.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	c.Flags().BoolVar(&wait, "wait", false, "wait until Terraform follows as well")
	c.Flags().StringVar(&request.Actor, "actor", actor(), "who rolls back, for the record")
	_ = c.MarkFlagRequired("reason")
	return c
}

// How long a rollback is tried, and how long it pauses between two tries.
const (
	rollbackLimit = 30 * time.Second
	rollbackPause = 500 * time.Millisecond
)

// rollBack repeats the rollback until traffic follows, for rollbackLimit at most. Its target is chosen once, see shift.Choose. What another
// try cannot mend ends it at once.
func (a *app) rollBack(ctx context.Context, reg shift.Registry, agent shift.Agent, request *shift.Request, wanted shift.Wanted) (shift.Result, error) {
	limited, cancel := context.WithTimeout(ctx, rollbackLimit)
	defer cancel()
	chosen := false
	try := func() (done shift.Result, err error) {
		if !chosen {
			if request.Target, err = shift.Choose(limited, reg, agent, request.Model, wanted); err != nil {
				return done, err
			}
			chosen = true
		}
		return shift.RollBack(limited, reg, agent, *request)
	}
	var last error
	var recorded shift.Result
	for {
		done, err := try()
		if err == nil || fault.Permanent(fault.CodeOf(err)) {
			return done, err
		}
		if done.Record.Generation > 0 {
			recorded = done
		}
		if limited.Err() == nil {
			if last == nil {
				a.say("not yet, trying again for %s: %v", rollbackLimit, err)
			}
			last = err
		}
		select {
		case <-limited.Done():
			return recorded, cmp.Or(last, err)
		case <-time.After(rollbackPause):
		}
	}
}

// adopt starts the workflow that makes Terraform follow the rollback. Without Temporal the next worker that starts does it.
func (a *app) adopt(ctx context.Context, s settings.Settings, request shift.Request, generation int64, wait bool) error {
	started, cancel := context.WithTimeout(ctx, adoptLimit)
	defer cancel()
	server, err := dial(started, s)
	if err == nil {
		defer server.Close()
		var run client.WorkflowRun
		run, err = server.ExecuteWorkflow(started, client.StartWorkflowOptions{
			ID: workflows.RollbackID(request.Model), TaskQueue: workflows.TaskQueue, StaticSummary: "let Terraform follow the rollback of " + request.Model,
			// One that runs may be ending; the new one follows the newest rollback, whichever it was started for.
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
		}, workflows.RollbackName, workflows.RollbackInput{Model: request.Model, Actor: request.Actor, Reason: request.Reason, Adopt: generation})
		if err == nil && wait {
			return a.followed(ctx, server, run)
		}
	}
	if err != nil {
		a.say("production follows the rollback in Terraform when the next worker starts, since Temporal does not answer: %v", err)
	}
	return nil
}

// followed waits until production follows the rollback. A run that another rollback ended is followed by that one's, which follows both.
func (a *app) followed(ctx context.Context, server client.Client, run client.WorkflowRun) error {
	for {
		_, err := a.wait(ctx, server, run)
		var ended *temporal.TerminatedError
		if !errors.As(err, &ended) {
			return err
		}
		next := server.GetWorkflow(ctx, run.GetID(), "")
		if next.GetRunID() == run.GetRunID() {
			return fault.Wrap(fault.Internal, err, "somebody ended %s, so that Terraform does not follow: repeat the rollback", run.GetID())
		}
		a.say("another rollback was recorded meanwhile; its run follows both")
		run = next
	}
}

// adoptLimit bounds how long the command waits for a Temporal that may be away.
const adoptLimit = 5 * time.Second
