package cli

import (
	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
)

func (a *app) dataCheckCommand() *cobra.Command {
	var spec, save string
	c := &cobra.Command{
		Use: "check [FILE]", Short: "See what is in data and what is wrong with them, without a platform", Args: between(0, 1),
		Example: "  loanops data check cards.csv --pipeline cards.yaml\n  loanops data check cards.csv --pipeline cards.yaml --save reports --output json",
		RunE: func(c *cobra.Command, args []string) error {
			if spec == "" {
				return fault.New(fault.Invalid, "which pipeline? give --pipeline SPECFILE")
			}
			return a.runWorker(c, append([]string{"check", "--pipeline", spec, "--save", save, "--output", a.output}, args...)...)
		},
	}
	c.Flags().StringVar(&spec, "pipeline", "", "spec `file` that says how to read and clean")
	c.Flags().StringVar(&save, "save", "", "`folder` for dataset, quarantine and reports")
	return c
}
