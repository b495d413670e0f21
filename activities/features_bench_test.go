package activities

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// featureBench is a bench with a feature store.
type featureBench struct {
	*bench
	store feature.Store
	views *FeatureViews
	now   feature.Instant // by the clock of whoever posts, computes and materializes
}

func newFeatureBench(t *testing.T) *featureBench {
	t.Helper()
	store, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	b := &featureBench{bench: newBench(t), store: store}
	b.stages.Pipelines.Features = store
	b.stages.Views = FeatureViews{Register: store, Log: store, Offline: store, Online: store, Reading: &b.stages.Extraction, Warehouse: b.tables.Warehouse}
	b.views = &b.stages.Views
	return b
}

// few are the applicants that the shipped definitions and the spec speak of here.
const (
	many = "rows: 20000, seed: 20260630, from: 2024-01-01"
	few  = "rows: 150, seed: 20260630, from: 2026-06-01"
)

// shipped are the definitions that come with LoanOps, about fewer applicants, with some of their text replaced.
func shipped(t *testing.T, oldNew ...string) (files []feature.File) {
	t.Helper()
	names, err := fs.Glob(features.FS, "*.yaml")
	require.NoError(t, err)
	replace := strings.NewReplacer(append(oldNew, many, few)...)
	for _, name := range names {
		data, err := features.FS.ReadFile(name)
		require.NoError(t, err)
		files = append(files, feature.File{Name: name, Data: []byte(replace.Replace(string(data)))})
	}
	return files
}

// apply registers definitions as `loanops features apply` does.
func (b *featureBench) apply(t *testing.T, files ...feature.File) {
	t.Helper()
	catalogue := b.catalogue(t)
	folder, err := feature.Read(files, catalogue)
	require.NoError(t, err)
	plan, err := catalogue.Plan(folder.Definitions, false)
	require.NoError(t, err)
	_, err = b.store.Register(t.Context(), plan.After, plan.Rows("lena"))
	require.NoError(t, err)
}

func (b *featureBench) catalogue(t *testing.T) *feature.Catalogue {
	t.Helper()
	_, catalogue, err := feature.Load(t.Context(), b.store)
	require.NoError(t, err)
	return catalogue
}

// computed is what a run makes of views, in the order in which they are computed.
type computed struct {
	found []FeatureView
	outs  []ComputeViewOutput
}

// tryCompute finds and computes views and those that they are made of, as a workflow does.
func (b *featureBench) tryCompute(ctx context.Context, views ...string) (made computed, err error) {
	found, err := b.views.Find(ctx, FindViewsInput{Views: views})
	if err != nil {
		return made, err
	}
	manifests := map[string]artifact.Ref{}
	for _, v := range found.Views {
		in := ComputeViewInput{View: v, Now: b.now}
		for _, from := range v.From {
			in.From = append(in.From, manifests[from])
		}
		out, err := b.views.Compute(ctx, in)
		if err != nil {
			return made, err
		}
		manifests[v.ID()] = out.Manifest
		made.found, made.outs = append(made.found, v), append(made.outs, out)
	}
	return made, nil
}

func (b *featureBench) compute(t *testing.T, views ...string) computed {
	t.Helper()
	made, err := b.tryCompute(t.Context(), views...)
	require.NoError(t, err)
	return made
}

// manifests are those of the views.
func (c computed) manifests() (refs []artifact.Ref) {
	for _, out := range c.outs {
		refs = append(refs, out.Manifest)
	}
	return refs
}

// held is what the offline store holds of a view.
func (b *featureBench) held(t *testing.T, of artifact.Ref) feature.Manifest {
	t.Helper()
	m, err := viewManifest(t.Context(), b.objects, of)
	require.NoError(t, err)
	return m
}

func viewID(m feature.Manifest) string {
	return FeatureView{Name: m.View.Name, Version: m.Version}.ID()
}
