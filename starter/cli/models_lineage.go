package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

func (a *app) modelsLineageCommand() *cobra.Command {
	var page string
	c := &cobra.Command{
		Use: "lineage MODEL [VERSION|ALIAS]", Short: "Show from which rows and files a version was made, and where it served", Args: between(1, 2),
		Example: "  loanops models lineage loan-eligibility 2 --html lineage.html\n  loanops models lineage loan-eligibility @previous --output json",
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
			run, err := registeredBy(ctx, reg, v)
			if err != nil {
				return err
			}
			m, err := memoryOf(ctx, reg, s, v.Name)
			if err != nil {
				return err
			}
			d, err := m.lineage(ctx, v, run)
			if err != nil {
				return err
			}
			if page != "" {
				html, err := report.LineageHTML(d)
				if err := a.writePage(page, html, err); err != nil {
					return err
				}
			}
			return a.print(d, func() { a.describeLineage(d) })
		},
	}
	c.Flags().StringVar(&page, "html", "", "`file` for a page of it")
	return c
}

// namedVersion is a version by its number or by an alias, with or without the @ before it; the champion where nothing is named.
func namedVersion(ctx context.Context, reg registry.Registry, model, which string) (registry.ModelVersion, error) {
	if which == "" {
		which = serving.ChampionAlias
	}
	number, err := strconv.Atoi(which)
	if err != nil {
		aliases, err := reg.Aliases(ctx, model)
		if err != nil {
			return registry.ModelVersion{}, err
		}
		alias := strings.TrimPrefix(which, "@")
		if number = aliases[alias]; number == 0 {
			return registry.ModelVersion{}, fault.New(fault.NotFound, "model %q has no %q", model, alias)
		}
	}
	return reg.Version(ctx, model, number)
}

func (a *app) describeLineage(d lineage.Document) {
	fmt.Fprintf(a.out, "%s version %d, registered %s\n", d.Model, d.Version, d.CreatedAt.Format(timeLayout))
	rows := [][]string{
		{"bundle", d.Digest}, {"spec", d.Spec.Digest}, {"schema", fmt.Sprintf("version %d", d.Schema.Version)},
		{"code", strings.Join([]string{d.Code.String(), d.Code.Go}, " ")}, {"source", d.Source}, {"as of", d.AsOf},
	}
	if d.PipelineVersion > 0 {
		rows = append(rows, []string{"pipeline version", strconv.Itoa(d.PipelineVersion)}, []string{"predictor", d.Predictor})
	}
	if d.Run != nil {
		rows = append(rows, []string{"run", d.Run.WorkflowID + "/" + d.Run.ID})
	}
	a.table(rows)
	rows = [][]string{{"PART", "ROWS", "FILES", "SHA-256"}}
	if d.Sources != nil {
		for _, r := range d.Sources.Relations {
			for _, f := range r.Files {
				rows = append(rows, []string{"raw " + r.Name, "", "1", f.SHA256})
			}
		}
	}
	for _, v := range d.Views {
		rows = append(rows, []string{"view " + v.ID(), "", "", v.Manifest})
	}
	for _, p := range append([]lineage.Part{d.Dataset}, d.Parts...) {
		rows = append(rows, []string{p.Role, strconv.FormatInt(p.Rows, 10), strconv.Itoa(len(p.Files)), p.Manifest.SHA256})
	}
	fmt.Fprintln(a.out)
	a.table(rows)
	if len(d.Deliveries)+len(d.Records) == 0 {
		fmt.Fprintln(a.out, "\nit was never delivered")
	}
	for _, of := range d.Deliveries {
		fmt.Fprintf(a.out, "\ndelivery %s of %s: %s\n", of.RunID, of.StartedAt.Format(timeLayout), of.Verdict)
		a.listReasons(of.Reasons)
	}
	if len(d.Records) == 0 {
		return
	}
	rows = [][]string{{"ENVIRONMENT", "GENERATION", "AT", "CHANGE", "IT IS", "ACTOR", "REASON"}}
	for _, r := range d.Records {
		rows = append(rows, []string{r.Environment, strconv.FormatInt(r.Generation, 10), r.At.Format(timeLayout), string(r.Change), strings.Join(r.As, ", "), r.Actor, r.Reason})
	}
	fmt.Fprintln(a.out)
	a.table(rows)
}
