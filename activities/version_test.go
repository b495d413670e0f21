package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// A version measured on its own test rows has the metrics that it was registered with; of all extracted rows those count whose outcome is final.
func TestAVersionIsMeasuredOnRowsWithAFinalOutcomeAlone(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	in := EvaluateVersionInput{Model: product, Version: 1, Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Dataset: tr.split.Test, Source: "test", KnownAt: b.known()}
	own, err := b.stages.Evaluation.EvaluateVersion(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, tr.evaluated.Metrics, own.Metrics)
	require.Equal(t, tr.split.TestRows, own.Rows)
	require.Zero(t, own.LeftOut)
	require.Equal(t, map[string]artifact.Ref{artifact.Evaluation: own.JSON, artifact.EvaluationHTML: own.HTML}, own.Artifacts())

	// Everything that was extracted: the split has the rows with a final outcome, and no others.
	in.Dataset, in.LeftOut = tr.extracted.Dataset, evaluate.LeftOut{Quarantined: 7}
	all, err := b.stages.Evaluation.EvaluateVersion(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, tr.split.TrainRows+tr.split.ValidationRows+tr.split.TestRows, all.Rows)
	require.Positive(t, all.LeftOut.Immature)
	require.EqualValues(t, tr.extracted.Rows, int64(all.Rows)+all.LeftOut.Immature+all.LeftOut.Unlabelled)
	require.EqualValues(t, 7, all.LeftOut.Quarantined, "what extraction has left out is told as well")
	kept, err := getJSON[evaluate.OnData](t.Context(), b.objects, all.JSON)
	require.NoError(t, err)
	require.Equal(t, all.Rows, kept.Rows)
	require.Equal(t, tr.trained.Bundle.SHA256, kept.Digest)

	// On an earlier day fewer outcomes were final; on the first day none.
	in.KnownAt = "2025-06-30"
	earlier, err := b.stages.Evaluation.EvaluateVersion(t.Context(), in)
	require.NoError(t, err)
	require.Less(t, earlier.Rows, all.Rows)
	in.KnownAt = "2020-01-01"
	none, err := b.stages.Evaluation.EvaluateVersion(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "0 of 0 labels are positive; both classes are needed", none.Refused)
	require.NotNil(t, none.Metrics, "in JSON none is {}")
	require.Zero(t, none.Rows)
	require.Equal(t, map[string]artifact.Ref{artifact.Evaluation: none.JSON}, none.Artifacts())
	again, err := b.stages.Evaluation.EvaluateVersion(t.Context(), in)
	require.NoError(t, err)
	require.True(t, again.Cached)
}

// Rows without an outcome, and those that the version takes for no request, are left out and counted.
func TestRowsThatDoNotCountAreCounted(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	table, err := ReadTable(t.Context(), b.objects, tr.split.Test)
	require.NoError(t, err)
	label, home := table.Column(b.spec.Label.Column), table.Column("home_ownership")
	for i := range 3 {
		label.Valid[i], label.Texts[i] = false, ""
	}
	for i := 3; i < 8; i++ {
		home.Valid[i], home.Texts[i] = true, "a houseboat"
	}
	changed, err := putTable(t.Context(), b.objects, dataset.Table{Columns: table.Columns})
	require.NoError(t, err)
	out, err := b.stages.Evaluation.EvaluateVersion(t.Context(), EvaluateVersionInput{
		Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Dataset: changed, KnownAt: b.known(),
	})
	require.NoError(t, err)
	require.Equal(t, evaluate.LeftOut{Unlabelled: 3, Unscored: 5}, out.LeftOut)
	require.Equal(t, tr.split.TestRows-8, out.Rows)
}

func TestFindVersion(t *testing.T) {
	reg := newMemory()
	objects := newObjects(t)
	schema, err := putJSON(t.Context(), objects, map[string]any{"columns": []map[string]any{{"name": "income"}, {"name": "late", "feature": "payments@2:late_90d"}}})
	require.NoError(t, err)
	for _, digest := range []string{"a", "b"} {
		_, _, err := reg.RegisterVersion(t.Context(), registry.ModelVersion{
			Name: product, Digest: digest, Bundle: artifact.Ref{SHA256: digest}, Artifacts: map[string]artifact.Ref{artifact.Schema: schema}, Lineage: registry.Lineage{Schema: 4},
		})
		require.NoError(t, err)
	}
	_, _, err = reg.RegisterVersion(t.Context(), registry.ModelVersion{Name: product, Digest: "c"})
	require.NoError(t, err)
	next, err := serving.Record{Pipeline: product, Environment: serving.Production}.Prepare(serving.Track{Version: 2, Policy: "p"}, "")
	reg.write(t, "ada", next, err)
	models := Models{Registry: reg, Objects: objects}
	for _, named := range []string{"2", "@challenger"} {
		found, err := models.Find(t.Context(), VersionInput{Model: product, Version: named})
		require.NoError(t, err)
		require.Equal(t, VersionOutput{Version: 2, Digest: "b", Bundle: artifact.Ref{SHA256: "b"}, Schema: schema, SchemaVersion: 4, Views: []string{"payments@2"}}, found)
	}
	for named, code := range map[string]fault.Code{"@champion": fault.NotFound, "champion": fault.Invalid, "": fault.Invalid, "9": fault.NotFound, "3": fault.Invalid} {
		_, err := models.Find(t.Context(), VersionInput{Model: product, Version: named})
		require.Equal(t, code, fault.CodeOf(err), named)
	}
}
