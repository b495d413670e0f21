package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

const timeLayout = "2006-01-02 15:04:05"

// listedVersion is a version with the aliases that name it, in order.
type listedVersion struct {
	registry.ModelVersion
	Aliases []string `json:"aliases"`
}

func (a *app) modelsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [MODEL]", Short: "List versions, newest first", Args: between(0, 1),
		Example: "  loanops models list loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			versions, err := reg.Versions(c.Context(), name)
			if err != nil {
				return err
			}
			if name != "" && len(versions) == 0 {
				return fault.New(fault.NotFound, "there is no model %q", name)
			}
			listed, err := withAliases(c.Context(), reg, versions)
			if err != nil {
				return err
			}
			rows := [][]string{{"MODEL", "VERSION", "ALIASES", "AUC", "TRAINED", "DIGEST"}}
			for _, v := range listed {
				rows = append(rows, []string{
					v.Name, strconv.Itoa(v.Version), strings.Join(v.Aliases, ", "), fmt.Sprintf("%.4f", v.Metrics["auc"].Estimate),
					v.CreatedAt.Format(timeLayout), v.Digest[:12],
				})
			}
			return a.print(listed, func() { a.table(rows) })
		},
	}
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
			which := serving.ChampionAlias
			if len(args) > 1 {
				which = args[1]
			}
			version, err := strconv.Atoi(which)
			if err != nil {
				aliases, err := reg.Aliases(ctx, args[0])
				if err != nil {
					return err
				}
				if version = aliases[which]; version == 0 {
					return fault.New(fault.NotFound, "model %q has no %q", args[0], which)
				}
			}
			v, err := reg.Version(ctx, args[0], version)
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

func (a *app) modelsHistoryCommand() *cobra.Command {
	return &cobra.Command{
		Use: "history MODEL", Short: "Show every alias move, after verifying that nobody changed one", Args: between(1, 1),
		Example: "  loanops models history loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			history, err := reg.ServingHistory(c.Context(), args[0], serving.Production)
			if err != nil {
				return err
			}
			moves := serving.AliasMoves(history)
			if len(moves) == 0 {
				return fault.New(fault.NotFound, "no alias of model %q was ever moved", args[0])
			}
			rows := [][]string{{"SEQ", "GENERATION", "AT", "ALIAS", "FROM", "TO", "ACTOR", "REASON"}}
			for _, m := range moves {
				rows = append(rows, []string{
					strconv.Itoa(m.Seq), strconv.FormatInt(m.Generation, 10), m.At.Format(timeLayout), m.Alias, strconv.Itoa(m.From), strconv.Itoa(m.Version),
					m.Actor, m.Reason,
				})
			}
			return a.print(moves, func() {
				a.table(rows)
				a.verified(history)
			})
		},
	}
}
