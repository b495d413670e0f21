package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
)

// DescribeViewInput is what the offline store holds of a view, all that its statistics depend on.
type DescribeViewInput struct {
	Manifest artifact.Ref `json:"manifest"`
}

// DescribeViewOutput are statistics of the view's features.
type DescribeViewOutput struct {
	View     string `json:"view"` // name@version
	Entities int64  `json:"entities"`
	// Statistics is a snapshot.Snapshot as JSON.
	Statistics artifact.Ref `json:"statistics"`
	Reused
}

// Summary says of how many entities.
func (o DescribeViewOutput) Summary() string {
	return fmt.Sprintf("%s: statistics of %d entities%s", o.View, o.Entities, o.mark())
}

// Artifacts are the statistics.
func (o DescribeViewOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{"statistics " + o.View: o.Statistics}
}

// Describe computes the statistics of a view's features, once for what the offline store holds: see package snapshot.
func (f *FeatureViews) Describe(ctx context.Context, in DescribeViewInput) (DescribeViewOutput, error) {
	return cached(ctx, f.Reading.Cache, DescribeView, in, f.describe)
}

func (f *FeatureViews) describe(ctx context.Context, in DescribeViewInput) (out DescribeViewOutput, err error) {
	m, days, err := heldDays(ctx, f.Reading.Cache.Objects, in.Manifest)
	if err != nil {
		return out, err
	}
	folder, remove, err := f.Reading.folder()
	if err != nil {
		return out, err
	}
	defer remove()
	s := snapshot.Snapshot{View: m.View.Name, Version: m.Version, Rows: m.Rows(), Days: m.Days()}
	say(ctx, "reading what it says of each entity")
	file, extent, err := f.Warehouse.Snapshot(ctx, m.View, days, folder)
	if err != nil {
		return out, err
	}
	s.Extent = extent
	for _, of := range m.View.Features {
		if file == "" {
			break
		}
		say(ctx, "describing "+of.Name)
		part := dataset.Manifest{Rows: extent.Entities, Parts: []dataset.Part{{Rows: extent.Entities}}}
		err := dataset.Each(ctx, part, []string{file}, []string{of.Name}, func(_, _ int, t dataset.Table) error {
			s.Features = append(s.Features, snapshot.Describe(t.Columns[0]))
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	out.View, out.Entities = FeatureView{Name: m.View.Name, Version: m.Version}.ID(), extent.Entities
	out.Statistics, err = putJSON(ctx, f.Reading.Cache.Objects, s)
	return out, err
}

// StatisticsOf are those of what the online store holds of a version of a view, as far as they were computed; nil where they were not, or are gone.
func StatisticsOf(ctx context.Context, kept CachedSteps, objects Objects, progress feature.Progress) (*snapshot.Snapshot, error) {
	var manifest artifact.Ref
	if json.Unmarshal([]byte(progress.Manifest), &manifest) != nil {
		return nil, nil //nolint:nilnil,nilerr // nothing is materialized
	}
	input, err := json.Marshal(DescribeViewInput{Manifest: manifest})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding a reference")
	}
	out, there, err := lookup[DescribeViewOutput](ctx, StepCache{Registry: kept, Objects: objects}, stepKey(DescribeView.Name, DescribeView.Version, input))
	if err != nil || !there {
		return nil, err
	}
	data, err := objects.Get(ctx, out.Statistics)
	if err != nil {
		return nil, err
	}
	return snapshot.Decode(data)
}
