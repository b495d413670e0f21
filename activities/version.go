package activities

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
)

// VersionInput names a version: by its number, or by an alias such as @previous.
type VersionInput struct {
	Model   string `json:"model"`
	Version string `json:"version"`
}

// VersionOutput is the version, and the schema that it was trained under: under that rows are read as it reads them.
type VersionOutput struct {
	Version       int          `json:"version"`
	Digest        string       `json:"digest"`
	Bundle        artifact.Ref `json:"bundle"`
	Schema        artifact.Ref `json:"schema"`
	SchemaVersion int          `json:"schema_version"`
	// Views are the versions of views, view@version, that columns of the schema are features of.
	Views []string `json:"views,omitempty"`
}

// Summary is the number, and the schema's.
func (o VersionOutput) Summary() string {
	return fmt.Sprintf("version %d, schema version %d", o.Version, o.SchemaVersion)
}

// Find returns a version that somebody named.
func (m *Models) Find(ctx context.Context, in VersionInput) (VersionOutput, error) {
	number, err := strconv.Atoi(in.Version)
	if alias, named := strings.CutPrefix(in.Version, "@"); named {
		aliases, err := m.Registry.Aliases(ctx, in.Model)
		if err != nil {
			return VersionOutput{}, err
		}
		if number = aliases[alias]; number == 0 {
			return VersionOutput{}, fault.New(fault.NotFound, "model %q has no %s", in.Model, in.Version)
		}
	} else if err != nil {
		return VersionOutput{}, fault.New(fault.Invalid, "version is %q; a number, @champion, @previous or @challenger is wanted", in.Version)
	}
	v, err := m.Registry.Version(ctx, in.Model, number)
	if err != nil {
		return VersionOutput{}, err
	}
	schema, kept := v.Artifacts[artifact.Schema]
	if !kept {
		return VersionOutput{}, fault.New(fault.Invalid, "version %d of %s has no schema among its artifacts: new data cannot be read as it reads them", number, in.Model)
	}
	spec, err := getSchema(ctx, m.Objects, schema)
	return VersionOutput{Version: v.Version, Digest: v.Digest, Bundle: v.Bundle, Schema: schema, SchemaVersion: v.Lineage.Schema, Views: ViewsOf(spec.Looked())}, err
}

// EvaluateVersionInput is a version, and rows that were extracted under its schema.
type EvaluateVersionInput struct {
	Model   string       `json:"model"`
	Version int          `json:"version"`
	Schema  artifact.Ref `json:"schema"`
	Bundle  artifact.Ref `json:"bundle"`
	Dataset artifact.Ref `json:"dataset"`
	Source  string       `json:"source"`
	AsOf    string       `json:"as_of"`
	KnownAt string       `json:"known_at"`
	// LeftOut are the rows that extraction has left out.
	LeftOut evaluate.LeftOut `json:"left_out"`
}

// EvaluateVersionOutput is what was measured.
type EvaluateVersionOutput struct {
	Rows     int                        `json:"rows"`
	Positive int                        `json:"positive"`
	Metrics  map[string]evaluate.Metric `json:"metrics"`
	LeftOut  evaluate.LeftOut           `json:"left_out"`
	// Refused says why nothing was measured; empty otherwise.
	Refused string       `json:"refused,omitempty"`
	JSON    artifact.Ref `json:"json"`
	HTML    artifact.Ref `json:"html"` // of what was measured
	Reused
}

// Summary is the area under the ROC curve, or why there is none.
func (o EvaluateVersionOutput) Summary() string {
	if o.Refused != "" {
		return o.Refused + o.mark()
	}
	auc := o.Metrics["auc"]
	return fmt.Sprintf("AUC %.4f (95 %% interval %.4f to %.4f) on %d rows%s", auc.Estimate, auc.Lower, auc.Upper, o.Rows, o.mark())
}

// Artifacts are the evaluation for programs, and for people where something was measured.
func (o EvaluateVersionOutput) Artifacts() map[string]artifact.Ref {
	made := map[string]artifact.Ref{artifact.Evaluation: o.JSON}
	if o.HTML.SHA256 != "" {
		made[artifact.EvaluationHTML] = o.HTML
	}
	return made
}

// EvaluateVersion measures a version on all rows of a dataset whose outcome is known and mature.
func (e *Evaluation) EvaluateVersion(ctx context.Context, in EvaluateVersionInput) (EvaluateVersionOutput, error) {
	return cached(ctx, e.Cache, EvaluateVersion, in, e.evaluateVersion)
}

func (e *Evaluation) evaluateVersion(ctx context.Context, in EvaluateVersionInput) (out EvaluateVersionOutput, err error) {
	spec, err := getSchema(ctx, e.Cache.Objects, in.Schema)
	if err != nil {
		return out, err
	}
	rows, err := ReadTable(ctx, e.Cache.Objects, in.Dataset)
	if err != nil {
		return out, err
	}
	m, err := getModel(ctx, e.Cache.Objects, in.Bundle)
	if err != nil {
		return out, err
	}
	on := evaluate.OnData{
		Model: in.Model, Version: in.Version, Digest: in.Bundle.SHA256, Source: in.Source, Dataset: in.Dataset.SHA256, AsOf: in.AsOf, KnownAt: in.KnownAt, LeftOut: in.LeftOut,
	}
	if rows, err = final(spec, rows, in.KnownAt, &on.LeftOut); err != nil {
		return out, err
	}
	on.Evaluation, err = scored(spec, m, rows, &on.LeftOut)
	if fault.CodeOf(err) == fault.Refused {
		on.Refused, err = err.Error(), nil
	}
	if err != nil {
		return out, err
	}
	out = EvaluateVersionOutput{Rows: on.Rows, Positive: on.Positive, Metrics: on.Metrics, LeftOut: on.LeftOut, Refused: on.Refused}
	if out.Metrics == nil {
		out.Metrics = map[string]evaluate.Metric{} // in JSON as well none is {}
	}
	if out.JSON, err = putJSON(ctx, e.Cache.Objects, on); err != nil || on.Refused != "" {
		return out, err
	}
	page, err := e.OnDataPage(on, m)
	if err != nil {
		return out, err
	}
	out.HTML, err = e.Cache.Objects.Put(ctx, page, htmlType, "html")
	return out, err
}

// final are the rows whose outcome is known and mature. The others are counted.
func final(spec pipeline.Spec, rows dataset.Table, knownAt string, leftOut *evaluate.LeftOut) (dataset.Table, error) {
	at, err := day("known_at", knownAt)
	if err != nil {
		return rows, err
	}
	known, err := dataset.Label(spec, rows, time.Time{})
	if err != nil {
		return rows, err
	}
	mature, err := dataset.Label(spec, rows, at)
	if err != nil {
		return rows, err
	}
	var places []int
	for i := range known {
		switch {
		case math.IsNaN(known[i]):
			leftOut.Unlabelled++
		case math.IsNaN(mature[i]):
			leftOut.Immature++
		default:
			places = append(places, i)
		}
	}
	return rows.Select(places), nil
}

// scored measures the rows, those that the model takes where it does not take all of them. No rows, or those of one class, are fault.Refused.
func scored(spec pipeline.Spec, m *model.Model, rows dataset.Table, leftOut *evaluate.LeftOut) (evaluate.Evaluation, error) {
	seen, err := measured(spec, m, rows)
	if fault.CodeOf(err) != fault.Invalid {
		return seen, err
	}
	places, err := scoring.Admitted(rows, m.Contract)
	if err != nil {
		return seen, err
	}
	leftOut.Unscored = int64(rows.Rows() - len(places))
	return measured(spec, m, rows.Select(places))
}
