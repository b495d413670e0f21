package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
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

func (a *app) pipelinesVersionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "versions PIPELINE", Short: "List what commits of a pipeline's repository were published as, newest first", Args: between(1, 1),
		Example: "  loanops pipelines versions small-loans",
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			versions, err := reg.PipelineVersions(c.Context(), args[0])
			if err != nil {
				return err
			}
			rows := [][]string{{"VERSION", "COMMIT", "PUBLISHED", "PACKAGE", "PREDICTOR"}}
			for _, v := range versions {
				rows = append(rows, []string{fmt.Sprint(v.Version), fmt.Sprintf("%.12s", v.Commit), v.CreatedAt.Format(timeLayout), v.Package, v.Predictor})
			}
			return a.print(versions, func() { a.table(rows) })
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

func (a *app) pipelinesRegisterCommand() *cobra.Command {
	return &cobra.Command{
		Use: "register FILE", Short: "Register a spec, with its schedules; train what it changes", Args: between(1, 1),
		Long: `register checks a spec, records it as the newest of its pipeline, and makes or changes the
schedules that it declares. Where a version serves, and a training makes another thing of the spec
than of the one before it, one training is started, unless it says training.on_change: nothing.`,
		Example: "  loanops pipelines register cards.yaml\n  loanops pipelines register cards.yaml --output json",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			spec, yaml, err := resolvedSpec(args[0])
			if err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			bring := func(ctx context.Context, spec pipeline.Spec) (string, map[string][]string, error) {
				return a.bringSpec(ctx, s, spec, "")
			}
			done, err := a.registrar(reg, temporal, bring).register(ctx, spec, registry.NewPipelineSpec(spec, yaml))
			if err != nil {
				return err
			}
			return a.print(done, func() { a.describeRegistration(done) })
		},
	}
}

func (a *app) describeRegistration(r registration) {
	what := "is registered"
	if !r.Changed {
		what = "stays as it is"
	}
	fmt.Fprintf(a.out, "the spec of %s %s, digest %.12s\n  %s\n", r.Pipeline, what, r.Digest, r.Reason)
	if r.Triggered != "" {
		fmt.Fprintf(a.out, "  a training is started, by %s\n", r.Triggered)
	}
}
