package activities

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
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
	champion, err := getModel(ctx, l.Cache.Objects, in.Champion)
	if err != nil {
		return DriftOutput{}, err
	}
	reference, err := open(ctx, l.Cache.Objects, in.Reference)
	if err != nil {
		return DriftOutput{}, err
	}
	fresh, err := open(ctx, l.Cache.Objects, in.Fresh)
	if err != nil {
		return DriftOutput{}, err
	}
	w := &watched{champion: champion, features: common(spec, reference.Manifest, fresh.Manifest), segment: in.Monitor.Segment}
	measured, err := w.measure(ctx, reference, fresh, drift.Limits{PSI: in.Monitor.MaxPSI})
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

// watched is what is counted: features, and the score as one more number.
type watched struct {
	champion *model.Model
	features []drift.Feature
	segment  string
	bins     drift.Bins
}

// measure decides bins by the reference, counts both sides once, and holds them against each other: all rows, and those of each segment.
func (w *watched) measure(ctx context.Context, reference, fresh rowParts, limits drift.Limits) (of monitor.Drift, err error) {
	before, err := w.sample(ctx, reference)
	if err != nil {
		return of, err
	}
	if w.bins, err = drift.NewBins(append(w.features, monitor.Score), before); err != nil {
		return of, err
	}
	was, err := w.count(ctx, reference)
	if err != nil {
		return of, err
	}
	is, err := w.count(ctx, fresh)
	if err != nil {
		return of, err
	}
	after, err := w.sample(ctx, fresh)
	if err != nil {
		return of, err
	}
	return monitor.HoldAgainst(monitor.Watched{
		Features: w.features, Bins: w.bins, Reference: was, Fresh: is, ReferenceSample: before, FreshSample: after, Segment: w.segment, Champion: w.champion,
	}, limits)
}

// wanted are the columns that are read: those that are watched, those that the champion reads, and the segment.
func (w *watched) wanted() []string {
	var names []string
	for _, f := range w.features {
		names = append(names, f.Name)
	}
	for _, f := range w.champion.Contract.Fields {
		names = append(names, f.Name)
	}
	return append(names, w.segment)
}

// sample is some of the rows, see dataset.Sample, with the champion's scores.
func (w *watched) sample(ctx context.Context, rows rowParts) (dataset.Table, error) {
	t, err := dataset.Sample(ctx, rows.Manifest, rows.paths, w.wanted(), drift.MaxSeparated)
	if err != nil {
		return t, err
	}
	return w.scored(t)
}

// scored is a table with the champion's scores as a further column; a row that it refuses has none.
func (w *watched) scored(t dataset.Table) (dataset.Table, error) {
	p, err := scoring.Taken(w.champion, t)
	t.Columns = append(slices.Clip(t.Columns), dataset.Column{Name: monitor.Score.Name, Kind: dataset.Float, Floats: p})
	return t, err
}

// count counts all rows, and those of each segment. Parts are counted side by side.
func (w *watched) count(ctx context.Context, rows rowParts) (monitor.Counted, error) {
	counter := monitor.NewCounter(w.bins)
	err := dataset.Each(ctx, rows.Manifest, rows.paths, w.wanted(), func(_, _ int, t dataset.Table) error {
		t, err := w.scored(t)
		if err != nil {
			return err
		}
		return counter.Add(t, t.Column(w.segment))
	})
	return counter.Counted(), err
}
