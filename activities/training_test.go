package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// The contract between the steps: what SplitData gives to training and to the test share no application.
func TestNoTestRowIsTrainedOn(t *testing.T) {
	b := newBench(t)
	split := b.parts(t)
	seen := map[string]string{}
	for _, part := range []struct {
		name string
		ref  artifact.Ref
		rows int
	}{{"train", split.Train, split.TrainRows}, {"validation", split.Validation, split.ValidationRows}, {"test", split.Test, split.TestRows}} {
		table, err := getTable(t.Context(), b.objects, part.ref)
		require.NoError(t, err)
		require.Equal(t, part.rows, table.Rows())
		for _, entity := range table.Column(b.spec.Entity).Texts {
			require.Empty(t, seen[entity], "an application of %s is in %s as well", part.name, seen[entity])
			seen[entity] = part.name
		}
		for _, protected := range b.spec.Protected {
			require.NotNil(t, table.Column(protected), "the fairness report reads it from the table")
		}
	}
	require.NotEmpty(t, seen)
}

// The path from data to a version: the second run skips everything and comes to the same model.
func TestTrainingTwiceIsTheSameModelFromTheCache(t *testing.T) {
	b := newBench(t)
	_, trained, evaluated, version := b.trained(t)
	require.False(t, trained.Cached)
	require.False(t, evaluated.Cached)
	require.Greater(t, evaluated.Metrics["auc"].Estimate, 0.65, "3,000 simulated rows carry a signal")
	require.Equal(t, trained.Bundle.SHA256, version.Digest)

	_, again, measured, same := b.trained(t)
	require.True(t, again.Cached)
	require.True(t, measured.Cached)
	require.Equal(t, 1, b.tables.extractions)
	require.Equal(t, version, same)
	require.Equal(t, evaluated.Metrics, measured.Metrics)

	fresh := newBench(t)
	_, elsewhere, _, _ := fresh.trained(t)
	require.False(t, elsewhere.Cached)
	require.Equal(t, trained.Bundle.SHA256, elsewhere.Bundle.SHA256, "the same inputs give the same bytes")
}

func TestChangingOneGateDoesNotTrainAgain(t *testing.T) {
	b := newBench(t)
	b.trained(t)
	strict := 0.99
	b.spec.Gates[0].Min = &strict
	b.spec.Policy.Cutoff = 0.4
	b.spec.Deploy.Canary.Steps = []int{50}
	_, trained, evaluated, _ := b.trained(t)
	require.True(t, trained.Cached)
	require.True(t, evaluated.Cached)
	gates, err := b.stages.Evaluation.CheckGates(t.Context(), GateInput{Gates: b.spec.Gates, Metrics: evaluated.Metrics})
	require.NoError(t, err)
	require.False(t, gates.Passed)
	require.Len(t, gates.Refused, 1)
}

func TestWhatMeansAnotherModelTrainsAgain(t *testing.T) {
	b := newBench(t)
	_, first, _, _ := b.trained(t)
	b.spec.Algorithm.L2 = []float64{1}
	_, second, _, _ := b.trained(t)
	require.False(t, second.Cached)
	require.NotEqual(t, first.Bundle.SHA256, second.Bundle.SHA256)
	require.Equal(t, 1, b.tables.extractions, "the data are the same")
	b.spec.Source.Simulate.Seed++
	_, third, _, _ := b.trained(t)
	require.False(t, third.Cached)
	require.Equal(t, 2, b.tables.extractions)
}

func TestALostObjectIsMadeAgain(t *testing.T) {
	b := newBench(t)
	_, first, _, _ := b.trained(t)
	delete(b.objects.bytes, first.Bundle.SHA256)
	_, again, _, _ := b.trained(t)
	require.False(t, again.Cached)
	require.Equal(t, first.Bundle, again.Bundle)
}

func TestEvaluateComparesWithTheChampionOnTheSameRows(t *testing.T) {
	b := newBench(t)
	split, trained, evaluated, _ := b.trained(t)
	require.Nil(t, evaluated.Champion)
	in := EvaluateInput{Spec: b.spec, Bundle: trained.Bundle, Test: split.Test, Champion: &trained.Bundle}
	compared, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, compared.Metrics, compared.Champion, "it is the same model")

	table, err := getTable(t.Context(), b.objects, split.Test)
	require.NoError(t, err)
	missing := b.spec.Columns[0].Name
	var kept []dataset.Column
	for _, column := range table.Columns {
		if column.Name != missing {
			kept = append(kept, column)
		}
	}
	without, err := putTable(t.Context(), b.objects, dataset.Table{Columns: kept})
	require.NoError(t, err)
	narrow := b.spec
	narrow.Columns = b.spec.Columns[1:]
	challenger, err := b.stages.Training.Train(t.Context(), TrainInput{Spec: narrow, Train: split.Train, Validation: split.Validation})
	require.NoError(t, err)
	in.Spec, in.Bundle, in.Test = narrow, challenger.Bundle, without
	apart, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err, "a champion that cannot score the rows does not stop the evaluation")
	require.Nil(t, apart.Champion)
	require.Contains(t, apart.Note, missing)
}

func TestValidateReturnsErrorsAsAResult(t *testing.T) {
	b := newBench(t)
	extracted, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec, AsOf: "2026-03-31"})
	require.NoError(t, err)
	in := DatasetInput{Spec: b.spec, Dataset: extracted.Dataset, AsOf: "2026-03-31"}
	good, err := b.stages.Checking.Validate(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, good.Errors)
	in.Spec.Columns = append(in.Spec.Columns[:0:0], in.Spec.Columns...)
	in.Spec.Columns[0].Name = "shoe_size"
	bad, err := b.stages.Checking.Validate(t.Context(), in)
	require.NoError(t, err)
	require.NotEmpty(t, bad.Errors)
	require.Contains(t, bad.Errors[0], "shoe_size")
	profile, err := b.stages.Checking.Profile(t.Context(), in)
	require.NoError(t, err)
	require.NotEmpty(t, profile.HTML.SHA256)
}

func TestExtractRefusesADayThatIsNone(t *testing.T) {
	b := newBench(t)
	_, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec, AsOf: "31.03.2026"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "2026-03-31")
}

// A file under the same name with other bytes is other data.
func TestExtractSeesThatAFileChanged(t *testing.T) {
	b := newBench(t)
	path := t.TempDir() + "/applications.parquet"
	writeTable(t, path, 10)
	first, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec, Data: path})
	require.NoError(t, err)
	require.EqualValues(t, 10, first.Rows)
	require.Equal(t, path, first.Source)
	again, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec, Data: path})
	require.NoError(t, err)
	require.True(t, again.Cached)
	writeTable(t, path, 11)
	changed, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Spec: b.spec, Data: path})
	require.NoError(t, err)
	require.False(t, changed.Cached)
	require.EqualValues(t, 11, changed.Rows)
}

func TestLoadPipeline(t *testing.T) {
	b := newBench(t)
	require.Contains(t, b.registry.specs, "loan-eligibility", "the built-in spec was registered")
	_, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: "no-such"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	yaml := append([]byte("# of our own\n"), b.registry.specs["loan-eligibility"].YAML...)
	b.registry.specs["loan-eligibility"] = registry.PipelineSpec{Name: "loan-eligibility", Digest: "ours", YAML: yaml}
	loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: "loan-eligibility"})
	require.NoError(t, err)
	require.Equal(t, "ours", loaded.Digest, "what was registered comes before what is built in")
}

func TestResolve(t *testing.T) {
	b := newBench(t)
	_, err := b.stages.Models.Resolve(t.Context(), ResolveInput{Model: b.spec.Name})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "ct start")
	for _, digest := range []string{"a", "b"} {
		_, err := b.stages.Models.Register(t.Context(), RegisterInput{Version: registry.ModelVersion{Name: b.spec.Name, Digest: digest}})
		require.NoError(t, err)
	}
	newest, err := b.stages.Models.Resolve(t.Context(), ResolveInput{Model: b.spec.Name})
	require.NoError(t, err)
	require.Equal(t, 2, newest.Version.Version)
	require.Nil(t, newest.Champion)
	b.registry.aliases[registry.Champion] = 1
	named, err := b.stages.Models.Resolve(t.Context(), ResolveInput{Model: b.spec.Name, Version: 2})
	require.NoError(t, err)
	require.Equal(t, "a", named.Champion.Digest)
	same, err := b.stages.Models.Register(t.Context(), RegisterInput{Version: registry.ModelVersion{Name: b.spec.Name, Digest: "a"}})
	require.NoError(t, err)
	require.Equal(t, RegisterOutput{Version: 1, Digest: "a", Champion: 1}, same)
}
