package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
)

const timeLayout = "2006-01-02 15:04:05"

// listedVersion is a version with the aliases that name it, in order.
type listedVersion struct {
	registry.ModelVersion
	Aliases []string `json:"aliases"`
}

func (a *app) modelsListCommand() *cobra.Command {
	var by ranking
	var page string
	c := &cobra.Command{
		Use: "list [MODEL]", Short: "List versions, newest first, or the best; or make one page of them", Args: between(0, 1),
		Example: "  loanops models list loan-eligibility\n  loanops models list loan-eligibility --top 3 --by brier --output json\n" +
			"  loanops models list loan-eligibility --html loan-eligibility.html",
		RunE: func(c *cobra.Command, args []string) error {
			ctx, name := c.Context(), strings.Join(args, "")
			if page != "" && name == "" {
				return fault.New(fault.Invalid, "--html is one page of one model: loanops models list MODEL --html FILE")
			}
			ranked := c.Flags().Changed("top") || c.Flags().Changed("by")
			if err := by.check(); ranked && err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			versions, err := reg.Versions(ctx, name)
			if err != nil {
				return err
			}
			listed, err := withAliases(ctx, reg, versions)
			if err != nil {
				return err
			}
			if ranked {
				listed = by.best(listed)
			}
			var runs []*registry.Run // of each; only a list that is ranked, and a page, tell of them
			if ranked || page != "" {
				if runs, err = registeringRuns(ctx, reg, listed); err != nil {
					return err
				}
			}
			if page != "" {
				known := report.Remembered{Model: name, Of: len(versions)}
				if ranked {
					known.RankedBy = by.metric
				}
				if err := a.pageOf(ctx, reg, s, known, listed, runs, page); err != nil {
					return err
				}
			}
			if name != "" && len(versions) == 0 {
				return noModel(name)
			}
			if ranked {
				return a.listBest(listed, runs, by.metric)
			}
			return a.print(listed, func() { a.table(rowsOf(listed)) })
		},
	}
	c.Flags().IntVar(&by.top, "top", 0, "only this many, the best first, with what made them (0: all)")
	c.Flags().StringVar(&by.metric, "by", "auc", "the `metric` that ranks them: "+strings.Join(evaluate.Names(), ", "))
	c.Flags().StringVar(&page, "html", "", "`file` for one page of all that is remembered of them")
	return c
}

func noModel(name string) error { return fault.New(fault.NotFound, "there is no model %q", name) }

func rowsOf(listed []listedVersion) [][]string {
	rows := [][]string{{"MODEL", "VERSION", "ALIASES", "AUC", "TRAINED", "DIGEST"}}
	for _, v := range listed {
		rows = append(rows, []string{
			v.Name, strconv.Itoa(v.Version), strings.Join(v.Aliases, ", "), fmt.Sprintf("%.4f", v.Metrics["auc"].Estimate),
			v.CreatedAt.Format(timeLayout), v.Digest[:12],
		})
	}
	return rows
}

// withAliases looks each model's aliases up once.
func withAliases(ctx context.Context, reg registry.Registry, versions []registry.ModelVersion) ([]listedVersion, error) {
	listed := make([]listedVersion, len(versions))
	models := map[string]map[string]int{}
	for i, v := range versions {
		if models[v.Name] == nil {
			aliases, err := reg.Aliases(ctx, v.Name)
			if err != nil {
				return nil, err
			}
			models[v.Name] = aliases
		}
		others := func(alias string) bool { return models[v.Name][alias] != v.Version }
		listed[i] = listedVersion{v, slices.DeleteFunc(sortedKeys(models[v.Name]), others)}
	}
	return listed, nil
}

func (a *app) modelsShowCommand() *cobra.Command {
	var save string
	c := &cobra.Command{
		Use: "show MODEL [VERSION|ALIAS]", Short: "Show one version (default: champion)", Args: between(1, 2),
		Example: "  loanops models show loan-eligibility champion\n  loanops models show loan-eligibility 2 --save reports",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			v, err := namedVersion(ctx, reg, args[0], strings.Join(args[1:], ""))
			if err != nil {
				return err
			}
			if save != "" {
				if err := a.save(ctx, s, v.Artifacts, save); err != nil {
					return err
				}
			}
			return a.print(v, func() { a.describe(v) })
		},
	}
	c.Flags().StringVar(&save, "save", "", "`folder` to save the version's reports, data and bundle to")
	return c
}

func (a *app) describe(v registry.ModelVersion) {
	fmt.Fprintf(a.out, "%s version %d, %s, trained %s\ndigest %s\ndata   %s, %d rows, %s\n\n", v.Name, v.Version, v.Algorithm, v.CreatedAt.Format(timeLayout), v.Digest, v.Lineage.Dataset[:12], v.Lineage.Rows, v.Lineage.Source)
	rows := [][]string{{"METRIC", "ESTIMATE", "95 % INTERVAL"}}
	for _, name := range sortedKeys(v.Metrics) {
		m := v.Metrics[name]
		rows = append(rows, []string{name, fmt.Sprintf("%.4f", m.Estimate), fmt.Sprintf("%.4f to %.4f", m.Lower, m.Upper)})
	}
	a.table(rows)
	fmt.Fprintln(a.out)
	a.listArtifacts(v.Artifacts)
}
