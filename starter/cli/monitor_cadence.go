package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) monitorCadenceCommand() *cobra.Command {
	var input workflows.CadenceInput
	var page string
	var wait bool
	c := &cobra.Command{
		Use: "cadence PIPELINE", Short: "Find how often to train: performance against the age of models", Args: between(1, 1),
		Long: `Measures the registered versions, and models that are trained now on the rows up to days of the
past, on the vintages after them, and says how much performance waiting costs. It changes nothing.

Exit codes: 0 a period is found, 3 not enough data.`,
		Example: "  loanops monitor cadence loan-eligibility\n  loanops monitor cadence loan-eligibility --tolerance 0.02 --html cadence.html",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if err := pipeline.CheckDay("--as-of", input.AsOf); err != nil {
				return err
			}
			input.Pipeline = args[0]
			switch {
			case !(input.Tolerance > 0 && input.Tolerance < 1):
				return fault.New(fault.Invalid, "--tolerance is %v; give how much AUC may be lost, above 0 and below 1, such as 0.01", input.Tolerance)
			case page != "" && !wait:
				return fault.New(fault.Invalid, "--html needs the end of the run: leave out --wait=false")
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			if input.Data, input.Uploads, err = a.bring(ctx, s, reg, input.Pipeline, input.Data, input.AsOf); err != nil {
				return err
			}
			run, ended := a.startRun(ctx, s, workflows.CadenceID(input.Pipeline), workflows.CadenceName, "how often to train "+input.Pipeline, input, wait)
			if run == "" || page == "" {
				return ended
			}
			if err := a.saveCadence(ctx, reg, s, run, page); err != nil && ended == nil {
				return err
			}
			return ended
		},
	}
	c.Flags().Float64Var(&input.Tolerance, "tolerance", performance.DefaultTolerance, "how much `AUC` may be lost by waiting")
	c.Flags().StringVar(&page, "html", "", "`file` to write the page to")
	c.Flags().StringVar(&input.Data, "data", "", "`uri` of rows of the past in place of the source's: files or s3://bucket/key")
	c.Flags().StringVar(&input.AsOf, "as-of", "", "take what was known on that `day`, such as 2026-03-31")
	c.Flags().BoolVar(&wait, "wait", true, "wait for the end, with progress")
	return c
}

// saveCadence writes the page that a run has made.
func (a *app) saveCadence(ctx context.Context, reg registry.Registry, s settings.Settings, run, file string) error {
	made, err := reg.RunArtifacts(ctx, run)
	if err != nil {
		return err
	}
	ref, there := made[artifact.CadenceHTML]
	if !there {
		return fault.New(fault.NotFound, "run %s has made no page", run)
	}
	store, err := objects(ctx, s)
	if err != nil {
		return err
	}
	data, err := store.Get(ctx, ref)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fault.Wrap(fault.Invalid, err, "--html")
	}
	a.say("saved %s", file)
	return nil
}

// period prints how often to train, and what waiting costs.
func (a *app) period(p *workflows.Period) {
	if p == nil || p.LossPerMonth == nil {
		return
	}
	often := ""
	if p.AtLeast {
		often = " or less often"
	}
	fmt.Fprintf(a.out, "\ntrain every %.0f days%s, so that at most %g of AUC is lost (%d models, %d vintages of them)\n", p.RecommendedDays, often, p.Tolerance, p.Models, p.Points)
	if p.ExceededDays != nil {
		fmt.Fprintf(a.out, "from %.0f days on more is lost, with 97.5 %% confidence\n", *p.ExceededDays)
	}
	rows := [][]string{{"DAYS WITHOUT TRAINING", "AUC LOST", "95 % INTERVAL"}}
	for _, w := range p.Waiting {
		rows = append(rows, []string{fmt.Sprintf("%.0f", w.Days), fmt.Sprintf("%+.4f", w.Estimate), fmt.Sprintf("%+.4f to %+.4f", w.Lower, w.Upper)})
	}
	a.table(rows)
}
