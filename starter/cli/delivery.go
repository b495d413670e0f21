package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/workflows"
)

func (a *app) deliverCommand() *cobra.Command {
	var input workflows.DeliveryInput
	var by signer
	var wait bool
	c := &cobra.Command{
		Use: "start MODEL", Short: "Bring a registered version to production through staging and a canary", Args: between(1, 1),
		Example: "  loanops cd start loan-eligibility --wait\n  loanops cd start loan-eligibility --version 2 --drill errors=5% --wait",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			input.Model = args[0]
			if _, err := drill.Parse(input.Drill); err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			if input.Version != 0 {
				if _, err := reg.Version(ctx, input.Model, input.Version); err != nil {
					return err
				}
			}
			if err := by.resolve(); err != nil {
				return err
			}
			if by.signs() {
				input.Actor = by.name
				if input.Signed, err = by.start(workflows.DeliveryID(input.Model), input.Model, input.Digest()); err != nil {
					return err
				}
			}
			summary := fmt.Sprintf("deliver %s version %d", input.Model, input.Version)
			_, err = a.startRun(ctx, s, workflows.DeliveryID(input.Model), workflows.ContinuousDeliveryName, summary, input, wait)
			return err
		},
	}
	c.Flags().IntVar(&input.Version, "version", 0, "the version to deliver (default: the newest)")
	c.Flags().StringVar(&input.Policy, "policy", "", "`digest` of the policy, or how it begins (default: newest spec's)")
	c.Flags().BoolVar(&input.RequireApproval, "require-approval", false, "wait for the approve update before production")
	c.Flags().StringVar(&input.ApprovalExpires, "approval-expires", "", "how long to wait for it, such as 2h30m (default: 24h)")
	c.Flags().StringVar(&input.Drill, "drill", "", "`fault` of the challenger on a game day: delay=300ms,\ndelay=300ms@3%, crash_after=20, errors=5%, reject=5%,\nhang=10%, leak=8MiB or swap")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, with progress")
	by.flags(c)
	input.Actor = actor()
	return c
}
