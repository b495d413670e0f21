package activities

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/scoring"
)

// watched is what is counted, features and the champion's score as one more number, and what it is held against.
type watched struct {
	Champion  artifact.Ref    `json:"champion"`  // its bundle
	Reference artifact.Ref    `json:"reference"` // the dataset that it was made of
	Features  []drift.Feature `json:"features"`
	Segment   string          `json:"segment,omitempty"`
}

// referenceCounts are the champion's side of every look at it.
type referenceCounts struct {
	Bins    drift.Bins      `json:"bins"`
	Counted monitor.Counted `json:"counted"`
	sample  dataset.Table
}

// keptCounts is where they are kept.
type keptCounts struct {
	Counts artifact.Ref `json:"counts"` // referenceCounts
	Sample artifact.Ref `json:"sample"`
	Reused
}

// Summary says what is kept.
func (k keptCounts) Summary() string { return "counted what the champion was made of" + k.mark() }

// Artifacts are the counts and the sample.
func (k keptCounts) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{"counts": k.Counts, "sample": k.Sample}
}

// countReference is a part of MeasureDrift that is the same in each look at a champion. It is kept by itself: then a look reads the fresh rows alone.
var countReference = Step[watched, keptCounts]{Name: "CountReference", Version: "1"}

// reference decides bins by what the champion was made of and counts it, or finds that in the cache.
func (l *Looking) reference(ctx context.Context, w watched) (b referenceCounts, err error) {
	kept, err := cached(ctx, l.Cache, countReference, w, l.countReference)
	if err != nil {
		return b, err
	}
	if b, err = getJSON[referenceCounts](ctx, l.Cache.Objects, kept.Counts); err != nil {
		return b, err
	}
	b.sample, err = ReadTable(ctx, l.Cache.Objects, kept.Sample)
	return b, err
}

func (l *Looking) countReference(ctx context.Context, w watched) (kept keptCounts, err error) {
	champion, err := getModel(ctx, l.Cache.Objects, w.Champion)
	if err != nil {
		return kept, err
	}
	rows, err := open(ctx, l.Cache.Objects, w.Reference)
	if err != nil {
		return kept, err
	}
	sample, err := dataset.Sample(ctx, rows.Manifest, rows.paths, w.wanted(champion), drift.MaxSeparated)
	if err != nil {
		return kept, err
	}
	if sample, err = w.scored(champion, sample); err != nil {
		return kept, err
	}
	var b referenceCounts
	if b.Bins, err = drift.NewBins(append(slices.Clip(w.Features), monitor.Score), sample); err != nil {
		return kept, err
	}
	if b.Counted, _, err = w.count(ctx, champion, b.Bins, rows); err != nil {
		return kept, err
	}
	if kept.Counts, err = putJSON(ctx, l.Cache.Objects, b); err != nil {
		return kept, err
	}
	kept.Sample, err = putTable(ctx, l.Cache.Objects, sample)
	return kept, err
}

// wanted are the columns that are read: those that are watched, those that the champion reads, and the segment.
func (w watched) wanted(champion *model.Model) []string {
	var names []string
	for _, f := range w.Features {
		names = append(names, f.Name)
	}
	for _, f := range champion.Contract.Fields {
		names = append(names, f.Name)
	}
	return append(names, w.Segment)
}

// count counts all rows, and those of each segment, and keeps a sample of them, with the champion's scores. Parts are counted side by side.
func (w watched) count(ctx context.Context, champion *model.Model, bins drift.Bins, rows rowParts) (monitor.Counted, dataset.Table, error) {
	columns := w.wanted(champion)
	with := rows.Manifest
	with.Columns = append(slices.Clip(with.Columns), dataset.Field{Name: monitor.Score.Name, Kind: dataset.Float})
	sample := dataset.NewSampler(with, append(slices.Clip(columns), monitor.Score.Name), drift.MaxSeparated)
	counter := monitor.NewCounter(bins)
	err := dataset.Each(ctx, rows.Manifest, rows.paths, columns, func(_, first int, t dataset.Table) error {
		t, err := w.scored(champion, t)
		if err != nil {
			return err
		}
		if err := sample.Add(first, t); err != nil {
			return err
		}
		return counter.Add(t, t.Column(w.Segment))
	})
	return counter.Counted(), sample.Table, err
}

// scored is a table with the champion's scores as a further column; a row that it refuses has none.
func (watched) scored(champion *model.Model, t dataset.Table) (dataset.Table, error) {
	p, err := scoring.Taken(champion, t)
	t.Columns = append(slices.Clip(t.Columns), dataset.Column{Name: monitor.Score.Name, Kind: dataset.Float, Floats: p})
	return t, err
}
