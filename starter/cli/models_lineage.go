package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
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
			store, err := objects(ctx, s)
			if err != nil {
				return err
			}
			d, err := lineageOf(ctx, reg, store, v)
			if err != nil {
				return err
			}
			if page != "" {
				html, err := report.LineageHTML(d)
				if err != nil {
					return err
				}
				if err := os.WriteFile(page, html, 0o600); err != nil {
					return fault.Wrap(fault.Invalid, err, "--html")
				}
				a.say("wrote %s", page)
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

// lineageOf brings together what the registry and the store know of a version.
func lineageOf(ctx context.Context, reg registry.Registry, store *artifact.Store, v registry.ModelVersion) (lineage.Document, error) {
	d := lineage.Document{
		Model: v.Name, Version: v.Version, Digest: v.Digest, Meaning: v.Meaning, CreatedAt: v.CreatedAt, Bundle: v.Bundle, Algorithm: v.Algorithm,
		Hyperparameters: v.Hyperparameters, Metrics: v.Metrics, Code: v.Lineage.Code, Steps: v.Lineage.Steps, AsOf: v.Lineage.AsOf, Source: v.Lineage.Source,
		Artifacts: v.Artifacts, Spec: lineage.Spec{Digest: v.Lineage.SpecDigest}, Schema: lineage.Schema{Version: v.Lineage.Schema, Ref: v.Artifacts[artifact.Schema]},
		Parts: []lineage.Part{}, Deliveries: []lineage.Delivery{},
	}
	for _, gather := range []func(context.Context, registry.Registry, registry.ModelVersion, *lineage.Document) error{addRun, addSpec, addSchema, addDeliveries, addRecords} {
		if err := gather(ctx, reg, v, &d); err != nil {
			return d, err
		}
	}
	return d, addRows(ctx, store, v, &d)
}

func addRun(ctx context.Context, reg registry.Registry, v registry.ModelVersion, d *lineage.Document) error {
	run, err := reg.Run(ctx, v.RunID)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	d.Run = &run
	return err
}

func addSpec(ctx context.Context, reg registry.Registry, v registry.ModelVersion, d *lineage.Document) error {
	spec, err := reg.PipelineAt(ctx, v.Name, v.Lineage.SpecDigest)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	d.Spec.CreatedAt = spec.CreatedAt
	return err
}

func addSchema(ctx context.Context, reg registry.Registry, v registry.ModelVersion, d *lineage.Document) error {
	schemas, err := reg.SchemaVersions(ctx, v.Name)
	for _, s := range schemas {
		if s.Version == v.Lineage.Schema {
			d.Schema = lineage.Schema{Version: s.Version, Parent: s.Parent, Ref: s.Schema, Changes: s.Changes, Acceptances: s.Acceptances}
		}
	}
	return err
}

// addDeliveries finds the deliveries that were about the version, by what their results say.
func addDeliveries(ctx context.Context, reg registry.Registry, v registry.ModelVersion, d *lineage.Document) error {
	runs, err := reg.Runs(ctx, v.Name, math.MaxInt32)
	for _, run := range slices.Backward(runs) {
		var ended workflows.Result
		if run.Type != workflows.ContinuousDeliveryName || json.Unmarshal(run.Result, &ended) != nil || ended.Model.Version != v.Version {
			continue
		}
		d.Deliveries = append(d.Deliveries, lineage.Delivery{
			RunID: run.ID, Trigger: run.Trigger, StartedAt: run.StartedAt, EndedAt: run.EndedAt, Verdict: run.Verdict, Reasons: ended.Reasons,
		})
	}
	return err
}

func addRecords(ctx context.Context, reg registry.Registry, v registry.ModelVersion, d *lineage.Document) error {
	d.Records = []lineage.Served{}
	for _, environment := range []string{serving.Staging, serving.Production} {
		history, err := reg.ServingHistory(ctx, v.Name, environment)
		if err != nil {
			return err
		}
		d.Records = append(d.Records, lineage.Serving(history, v.Version)...)
	}
	return nil
}

// addRows reads the manifests of its datasets, and what they were read from.
func addRows(ctx context.Context, store *artifact.Store, v registry.ModelVersion, d *lineage.Document) error {
	for _, role := range []string{artifact.Dataset, artifact.Train, artifact.Validation, artifact.Test, artifact.Quarantine} {
		ref, made := v.Artifacts[role]
		if !made {
			continue
		}
		data, err := store.Get(ctx, ref)
		if err != nil {
			return err
		}
		m, err := dataset.DecodeManifest(data)
		if err != nil {
			return err
		}
		part := lineage.Part{Role: role, Manifest: ref, Rows: m.Rows, Columns: len(m.Columns), Files: []lineage.File{}}
		for _, p := range m.Parts {
			part.Files = append(part.Files, lineage.File{URI: store.At(p.SHA256, p.Bytes, "", "parquet").URI, SHA256: p.SHA256, Bytes: p.Bytes})
		}
		if role == artifact.Dataset {
			d.Dataset = part
		} else {
			d.Parts = append(d.Parts, part)
		}
	}
	if ref, kept := v.Artifacts[artifact.Sources]; kept {
		data, err := store.Get(ctx, ref)
		if err != nil {
			return err
		}
		return fault.Wrap(fault.Internal, json.Unmarshal(data, &d.Sources), "reading %s", ref.URI)
	}
	return nil
}

func (a *app) describeLineage(d lineage.Document) {
	fmt.Fprintf(a.out, "%s version %d, registered %s\n", d.Model, d.Version, d.CreatedAt.Format(timeLayout))
	rows := [][]string{
		{"bundle", d.Digest}, {"spec", d.Spec.Digest}, {"schema", fmt.Sprintf("version %d", d.Schema.Version)},
		{"code", strings.Join([]string{d.Code.String(), d.Code.Go}, " ")}, {"source", d.Source}, {"as of", d.AsOf},
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
