package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schema"
)

// Both versions are measured on the newer one's test part; where one lacks a column there is a note in place of metrics.
func TestOnSameRows(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	first, second := tr.version, tr.version
	second.Version = 2
	same, err := OnSameRows(t.Context(), b.objects, second, first)
	require.NoError(t, err)
	require.Equal(t, SameRows{Of: 2, Rows: tr.split.TestRows, A: tr.evaluated.Metrics, B: tr.evaluated.Metrics}, same)

	narrow := b.spec
	narrow.Columns = b.spec.Columns[1:]
	less, err := putJSON(t.Context(), b.objects, schema.Of(narrow))
	require.NoError(t, err)
	trained, err := b.stages.Training.Train(t.Context(), TrainInput{Schema: less, Algorithm: b.spec.Algorithm, Train: tr.split.Train, Validation: tr.split.Validation})
	require.NoError(t, err)
	second.Bundle = trained.Bundle
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	require.Equal(t, tr.evaluated.Metrics, same.A)
	require.NotEqual(t, same.A, same.B, "another model on the same rows")

	second.Meaning = pipeline.MeaningApproval
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	require.Equal(t, SameRows{Of: 2, Note: "scores of label meaning default and of approval are not compared"}, same)
	second.Meaning, second.Artifacts = first.Meaning, map[string]artifact.Ref{}
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	require.Equal(t, SameRows{Of: 2, Note: "version 2 has no test part"}, same)
}
