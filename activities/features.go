package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// viewType is that of a feature.Manifest.
const viewType = "application/vnd.loanops.view+json"

// FeatureView is a version of a view as the steps know it.
type FeatureView struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	// Definition is a feature.Computable as JSON.
	Definition artifact.Ref `json:"definition"`
	// From are the views, by the names of their tables, whose rows it is made of; none of a view of its own source.
	From []string `json:"from,omitempty"`
	// Events says that rows of it are posted.
	Events bool `json:"events,omitempty"`
}

// ID names the version.
func (v FeatureView) ID() string { return v.Name + "@" + strconv.Itoa(v.Version) }

// FindViewsInput names views.
type FindViewsInput struct {
	// Views are names, each maybe with a version (payments@2).
	Views []string `json:"views"`
}

// FindViewsOutput is what must be computed for them.
type FindViewsOutput struct {
	// Views are those that are named and those that their rows are made of, each after what it is made of.
	Views []FeatureView `json:"views"`
}

// Summary names them.
func (o FindViewsOutput) Summary() string {
	names := make([]string, len(o.Views))
	for i, v := range o.Views {
		names[i] = v.ID()
	}
	return strings.Join(names, ", ")
}

// FeatureViews computes what the offline store holds of views.
type FeatureViews struct {
	Register  feature.Register
	Log       feature.Log
	Offline   feature.Offline
	Online    feature.Online
	Reading   *Extraction
	Warehouse ViewWarehouse
}

// Find says which views must be computed, and in which order.
func (f *FeatureViews) Find(ctx context.Context, in FindViewsInput) (out FindViewsOutput, err error) {
	catalogue, err := f.catalogue(ctx)
	if err != nil {
		return out, err
	}
	for _, name := range in.Views {
		if err := f.find(ctx, catalogue, name, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// catalogue is what is registered.
func (f *FeatureViews) catalogue(ctx context.Context) (*feature.Catalogue, error) {
	if f.Register == nil {
		return nil, fault.New(fault.Invalid, "this worker has no feature store (LOANOPS_FEATURES_DATABASE)")
	}
	_, catalogue, err := feature.Load(ctx, f.Register)
	return catalogue, err
}

// find adds a view behind those that it is made of.
func (f *FeatureViews) find(ctx context.Context, catalogue *feature.Catalogue, name string, out *FindViewsOutput) error {
	version, err := catalogue.View(name)
	if err != nil {
		return err
	}
	found := FeatureView{Name: version.Name, Version: version.Version, Events: version.View.Events}
	if slices.ContainsFunc(out.Views, func(v FeatureView) bool { return v.ID() == found.ID() }) {
		return nil
	}
	if version.View.SQL != nil {
		for _, from := range version.View.SQL.From {
			if err := f.find(ctx, catalogue, from, out); err != nil {
				return err
			}
			of, err := catalogue.View(from)
			if err != nil {
				return err
			}
			found.From = append(found.From, of.Name+"@"+strconv.Itoa(of.Version))
		}
	}
	found.Definition, err = putJSON(ctx, f.Reading.Cache.Objects, version.Computable())
	out.Views = append(out.Views, found)
	return err
}

// ViewsOf are the versions of views, view@version, that a schema's columns are features of, in the order in which they come.
func ViewsOf(columns []pipeline.Column) (views []string) {
	for _, column := range columns {
		view, _, looked := strings.Cut(column.Feature, ":")
		if looked && !slices.Contains(views, view) {
			views = append(views, view)
		}
	}
	return views
}

func viewManifest(ctx context.Context, objects Objects, ref artifact.Ref) (feature.Manifest, error) {
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return feature.Manifest{}, err
	}
	return feature.DecodeManifest(data)
}

// atOnce is how many objects of a view are written, read or looked for at once.
const atOnce = 16

// dayFiles brings what a manifest names here.
func dayFiles(ctx context.Context, objects Objects, m feature.Manifest) ([]feature.DayFiles, error) {
	days := make([]feature.DayFiles, len(m.Partitions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range m.Partitions {
		group.Go(func() (err error) {
			p := &m.Partitions[i]
			days[i] = feature.DayFiles{Period: p.Period, Count: p.Rows, Days: p.Days}
			if days[i].Rows, err = objects.Path(ctx, objectOf(objects, p.Objects.Rows)); err == nil && p.Objects.Tiles != nil {
				days[i].Tiles, err = objects.Path(ctx, objectOf(objects, *p.Objects.Tiles))
			}
			return err
		})
	}
	return days, group.Wait()
}

// heldDays is a manifest, with what it names here.
func heldDays(ctx context.Context, objects Objects, ref artifact.Ref) (feature.Manifest, []feature.DayFiles, error) {
	m, err := viewManifest(ctx, objects, ref)
	if err != nil {
		return m, nil, err
	}
	days, err := dayFiles(ctx, objects, m)
	return m, days, err
}

func objectOf(objects Objects, o feature.Object) artifact.Ref {
	return objects.At(o.SHA256, o.Bytes, parquetType, "parquet")
}

// there says of each partition whether all of its objects are.
func there(ctx context.Context, objects Objects, partitions []feature.Partition) ([]bool, error) {
	are := make([]bool, len(partitions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, p := range partitions {
		group.Go(func() (err error) {
			if are[i], err = objects.Exists(ctx, objectOf(objects, p.Objects.Rows)); are[i] && p.Objects.Tiles != nil {
				are[i], err = objects.Exists(ctx, objectOf(objects, *p.Objects.Tiles))
			}
			return err
		})
	}
	return are, group.Wait()
}

func computable(ctx context.Context, objects Objects, ref artifact.Ref) (c feature.Computable, err error) {
	data, err := objects.Get(ctx, ref)
	if err == nil {
		err = fault.Wrap(fault.Internal, json.Unmarshal(data, &c), "the definition of a view")
	}
	return c, err
}
