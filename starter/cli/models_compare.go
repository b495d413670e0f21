package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
)

func (a *app) modelsCompareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "compare MODEL A B", Short: "Show two versions side by side: metrics, settings, features, data, code and spec", Args: between(3, 3),
		Example: "  loanops models compare loan-eligibility @previous @champion\n  loanops models compare loan-eligibility 2 5 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			var versions [2]registry.ModelVersion
			for i := range versions {
				if versions[i], err = namedVersion(ctx, reg, args[0], args[i+1]); err != nil {
					return err
				}
			}
			store, err := objects(ctx, s)
			if err != nil {
				return err
			}
			compared, err := compareVersions(ctx, reg, store, versions[0], versions[1])
			if err != nil {
				return err
			}
			return a.print(compared, func() { a.describeComparison(compared) })
		},
	}
}

// comparison is two versions of a model side by side.
type comparison struct {
	Model string       `json:"model"`
	A     comparedSide `json:"a"`
	B     comparedSide `json:"b"`
	// SameRows is both measured on the same rows; the metrics of the sides are each on its own test part.
	SameRows activities.SameRows `json:"same_rows"`
	// Paired are the differences on these rows, row by row; where there are none, PairedReason says why.
	Paired          []pairedMetric       `json:"paired"`
	PairedOn        *pairedRows          `json:"paired_on,omitempty"`
	PairedReason    string               `json:"paired_reason,omitempty"`
	Hyperparameters []lineage.Difference `json:"hyperparameters"` // those that differ
	Features        []lineage.Difference `json:"features"`        // of the contracts of requests: what differs, by column
	Spec            []lineage.Difference `json:"spec"`            // what differs between the pipeline specs
	// Breaks say which requests that are good for A would not be for B.
	Breaks []string `json:"breaks"`
}

// comparedSide is what one version is made from.
type comparedSide struct {
	Version   int                        `json:"version"`
	Digest    string                     `json:"digest"`
	Metrics   map[string]evaluate.Metric `json:"metrics"`
	Dataset   string                     `json:"dataset"` // digest
	Rows      int64                      `json:"rows"`
	AsOf      string                     `json:"as_of"`
	Source    string                     `json:"source"`
	Schema    int                        `json:"schema"`
	Spec      string                     `json:"spec_digest"`
	Predictor string                     `json:"predictor"` // image; empty: the one that the worker's settings name
	Code      registry.Code              `json:"code"`
	CreatedAt string                     `json:"created_at"`
}

func sideOf(v registry.ModelVersion) comparedSide {
	return comparedSide{
		Version: v.Version, Digest: v.Digest, Metrics: v.Metrics, Dataset: v.Lineage.Dataset, Rows: v.Lineage.Rows, AsOf: v.Lineage.AsOf, Source: v.Lineage.Source,
		Schema: v.Lineage.Schema, Spec: v.Lineage.SpecDigest, Predictor: v.Predictor, Code: v.Lineage.Code, CreatedAt: v.CreatedAt.Format(timeLayout),
	}
}

func compareVersions(ctx context.Context, reg registry.Registry, store *artifact.Store, a, b registry.ModelVersion) (c comparison, err error) {
	c = comparison{Model: a.Name, A: sideOf(a), B: sideOf(b), Hyperparameters: lineage.Differences(a.Hyperparameters, b.Hyperparameters)}
	var contracts [2]request.Contract
	var features, specs [2][]byte
	for i, v := range []registry.ModelVersion{a, b} {
		bundle, err := store.Get(ctx, v.Bundle)
		if err != nil {
			return c, err
		}
		m, err := model.Decode(bundle, v.Bundle.SHA256)
		if err != nil {
			return c, err
		}
		contracts[i] = m.Contract
		if features[i], err = json.Marshal(m.Contract); err != nil {
			return c, fault.Wrap(fault.Internal, err, "encoding a contract")
		}
		registered, err := reg.PipelineAt(ctx, v.Name, v.Lineage.SpecDigest)
		if err != nil {
			return c, err
		}
		spec, err := registered.Spec()
		if err != nil {
			return c, err
		}
		if specs[i], err = json.Marshal(spec); err != nil {
			return c, fault.Wrap(fault.Internal, err, "encoding a spec")
		}
	}
	c.Features, c.Spec = lineage.Differences(features[0], features[1]), lineage.Differences(specs[0], specs[1])
	c.Breaks = append([]string{}, request.Words(request.Breaks(contracts[0], contracts[1]))...)
	c.SameRows, err = activities.OnSameRows(ctx, store, a, b)
	c.pair()
	return c, err
}

func (a *app) describeComparison(c comparison) {
	one, two := fmt.Sprintf("VERSION %d", c.A.Version), fmt.Sprintf("VERSION %d", c.B.Version)
	a.table([][]string{
		{c.Model, one, two},
		{"trained", c.A.CreatedAt, c.B.CreatedAt}, {"bundle", short(c.A.Digest), short(c.B.Digest)},
		{"dataset", short(c.A.Dataset), short(c.B.Dataset)}, {"rows", strconv.FormatInt(c.A.Rows, 10), strconv.FormatInt(c.B.Rows, 10)},
		{"as of", c.A.AsOf, c.B.AsOf}, {"schema", strconv.Itoa(c.A.Schema), strconv.Itoa(c.B.Schema)},
		{"spec", short(c.A.Spec), short(c.B.Spec)}, {"predictor", shownImage(c.A.Predictor), shownImage(c.B.Predictor)}, {"code", c.A.Code.String(), c.B.Code.String()},
	})
	a.metricsTable("each on its own test part", one, two, c.A.Metrics, c.B.Metrics)
	if len(c.SameRows.A) > 0 {
		a.metricsTable(fmt.Sprintf("both on %d rows of the test part of version %d", c.SameRows.Rows, c.SameRows.Of), one, two, c.SameRows.A, c.SameRows.B)
	}
	a.pairedTable(c, one, two)
	if c.SameRows.Note != "" && c.SameRows.Note != c.PairedReason {
		fmt.Fprintf(a.out, "\n%s\n", c.SameRows.Note)
	}
	a.differencesTable("HYPERPARAMETER", one, two, c.Hyperparameters)
	a.differencesTable("FEATURE", one, two, c.Features)
	a.differencesTable("SPEC", one, two, c.Spec)
	if len(c.Breaks) > 0 {
		fmt.Fprintf(a.out, "\nrequests that are good for version %d would be refused by version %d:\n", c.A.Version, c.B.Version)
		a.listReasons(c.Breaks)
	}
}

// shownImage is the beginning of an image's digest.
func shownImage(image string) string {
	if image == "" {
		return "the worker's"
	}
	_, digest, _ := strings.Cut(image, "@sha256:")
	return short(digest)
}

func short(digest string) string { return fmt.Sprintf("%.12s", digest) }

func (a *app) metricsTable(title, one, two string, first, second map[string]evaluate.Metric) {
	names := sortedKeys(first)
	for _, name := range sortedKeys(second) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	rows := [][]string{{"METRIC", one, "", two, ""}}
	for _, name := range names {
		row := []string{name}
		for _, of := range []map[string]evaluate.Metric{first, second} {
			if m, measured := of[name]; measured {
				row = append(row, figure(m.Estimate), interval(m))
			} else {
				row = append(row, "–", "")
			}
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(a.out, "\n%s\n", title)
	a.table(rows)
}

// differencesShown is how many differences a table shows; the JSON has all.
const differencesShown = 20

func (a *app) differencesTable(title, one, two string, differences []lineage.Difference) {
	if len(differences) == 0 {
		return
	}
	rows := [][]string{{title, one, two}}
	for _, d := range differences[:min(differencesShown, len(differences))] {
		rows = append(rows, []string{d.Path, fmt.Sprintf("%.30s", d.A), fmt.Sprintf("%.30s", d.B)})
	}
	fmt.Fprintln(a.out)
	a.table(rows)
	if more := len(differences) - differencesShown; more > 0 {
		fmt.Fprintf(a.out, "and %d more, see --output json\n", more)
	}
}
