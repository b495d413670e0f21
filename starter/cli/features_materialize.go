package cli

import (
	"github.com/spf13/cobra"

	"github.com/loanops/loanops/workflows"
)

func (a *app) featuresMaterializeCommand() *cobra.Command {
	var input workflows.MaterializeInput
	var wait bool
	c := &cobra.Command{
		Use: "materialize VIEW", Short: "Bring a view up to its sources, in both stores", Args: between(1, 1),
		Long: `Computes what is new of a view's rows (VIEW, or VIEW@N for one of its versions) in the offline
store, and writes what that changes into the online store, where decisions read it. What is there
already is not computed again, and with --anew, for where rows of the online store are lost or
wrong, it is written again.

Exit codes: 0 written, or nothing is new; 3 the feed breaks its rules and is not taken.`,
		Example: "  loanops features materialize payments\n  loanops features materialize payments@2 --wait=false --output json\n  loanops features materialize payments --anew",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			input.View = args[0]
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			_, ended := a.startRun(ctx, s, workflows.MaterializeID(input.View), workflows.MaterializeName, "materialize "+input.View, input, wait)
			return ended
		},
	}
	c.Flags().BoolVar(&input.Anew, "anew", false, "write all of the online store again; meanwhile it answers as before")
	c.Flags().BoolVar(&wait, "wait", true, "wait for the end, with progress")
	return c
}
