package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

// CadenceInput asks how often a pipeline should be trained.
type CadenceInput struct {
	Pipeline string       `json:"pipeline"`
	Schema   artifact.Ref `json:"schema"`
	Dataset  artifact.Ref `json:"dataset"` // all rows of the source, whatever the training's window
	// How the pipeline trains today.
	Algorithm pipeline.Algorithm `json:"algorithm"`
	Split     pipeline.Split     `json:"split"`
	Training  pipeline.Training  `json:"training"`
	KnownAt   string             `json:"known_at"`
	Tolerance float64            `json:"tolerance"` // of AUC
}

// CadenceOutput is what was found.
type CadenceOutput struct {
	RecommendedDays float64          `json:"recommended_days"`
	AtLeast         bool             `json:"at_least"`
	ExceededDays    *float64         `json:"exceeded_days,omitempty"`
	LossPerMonth    *evaluate.Metric `json:"loss_per_month,omitempty"`
	// Waiting is what so many days without training cost.
	Waiting []performance.Waiting `json:"waiting"`
	Models  int                   `json:"models"` // those that were measured
	Points  int                   `json:"points"` // vintages of them
	Note    string                `json:"note"`
	JSON    artifact.Ref          `json:"json"` // report.Cadence
	HTML    artifact.Ref          `json:"html"`
	Reused
}

// Refused says that there are not enough data; Note says what is missing.
func (o CadenceOutput) Refused() bool { return o.LossPerMonth == nil }

// Summary says what was found.
func (o CadenceOutput) Summary() string {
	return fmt.Sprintf("%s; %d models, %d vintages of them%s", o.Note, o.Models, o.Points, o.mark())
}

// Artifacts are the measurements for programs and for people.
func (o CadenceOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Cadence: o.JSON, artifact.CadenceHTML: o.HTML}
}

// Ageing says how models age.
type Ageing struct {
	Registry registry.Registry
	Cache    StepCache
	// Page renders the measurements for people.
	Page func(report.Cadence) ([]byte, error)
}

// ageing is what the measurements are a function of: registered versions come and go.
type ageing struct {
	CadenceInput
	Versions []agedVersion `json:"versions"`
}

// agedVersion is a registered version, and the rows that it has seen.
type agedVersion struct {
	Version    int          `json:"version"`
	Champion   bool         `json:"champion"` // it is, or was
	Bundle     artifact.Ref `json:"bundle"`
	Train      artifact.Ref `json:"train"`
	Validation artifact.Ref `json:"validation"`
}

const (
	// maxAged is how many registered versions are measured: those that were champion before the others, the newest first.
	maxAged = 12
	// maxAgedRows is how many rows are measured, see dataset.Sample: more make intervals narrower than vintages differ.
	maxAgedRows = 200_000
)

// Measure measures registered versions, and models that are trained now on the data up to days of the past, on the vintages after them.
func (a *Ageing) Measure(ctx context.Context, in CadenceInput) (CadenceOutput, error) {
	versions, err := a.versions(ctx, in)
	if err != nil {
		return CadenceOutput{}, err
	}
	return cached(ctx, a.Cache, MeasureCadence, ageing{in, versions}, a.measure)
}

// versions are those that were trained under the spec's label.
func (a *Ageing) versions(ctx context.Context, in CadenceInput) (aged []agedVersion, err error) {
	spec, err := getSchema(ctx, a.Cache.Objects, in.Schema)
	if err != nil {
		return nil, err
	}
	history, err := a.Registry.ServingHistory(ctx, in.Pipeline, serving.Production)
	if err != nil {
		return nil, err
	}
	champions := map[int]bool{}
	for _, record := range history {
		if record.Champion != nil {
			champions[record.Champion.Version] = true
		}
	}
	registered, err := a.Registry.Versions(ctx, in.Pipeline)
	if err != nil {
		return nil, err
	}
	for _, v := range registered {
		train, validation := v.Artifacts[artifact.Train], v.Artifacts[artifact.Validation]
		if train.SHA256 == "" || validation.SHA256 == "" {
			continue
		}
		made, err := trainedUnder(ctx, a.Cache.Objects, v)
		if err != nil {
			return nil, err
		}
		if made.Label.Same(spec.Label) {
			aged = append(aged, agedVersion{v.Version, champions[v.Version], v.Bundle, train, validation})
		}
	}
	slices.SortStableFunc(aged, func(a, b agedVersion) int { // newest first, as they are registered
		switch {
		case a.Champion == b.Champion:
			return 0
		case a.Champion:
			return -1
		}
		return 1
	})
	return aged[:min(len(aged), maxAged)], nil
}

func (a *Ageing) measure(ctx context.Context, in ageing) (out CadenceOutput, err error) {
	b, err := a.open(ctx, in)
	if err != nil {
		return out, err
	}
	if err := b.registered(ctx, in.Versions); err != nil {
		return out, err
	}
	if err := b.train(ctx); err != nil {
		return out, err
	}
	points, months, err := performance.Ages(b.models, b.labels, b.days, performance.Limits{})
	if err != nil {
		return out, err
	}
	shown := report.Cadence{Pipeline: in.Pipeline, KnownAt: in.KnownAt, Tolerance: in.Tolerance, Rows: b.matured, Of: b.of, Months: months, Models: b.shown, Notes: b.notes}
	if shown.Fit, err = performance.FitCadence(points, in.Tolerance); err != nil {
		return out, err
	}
	shown.Count()
	return a.put(ctx, shown)
}

func (a *Ageing) put(ctx context.Context, shown report.Cadence) (CadenceOutput, error) {
	fit := shown.Fit
	out := CadenceOutput{
		RecommendedDays: fit.RecommendedDays, AtLeast: fit.AtLeast, ExceededDays: fit.ExceededDays, LossPerMonth: fit.LossPerMonth, Waiting: fit.Waiting,
		Points: len(fit.Points), Note: fit.Note,
	}
	for _, m := range shown.Models {
		if m.Vintages > 0 {
			out.Models++
		}
	}
	page, err := a.Page(shown)
	if err != nil {
		return out, err
	}
	if out.JSON, err = putJSON(ctx, a.Cache.Objects, shown); err != nil {
		return out, err
	}
	out.HTML, err = a.Cache.Objects.Put(ctx, page, htmlType, "html")
	return out, err
}

// open reads the rows, and what has become of them.
func (a *Ageing) open(ctx context.Context, in ageing) (*backtest, error) {
	spec, err := getSchema(ctx, a.Cache.Objects, in.Schema)
	if err != nil {
		return nil, err
	}
	spec.Split, spec.Algorithm = in.Split, in.Algorithm
	b := &backtest{objects: a.Cache.Objects, spec: spec, window: in.Training.WindowDays}
	if b.knownAt, err = day("known_at", in.KnownAt); err != nil {
		return nil, err
	}
	rows, err := open(ctx, a.Cache.Objects, in.Dataset)
	if err != nil {
		return nil, err
	}
	if b.rows, err = dataset.Sample(ctx, rows.Manifest, rows.paths, nil, maxAgedRows); err != nil {
		return nil, err
	}
	b.of = rows.Rows
	return b, b.label()
}
