package cli

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/workflows"
)

func (a *app) rollbackCommand() *cobra.Command {
	var request shift.RollbackRequest
	c := &cobra.Command{
		Use: "rollback MODEL", Short: "Give all traffic back to the version before, at once, without Temporal or a worker", Args: between(1, 1),
		Example: "  loanops rollback loan-eligibility --reason \"complaints from the branches\"",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
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
			done, err := shift.Rollback(ctx, reg, contract.NewAgentClient(s.Agent, secret), request)
			if err != nil {
				return err
			}
			result := workflows.Result{
				Verdict: workflows.RolledBack, Model: workflows.ModelRef{Name: request.Model, Version: done.To, Digest: done.Digest},
				Reasons: []string{fmt.Sprintf("from version %d to %d: %s", done.From, done.To, request.Reason)},
			}
			// The rollback is what was asked for: it is done.
			return a.print(result, func() { fmt.Fprintf(a.out, "rolled back %s %s\n", request.Model, result.Reasons[0]) })
		},
	}
	c.Flags().IntVar(&request.Version, "version", 0, "the version to go back to (default: the alias previous)")
	c.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	request.Actor = actor()
	_ = c.MarkFlagRequired("reason")
	return c
}
