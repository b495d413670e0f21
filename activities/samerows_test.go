package activities

import (
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/transform"
)

// Both versions are measured on the newer one's test part; where one lacks a column there is a note in place of metrics.
func TestOnSameRows(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	first, second := tr.version, tr.version
	second.Version = 2
	same, err := OnSameRows(t.Context(), b.objects, second, first)
	require.NoError(t, err)
	require.Equal(t, []any{2, tr.split.TestRows, "", ""}, []any{same.Of, same.Rows, same.Note, same.Unpaired})
	require.Equal(t, tr.evaluated.Metrics, same.A)
	require.Equal(t, tr.evaluated.Metrics, same.B)
	require.Equal(t, tr.split.Test, same.Test)
	require.Equal(t, evaluate.Difference{P: 1}, same.Differences["auc"], "a model does not differ from itself")

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

	swapped := b.spec
	swapped.Label.Positive, swapped.Label.Negative = b.spec.Label.Negative, b.spec.Label.Positive
	other, err := putJSON(t.Context(), b.objects, schema.Of(swapped))
	require.NoError(t, err)
	second.Artifacts = maps.Clone(second.Artifacts)
	second.Artifacts[artifact.Schema] = other
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	labels := "scores of the label " + b.spec.Label.Words() + " and of " + swapped.Label.Words() + " are not compared"
	require.Equal(t, SameRows{Of: 2, Note: labels, Unpaired: labels}, same)
	second.Artifacts = map[string]artifact.Ref{}
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	require.Equal(t, SameRows{Of: 2, Note: "version 2 has no test part", Unpaired: "version 2 has no test part"}, same)
	second.Artifacts = map[string]artifact.Ref{artifact.Schema: less, artifact.Test: {URI: "s3://test/gone", SHA256: "gone"}}
	same, err = OnSameRows(t.Context(), b.objects, first, second)
	require.NoError(t, err)
	require.Equal(t, "the test part of version 2 is in the store no longer", same.Unpaired)
}

// duel is two versions of one feature each, whose scores are what the columns a and b say.
type duel struct {
	objects  *objects
	versions [2]registry.ModelVersion
}

// newDuel makes a test part of rows with labels and with the scores of both. A score of -1 is a row that the version does not take.
func newDuel(t *testing.T, y []float64, scores [2][]float64) *duel {
	t.Helper()
	d := &duel{objects: newObjects(t)}
	spec := pipeline.Spec{Name: product, Label: pipeline.Label{Column: "bad", Positive: "yes", Negative: "no"}}
	label := dataset.Column{Name: "bad", Kind: dataset.Text}
	for _, positive := range y {
		label.Texts, label.Valid = append(label.Texts, []string{"no", "yes"}[int(positive)]), append(label.Valid, true)
	}
	table := dataset.Table{Columns: []dataset.Column{label}}
	for i, name := range []string{"a", "b"} {
		known := dataset.Column{Name: name, Kind: dataset.Text}
		of := dataset.Column{Name: name + "_score", Kind: dataset.Float}
		for _, p := range scores[i] {
			taken := "yes"
			if p < 0 {
				p, taken = 0.5, "no"
			}
			known.Texts, known.Valid = append(known.Texts, taken), append(known.Valid, true)
			of.Floats = append(of.Floats, math.Log(p/(1-p)))
		}
		table.Columns = append(table.Columns, of, known)
		spec.Columns = append(spec.Columns, pipeline.Column{Name: of.Name, Type: pipeline.Number}, pipeline.Column{Name: name, Type: pipeline.Category})
		m := model.Model{
			Name: product, Coefficients: []float64{1, 0}, Background: []float64{0, 0},
			Encoder: transform.Encoder{
				Fields: []transform.Field{{Name: of.Name, Type: pipeline.Number}, {Name: name, Type: pipeline.Category, Levels: []string{"yes"}}}, Scales: []transform.Scale{{SD: 1}, {SD: 1}},
			},
			Contract: request.Contract{Fields: []request.Field{{Name: of.Name, Type: pipeline.Number}, {Name: name, Type: pipeline.Category, Domain: []string{"yes"}}}},
		}
		data, err := m.Encode()
		require.NoError(t, err)
		d.versions[i].Version = i + 1
		d.versions[i].Bundle, err = d.objects.Put(t.Context(), data, bundleType, "model")
		require.NoError(t, err)
	}
	test, err := putTable(t.Context(), d.objects, table)
	require.NoError(t, err)
	described, err := putJSON(t.Context(), d.objects, schema.Of(spec))
	require.NoError(t, err)
	d.versions[0].Artifacts = map[string]artifact.Ref{artifact.Schema: described}
	d.versions[1].Artifacts = map[string]artifact.Ref{artifact.Schema: described, artifact.Test: test}
	return d
}

func (d *duel) compare(t *testing.T) SameRows {
	t.Helper()
	same, err := OnSameRows(t.Context(), d.objects, d.versions[0], d.versions[1])
	require.NoError(t, err)
	return same
}

// Wanted by hand, for the AUC as DeLong's definition: of rows 0.1, 0.4, 0.6, 0.9 with labels 0, 1, 0, 1, the positive ones stand above 1 and 2 of the 2
// negative ones, so that the placements are 0.5, 1 and (of the negative ones) 1, 0.5, and the AUC is 0.75. The other version ranks all right: 1. The
// differences of the placements are 0.5, 0 and 0, 0.5, each with a variance of 0.125, so that that of the difference of 0.25 is 0.125/2 + 0.125/2.
func TestPairedDifferencesOnSameRows(t *testing.T) {
	y := []float64{0, 1, 0, 1}
	d := newDuel(t, y, [2][]float64{{0.1, 0.4, 0.6, 0.9}, {0.2, 0.6, 0.3, 0.8}})
	same := d.compare(t)
	require.Empty(t, same.Unpaired+same.Note)
	require.Equal(t, []int{4, 2}, []int{same.Rows, same.Positive})
	auc := same.Differences["auc"]
	require.InDelta(t, 0.25, auc.Estimate, 1e-12)
	require.InDelta(t, 0.25-1.959963984540054*math.Sqrt(0.125), auc.Lower, 1e-12)
	require.InDelta(t, 0.25+1.959963984540054*math.Sqrt(0.125), auc.Upper, 1e-12)
	require.InDelta(t, same.B["auc"].Estimate-same.A["auc"].Estimate, auc.Estimate, 1e-12, "B minus A")
	// The squares are 0.01, 0.36, 0.36, 0.01 and 0.04, 0.16, 0.09, 0.04.
	require.InDelta(t, (0.33-0.74)/4, same.Differences["brier"].Estimate, 1e-12)

	// Two rows more, each of which one of the two does not take, change nothing but what is said.
	d = newDuel(t, append(y, 0, 1), [2][]float64{{0.1, 0.4, 0.6, 0.9, -1, 0.3}, {0.2, 0.6, 0.3, 0.8, 0.3, -1}})
	part := d.compare(t)
	require.Equal(t, same.Differences, part.Differences)
	require.Equal(t, "4 of 6 rows are good for both", part.Note)
}

// What cannot be compared says why.
func TestUnpairedSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name   string
		y      []float64
		scores [2][]float64
		says   string
	}{
		{"no row that both take", []float64{0, 1, 0, 1}, [2][]float64{{-1, -1, 0.1, 0.2}, {0.1, 0.2, -1, -1}}, "none of the 4 rows of the test part of version 2 is good for both"},
		{"one class left", []float64{0, 1, 0, 1}, [2][]float64{{0.2, 0.2, 0.1, -1}, {0.1, -1, 0.2, 0.3}}, "both classes are needed"},
		{"too few of a class", []float64{0, 1, 0, 0}, [2][]float64{{0.2, 0.2, 0.1, 0.4}, {0.1, 0.3, 0.2, 0.3}}, "1 of 4 labels are positive; at least two of each class are needed"},
	} {
		same := newDuel(t, test.y, test.scores).compare(t)
		require.Nil(t, same.Differences, test.name)
		require.Contains(t, same.Unpaired, test.says, test.name)
	}
}
