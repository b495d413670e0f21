package activities

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
)

// DriftInput is rows that no look has seen, and those that the champion was made of.
type DriftInput struct {
	Schema    artifact.Ref     `json:"schema"`
	Reference artifact.Ref     `json:"reference"`
	Fresh     artifact.Ref     `json:"fresh"`
	Champion  artifact.Ref     `json:"champion"` // its bundle
	Monitor   pipeline.Monitor `json:"monitor"`
	// Tested is what the looks before at the same champion tested.
	Tested json.RawMessage `json:"tested,omitempty"`
}

// DriftOutput is what differs.
type DriftOutput struct {
	Findings []monitor.Finding `json:"findings"`
	Tested   json.RawMessage   `json:"tested"`
	JSON     artifact.Ref      `json:"json"` // monitor.Drift
	Reused
}

// Summary counts what was found.
func (o DriftOutput) Summary() string { return counted(o.Findings) + o.mark() }

// Artifacts is all that was measured.
func (o DriftOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Drift: o.JSON}
}

// Drift holds fresh rows against those that the champion was made of.
func (l *Looking) Drift(ctx context.Context, in DriftInput) (DriftOutput, error) {
	return cached(ctx, l.Cache, MeasureDrift, in, l.drift)
}

func (l *Looking) drift(ctx context.Context, in DriftInput) (DriftOutput, error) {
	spec, err := getSchema(ctx, l.Cache.Objects, in.Schema)
	if err != nil {
		return DriftOutput{}, err
	}
	reference, _, err := manifest(ctx, l.Cache.Objects, in.Reference)
	if err != nil {
		return DriftOutput{}, err
	}
	fresh, err := open(ctx, l.Cache.Objects, in.Fresh)
	if err != nil {
		return DriftOutput{}, err
	}
	champion, err := getModel(ctx, l.Cache.Objects, in.Champion)
	if err != nil {
		return DriftOutput{}, err
	}
	w := watched{Champion: in.Champion, Reference: in.Reference, Features: common(spec, reference, fresh.Manifest), Segment: in.Monitor.Segment}
	before, err := l.reference(ctx, w)
	if err != nil {
		return DriftOutput{}, err
	}
	is, after, err := w.count(ctx, champion, before.Bins, fresh)
	if err != nil {
		return DriftOutput{}, err
	}
	measured, err := monitor.HoldAgainst(monitor.Watched{
		Features: w.Features, Bins: before.Bins, Reference: before.Counted, Fresh: is, ReferenceSample: before.sample, FreshSample: after, Segment: w.Segment, Champion: champion,
	}, drift.Limits{PSI: in.Monitor.MaxPSI})
	if err != nil {
		return DriftOutput{}, err
	}
	findings, tested, err := measured.Find(in.Monitor, in.Tested)
	if err != nil {
		return DriftOutput{}, err
	}
	out := DriftOutput{Findings: findings, Tested: tested}
	out.JSON, err = putJSON(ctx, l.Cache.Objects, measured)
	return out, err
}

// common are the features that both datasets have, as the same kind.
func common(spec pipeline.Spec, a, b dataset.Manifest) (features []drift.Feature) {
	kinds := map[string]dataset.Kind{}
	for _, f := range a.Columns {
		kinds[f.Name] = f.Kind
	}
	for _, f := range b.Columns {
		kind, both := kinds[f.Name]
		isFeature := slices.ContainsFunc(spec.Columns, func(c pipeline.Column) bool { return c.Name == f.Name })
		if isFeature && both && (kind == dataset.Text) == (f.Kind == dataset.Text) {
			features = append(features, drift.Feature{Name: f.Name, Category: f.Kind == dataset.Text})
		}
	}
	return features
}
