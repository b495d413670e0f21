package activities

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// Rows that hold a feature themselves, as those of an earlier dataset do, are joined for the others alone; only a spec that takes given features takes them.
func TestFeaturesThatRowsHoldAreGivenWithThem(t *testing.T) {
	t.Parallel()
	of := func(view string, names ...string) feature.Join {
		j := feature.Join{Computable: feature.Computable{View: &feature.View{Name: view}}}
		for _, name := range names {
			j.Features = append(j.Features, feature.JoinedFeature{Name: name, As: name})
		}
		return j
	}
	joins := func() []feature.Join { return []feature.Join{of("bureau", "score"), of("payments", "late", "paid")} }
	var spec pipeline.Spec

	got, err := lacking(spec, joins(), []string{"id", "income"})
	require.NoError(t, err)
	require.Equal(t, joins(), got)
	_, err = lacking(spec, joins(), []string{"id", "paid"})
	require.EqualError(t, err, "the rows have a column paid, which the spec looks up in view payments; leave it out, or let it count with feature_store: {given: true}")

	spec.FeatureStore.Given = true
	got, err = lacking(spec, joins(), []string{"id", "score", "paid"})
	require.NoError(t, err)
	require.Equal(t, []feature.Join{of("payments", "late")}, got)
	got, err = lacking(spec, joins(), []string{"score", "late", "paid"})
	require.NoError(t, err)
	require.Empty(t, got)
}

// A dataset names the views that its rows were joined from, and no view that was computed and not asked: all that is looked up there came with the rows.
func TestOnlyViewsThatWereJoinedAreNamed(t *testing.T) {
	b := newFeatureBench(t)
	b.apply(t, shipped(t)...)
	b.respec(t, "\ncolumns:\n", "\nfeatures: [bureau:bureau_score, payments:late_30d]\nfeature_store: {given: true}\ncolumns:\n")
	loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: product})
	require.NoError(t, err)
	spec, err := getSchema(t.Context(), b.objects, loaded.Schema.Ref)
	require.NoError(t, err)
	views := b.compute(t, loaded.Views...).manifests()
	bureau, payments := dataset.View{Name: "bureau", Version: 1, Manifest: views[0].SHA256}, dataset.View{Name: "payments", Version: 1, Manifest: views[1].SHA256}
	require.NotEqual(t, bureau.Manifest, payments.Manifest)
	for given, want := range map[string][]dataset.View{
		"":                         {bureau, payments},
		",late_30d":                {bureau},
		",bureau_score":            {payments},
		",bureau_score,late_30d":   nil,
		",loan_amount,term_months": {bureau, payments},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "rows.csv")
		header := "application_id,application_date,applicant_id" + given
		require.NoError(t, os.WriteFile(path, []byte(header+"\nA-1,2026-06-20,P-1"+strings.Repeat(",3", strings.Count(given, ","))+"\n"), 0o600))
		rows, err := source.Open(t.Context(), pipeline.Relation{CSV: &pipeline.CSV{}}, []source.File{{Name: "rows.csv", Path: path}}, source.Options{})
		require.NoError(t, err)
		rows, from, err := b.stages.Extraction.looked(t.Context(), spec, views, rows, folder)
		require.NoError(t, err, given)
		require.NoError(t, rows.Close())
		require.Equal(t, want, from, given)
	}
}

// The parts of a split are the rows alone: what a view holds beside that of them by now is no reason to train again.
func TestPartsOfASplitNameNoViews(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	plain := b.parts(t)
	named, _, err := manifest(t.Context(), b.objects, plain.extracted.Dataset)
	require.NoError(t, err)
	named.Views = []dataset.View{{Name: "payments", Version: 1, Manifest: strings.Repeat("8", 64)}}
	ref, err := putManifest(t.Context(), b.objects, named)
	require.NoError(t, err)
	require.NotEqual(t, plain.extracted.Dataset.SHA256, ref.SHA256)
	split, err := b.stages.Checking.Split(t.Context(), SplitInput{Schema: plain.spec.Schema.Ref, Dataset: ref, Split: plain.spec.Split, KnownAt: b.known()})
	require.NoError(t, err)
	require.False(t, split.Cached)
	require.Equal(t, plain.split, split)
}
