package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/pipeline"
)

func (a *app) pipelinesListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the registered pipelines", Args: between(0, 0),
		Example: "  loanops pipelines list",
		RunE: func(c *cobra.Command, _ []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			specs, err := reg.Pipelines(c.Context())
			if err != nil {
				return err
			}
			rows := [][]string{{"PIPELINE", "REGISTERED", "DIGEST"}}
			for _, s := range specs {
				rows = append(rows, []string{s.Name, s.CreatedAt.Format(timeLayout), s.Digest[:12]})
			}
			return a.print(specs, func() { a.table(rows) })
		},
	}
}

func (a *app) pipelinesValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate FILE", Short: "Check a spec file: every mistake with its line and column", Args: between(1, 1),
		Example: "  loanops pipelines validate pipelines/loan-eligibility.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := readSpec(args[0])
			if err != nil {
				return err
			}
			spec, err := pipeline.Parse(args[0], data)
			if err != nil {
				return err
			}
			return a.print(spec, func() { fmt.Fprintf(a.out, "%s is a valid spec of %s\n", args[0], spec.Name) })
		},
	}
}
