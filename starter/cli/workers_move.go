package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/workers"
)

func (a *app) workersMoveCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "move RUN --to BUILD", Short: "Let a run go on on another build, when its own has no workers any more", Args: between(1, 1),
		Long: `move gives a run to another build, on which it ends. RUN is its workflow ID. Its history has to
replay there: a promoted build has shown that for the runs that were open then. Where it does not,
the run waits until it is moved once more, and loses nothing.`,
		Example: "  loanops workers move delivery-loan-eligibility --to 0a1b2c3d4e5f6071",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), func(cluster workers.Cluster) error {
				if err := move(c.Context(), cluster, args[0], to); err != nil {
					return err
				}
				moved := struct {
					Workflow string `json:"workflow_id"`
					Build    string `json:"build"`
				}{args[0], to}
				return a.print(moved, func() { fmt.Fprintf(a.out, "%s goes on on build %s\n", args[0], to) })
			})
		},
	}
	c.Flags().StringVar(&to, "to", "", "`build` on which it goes on")
	_ = c.MarkFlagRequired("to")
	return c
}

// move pins a run to another build.
func move(ctx context.Context, cluster workers.Cluster, run, to string) error {
	if _, err := known(ctx, cluster, to); err != nil {
		return err
	}
	_, err := cluster.Client.UpdateWorkflowExecutionOptions(ctx, client.UpdateWorkflowExecutionOptionsRequest{
		WorkflowId: run,
		WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{VersioningOverride: &client.VersioningOverrideChange{
			Value: &client.PinnedVersioningOverride{Version: workers.VersionOf(to)},
		}},
	})
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return fault.New(fault.NotFound, "no run %s goes on", run)
	}
	return fault.Wrap(fault.Unavailable, err, "moving %s to build %s", run, to)
}
