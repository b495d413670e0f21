package activities

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/train/logit"
)

// everyStep is the steps that are cached.
var everyStep = []string{ExtractData.Name, ValidateData.Name, ProfileData.Name, SplitData.Name, TrainModel.Name, EvaluateModel.Name}

// The contract between the steps: what SplitData gives to training and to the test share no application.
func TestNoTestRowIsTrainedOn(t *testing.T) {
	b := newBench(t)
	split := b.parts(t).split
	seen := map[string]string{}
	for _, part := range []struct {
		name string
		ref  artifact.Ref
		rows int
	}{{"train", split.Train, split.TrainRows}, {"validation", split.Validation, split.ValidationRows}, {"test", split.Test, split.TestRows}} {
		table, err := ReadTable(t.Context(), b.objects, part.ref)
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

// What was written is checked, and what crosses stops the run, whatever the spec allows.
func TestCheckSplitFindsWhatCrosses(t *testing.T) {
	b := newBench(t)
	tr := b.parts(t)
	in := SplitCheckInput{Schema: tr.spec.Schema.Ref, Train: tr.split.Train, Validation: tr.split.Validation, Test: tr.split.Test, Split: tr.spec.Split}
	kept, err := b.stages.Checking.CheckSplit(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, tr.split.TrainRows+tr.split.ValidationRows+tr.split.TestRows, kept.Entities)
	require.Equal(t, fmt.Sprintf("nothing crosses: %d entities", kept.Entities), kept.Summary())
	again, err := b.stages.Checking.CheckSplit(t.Context(), in)
	require.NoError(t, err)
	require.True(t, again.Cached)

	in.Test = in.Train
	_, err = b.stages.Checking.CheckSplit(t.Context(), in)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, fmt.Sprintf("%d entities of the test part are in the train part as well", tr.split.TrainRows))
}

// An embargo is a part of the step's input, and its rows are counted.
func TestSplitCountsTheEmbargo(t *testing.T) {
	b := newBench(t)
	tr := b.parts(t)
	in := SplitInput{Schema: tr.spec.Schema.Ref, Dataset: tr.extracted.Dataset, Split: tr.spec.Split, KnownAt: b.known()}
	in.Split.EmbargoDays = 30
	out, err := b.stages.Checking.Split(t.Context(), in)
	require.NoError(t, err)
	require.False(t, out.Cached)
	require.Positive(t, out.Embargoed)
	require.Equal(t, tr.split.TrainRows+tr.split.ValidationRows, out.TrainRows+out.ValidationRows+out.Embargoed)
	require.Equal(t, tr.split.Test, out.Test)
	require.Contains(t, out.Summary(), fmt.Sprintf("; %d rows embargoed", out.Embargoed))
	_, err = b.stages.Checking.CheckSplit(t.Context(), SplitCheckInput{Schema: in.Schema, Train: out.Train, Validation: out.Validation, Test: out.Test, Split: in.Split})
	require.NoError(t, err)
	_, err = b.stages.Checking.CheckSplit(t.Context(), SplitCheckInput{Schema: in.Schema, Train: tr.split.Train, Validation: out.Validation, Test: out.Test, Split: in.Split})
	require.ErrorContains(t, err, "the train part has days within 30 days before the first of the validation part")
}

// The path from data to a version: the second run skips everything and comes to the same model.
func TestTrainingTwiceIsTheSameModelFromTheCache(t *testing.T) {
	b := newBench(t)
	first := b.train(t)
	require.Equal(t, everyStep, first.fresh())
	require.Greater(t, first.evaluated.Metrics["auc"].Estimate, 0.65, "3,000 simulated rows carry a signal")
	require.Equal(t, first.trained.Bundle.SHA256, first.version.Digest)

	again := b.train(t)
	require.Empty(t, again.fresh())
	require.Equal(t, 1, b.tables.joined)
	require.Equal(t, first.version, again.version)
	require.Equal(t, first.evaluated.Metrics, again.evaluated.Metrics)
	require.Equal(t, first.trained.Summary()+" (cached)", again.trained.Summary())

	elsewhere := newBench(t).train(t)
	require.Equal(t, everyStep, elsewhere.fresh())
	require.Equal(t, first.trained.Bundle.SHA256, elsewhere.trained.Bundle.SHA256, "the same inputs give the same bytes")
}

// The version holds what its run made, by role.
func TestAVersionHasTheArtifactsOfItsRun(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	require.Equal(t, map[string]artifact.Ref{
		artifact.Schema: tr.spec.Schema.Ref, artifact.Dataset: tr.extracted.Dataset, artifact.Quarantine: tr.extracted.Quarantine, artifact.Facts: tr.extracted.Facts,
		artifact.Sources: tr.extracted.Sources, artifact.ValidationReport: tr.validated.Report,
		artifact.Profile: tr.profiled.JSON, artifact.ProfileHTML: tr.profiled.HTML,
		artifact.Train: tr.split.Train, artifact.Validation: tr.split.Validation, artifact.Test: tr.split.Test,
		artifact.Bundle: tr.trained.Bundle, artifact.Evaluation: tr.evaluated.JSON, artifact.EvaluationHTML: tr.evaluated.HTML,
		artifact.Golden: tr.evaluated.Golden,
	}, b.registry.versions[0].Artifacts)
	require.Equal(t, tr.extracted.Dataset.SHA256, b.registry.versions[0].Lineage.Dataset)
	b.registry.made = nil
	_, err := b.stages.Models.Register(t.Context(), RegisterInput{RunID: "run-2", Model: b.spec.Name})
	require.ErrorContains(t, err, "run-2 has noted no model bundle")
}

// What a run has noted may be gone until it registers: a version of it could be neither delivered nor explained.
func TestAVersionNamesNothingThatIsGone(t *testing.T) {
	for _, role := range []string{artifact.Bundle, artifact.Dataset} {
		b := newBench(t)
		tr := b.train(t)
		delete(b.objects.bytes, tr.version.Artifacts[role].SHA256)
		_, err := b.stages.Models.Register(t.Context(), RegisterInput{RunID: "run-1", Model: b.spec.Name, SpecDigest: b.registry.specs[product][0].Digest})
		require.Equal(t, fault.NotFound, fault.CodeOf(err), role)
		require.ErrorContains(t, err, "the "+role+" of run run-1 is not in the store any more")
	}
}

func TestALostObjectIsMadeAgain(t *testing.T) {
	b := newBench(t)
	first := b.train(t)
	delete(b.objects.bytes, first.trained.Bundle.SHA256)
	again := b.train(t)
	require.Equal(t, []string{TrainModel.Name}, again.fresh())
	require.Equal(t, first.trained.Bundle, again.trained.Bundle)
}

// Smoke and latency tests ask for golden rows: without one no predictor of the model could be told from a broken one.
func TestAModelWithoutAGoodRequestInItsTestPartIsRefused(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	m, err := getModel(t.Context(), b.objects, tr.trained.Bundle)
	require.NoError(t, err)
	bounded := slices.IndexFunc(m.Contract.Fields, func(f request.Field) bool { return f.Max != nil })
	require.GreaterOrEqual(t, bounded, 0)
	table, err := ReadTable(t.Context(), b.objects, tr.split.Test)
	require.NoError(t, err)
	values := table.Column(m.Contract.Fields[bounded].Name).Floats
	for i := range values {
		values[i] = *m.Contract.Fields[bounded].Max + 1
	}
	beyond, err := putTable(t.Context(), b.objects, table)
	require.NoError(t, err)
	_, err = b.stages.Evaluation.Evaluate(t.Context(), EvaluateInput{Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Test: beyond})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "rows is a good request under the contract")
}

// A penalty that the spec names anyway makes no other model, and no other step: it is found in the cache.
func TestTheChampionsPenaltyIsTriedOnce(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	in := TrainInput{Schema: tr.spec.Schema.Ref, Algorithm: b.spec.Algorithm, Train: tr.split.Train, Validation: tr.split.Validation, First: logit.First(tr.trained.Hyperparameters)}
	again, err := b.stages.Training.Train(t.Context(), in)
	require.NoError(t, err)
	require.NotEmpty(t, in.First)
	require.Equal(t, tr.trained.Bundle, again.Bundle)
	require.True(t, again.Cached)
	in.First = []byte(`{"l2":0.123}`)
	other, err := b.stages.Training.Train(t.Context(), in)
	require.NoError(t, err)
	require.False(t, other.Cached)
	require.Contains(t, string(other.Hyperparameters), `"trials":[{"l2":0.123,`)
}

// Probabilities of different outcomes have no quality in common: a drop between them would pass anything, or nothing. What a label says is told by its values
// and its column as much as by its meaning.
func TestAChampionOfAnotherLabelIsNotCompared(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	champion, err := b.stages.Models.FindChampion(t.Context(), ChampionInput{Model: b.spec.Name})
	require.NoError(t, err)
	require.Zero(t, champion, "there is none")
	for name, change := range map[string]func(*pipeline.Label){
		"meaning": func(l *pipeline.Label) { l.Meaning = pipeline.MeaningApproval },
		"values":  func(l *pipeline.Label) { l.Positive, l.Negative = l.Negative, l.Positive },
		"column":  func(l *pipeline.Label) { l.Column = "late" },
	} {
		label := b.spec.Label
		change(&label)
		out, err := b.stages.Evaluation.Evaluate(t.Context(), EvaluateInput{
			Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Test: tr.split.Test, Champion: &Rival{Version: 1, Bundle: tr.trained.Bundle, Label: label},
		})
		require.NoError(t, err)
		require.Nil(t, out.Champion.Differences, name)
		require.Contains(t, out.Champion.Note, "its scores are of the label "+label.Words()+" and cannot be compared with scores of "+b.spec.Label.Words())
		gates, err := b.stages.Evaluation.CheckGates(t.Context(), GateInput{Against: pipeline.IsBetter, Metrics: out.Metrics, Champion: out.Champion})
		require.NoError(t, err)
		require.True(t, gates.Passed, "the absolute gates decide")
		require.True(t, gates.NotComparable, "and a person")
	}
}

func TestEvaluateComparesWithTheChampionOnTheSameRows(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	require.Nil(t, tr.evaluated.Champion)
	in := EvaluateInput{Schema: tr.spec.Schema.Ref, Bundle: tr.trained.Bundle, Test: tr.split.Test, Champion: &Rival{Version: 1, Bundle: tr.trained.Bundle, Label: b.spec.Label}}
	compared, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err)
	require.True(t, compared.Champion.Same, "it is the same model")
	require.Zero(t, compared.Champion.Differences["auc"].Estimate)
	gates, err := b.stages.Evaluation.CheckGates(t.Context(), GateInput{Against: pipeline.IsBetter, Metrics: compared.Metrics, Champion: compared.Champion})
	require.NoError(t, err)
	require.True(t, gates.Passed)
	require.False(t, gates.NotComparable)
	in.Previous = &Rival{Version: 1, Bundle: tr.trained.Bundle, Label: b.spec.Label}
	both, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, both.Champion, both.Previous, "the one before is measured on the same rows")
	in.Previous = nil

	table, err := ReadTable(t.Context(), b.objects, tr.split.Test)
	require.NoError(t, err)
	missing := b.spec.Columns[0].Name
	var kept []dataset.Column
	for _, column := range table.Columns {
		if column.Name != missing {
			kept = append(kept, column)
		}
	}
	in.Test, err = putTable(t.Context(), b.objects, dataset.Table{Columns: kept})
	require.NoError(t, err)
	narrow := b.spec
	narrow.Columns = b.spec.Columns[1:]
	in.Schema, err = putJSON(t.Context(), b.objects, schema.Of(narrow))
	require.NoError(t, err)
	challenger, err := b.stages.Training.Train(t.Context(), TrainInput{
		Schema: in.Schema, Algorithm: b.spec.Algorithm, Train: tr.split.Train, Validation: tr.split.Validation,
	})
	require.NoError(t, err)
	in.Bundle = challenger.Bundle
	apart, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err, "a champion that cannot score the rows does not stop the evaluation")
	require.Nil(t, apart.Champion.Differences)
	require.Contains(t, apart.Champion.Note, missing)
}

func TestValidateReturnsErrorsAsAResult(t *testing.T) {
	b := newBench(t)
	tr := b.parts(t)
	require.Empty(t, tr.validated.Errors)
	b.spec.Columns = slices.Clone(b.spec.Columns)
	b.spec.Columns[0].Name = "shoe_size"
	other, err := putJSON(t.Context(), b.objects, schema.Of(b.spec))
	require.NoError(t, err)
	bad, err := b.stages.Checking.Validate(t.Context(), ValidateInput{Schema: other, Dataset: tr.extracted.Dataset, Facts: tr.extracted.Facts, KnownAt: b.known()})
	require.NoError(t, err)
	require.NotEmpty(t, bad.Errors)
	require.Contains(t, bad.Errors[0], "shoe_size")
}

// What was known on a day decides which labels have matured: the same rows are split otherwise.
func TestAsOfDecidesWhichRowsAreKnown(t *testing.T) {
	b := newBench(t)
	tr := b.parts(t)
	in := SplitInput{Schema: tr.spec.Schema.Ref, Dataset: tr.extracted.Dataset, Split: tr.spec.Split, KnownAt: "2025-06-30"}
	earlier, err := b.stages.Checking.Split(t.Context(), in)
	require.NoError(t, err)
	require.False(t, earlier.Cached)
	require.Less(t, earlier.TrainRows, tr.split.TrainRows)
	validated, err := b.stages.Checking.Validate(t.Context(), ValidateInput{Schema: in.Schema, Dataset: in.Dataset, Facts: tr.extracted.Facts, KnownAt: in.KnownAt})
	require.NoError(t, err)
	require.False(t, validated.Cached)
	extracted, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: in.Schema, Source: tr.spec.Source, Limits: tr.spec.Limits, AsOf: in.KnownAt, KnownAt: in.KnownAt,
	})
	require.NoError(t, err)
	require.False(t, extracted.Cached)
}

// A feature that is the label all but for a few rows stops the training, unless the spec says why it may not.
func TestALeakVetoesUnlessItIsAllowed(t *testing.T) {
	b := newBench(t)
	tr := b.parts(t)
	in := LeakageInput{
		Schema: tr.spec.Schema.Ref, Dataset: tr.extracted.Dataset, Train: tr.split.Train, Validation: tr.split.Validation, Test: tr.split.Test,
		Leakage: tr.spec.Leakage, KnownAt: b.known(),
	}
	clean, err := b.stages.Checking.Leaks(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, clean.Vetoes)

	table, err := ReadTable(t.Context(), b.objects, tr.extracted.Dataset)
	require.NoError(t, err)
	label, copied := table.Column(b.spec.Label.Column), table.Column("inquiries_6m")
	for i := range copied.Floats {
		if label.Valid[i] && label.Texts[i] == b.spec.Label.Positive {
			copied.Floats[i] = 40
		}
	}
	in.Dataset, err = putTable(t.Context(), b.objects, table)
	require.NoError(t, err)
	leaky, err := b.stages.Checking.Leaks(t.Context(), in)
	require.NoError(t, err)
	require.NotEmpty(t, leaky.Vetoes)
	require.Contains(t, leaky.Vetoes[0], "inquiries_6m")

	found, err := getJSON[leakage](t.Context(), b.objects, leaky.Report)
	require.NoError(t, err)
	for _, veto := range found.Vetoes {
		in.Leakage.Allow = append(in.Leakage.Allow, pipeline.AllowedLeak{Column: veto.Column, Rule: string(veto.Rule), Reason: "asked at the branch"})
	}
	permitted, err := b.stages.Checking.Leaks(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, permitted.Vetoes)
	require.Len(t, permitted.Allowed, len(found.Vetoes))
	kept, err := getJSON[leakage](t.Context(), b.objects, permitted.Report)
	require.NoError(t, err)
	require.Equal(t, "asked at the branch", kept.Allowed[0].Reason)
}

func TestExtractRefusesADayThatIsNone(t *testing.T) {
	b := newBench(t)
	_, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{AsOf: "31.03.2026"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "2026-03-31")
}

// A file under the same name with other bytes is other data; the same bytes under another name are not.
func TestExtractSeesThatAFileChanged(t *testing.T) {
	b := newBench(t)
	spec := b.parts(t).spec
	path := t.TempDir() + "/applications.parquet"
	in := ExtractInput{Schema: spec.Schema.Ref, Limits: spec.Limits, Data: path}
	writeTable(t, path, 10)
	first, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.EqualValues(t, 10, first.Rows)
	require.Equal(t, path, first.Source)
	in.Data = t.TempDir() + "/moved.parquet"
	writeTable(t, in.Data, 10)
	again, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.True(t, again.Cached)
	require.Equal(t, in.Data, again.Source)
	writeTable(t, in.Data, 11)
	changed, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.False(t, changed.Cached)
	require.EqualValues(t, 11, changed.Rows)
}

func TestLoadPipeline(t *testing.T) {
	b := newBench(t)
	require.Contains(t, b.registry.specs, product, "the built-in spec was registered")
	_, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: "no-such"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	yaml := append([]byte("# of our own\n"), b.registry.specs[product][0].YAML...)
	require.NoError(t, b.registry.PutPipeline(t.Context(), registry.PipelineSpec{Name: product, Digest: "ours", YAML: yaml}))
	loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: product})
	require.NoError(t, err)
	require.Equal(t, "ours", loaded.Digest, "what was registered comes before what is built in")
}

// trained is a run that has stored and noted a bundle.
func (b *bench) trained(digest string) {
	b.objects.bytes[digest] = nil
	b.registry.made[artifact.Bundle] = artifact.Ref{SHA256: digest}
}

func TestRegister(t *testing.T) {
	b := newBench(t)
	specs := b.registry.specs[product]
	b.respec(t, "meaning: default", "meaning: approval", "  matures_after_days: 180   # younger loans do not train\n", "")
	was, now := specs[0].Digest, b.registry.specs[product][0].Digest
	for i, test := range []struct{ digest, spec string }{{"a", was}, {"b", was}, {"a", was}, {"a", now}} {
		b.trained(test.digest)
		registered, err := b.stages.Models.Register(t.Context(), RegisterInput{
			Model: product, SpecDigest: test.spec, Algorithm: "logistic", Hyperparameters: []byte(`{"l2":0.5,"iterations":9,"trials":[]}`),
		})
		require.NoError(t, err)
		want := []RegisterOutput{
			{Version: 1, Digest: "a", Created: true}, {Version: 2, Digest: "b", Created: true}, {Version: 1, Digest: "a"},
			{Version: 3, Digest: "a", Created: true}, // decides the other way round
		}
		require.Equal(t, want[i], registered)
		if i == 1 {
			none, err := b.stages.Models.FindChampion(t.Context(), ChampionInput{Model: product})
			require.NoError(t, err)
			require.Equal(t, ChampionOutput{}, none)
			next, err := b.registry.newest(serving.Production).Prepare(serving.Track{Version: 2}, "")
			b.registry.write(t, "run", next, err)
			next, err = b.registry.newest(serving.Production).Promote()
			b.registry.write(t, "run", next, err)
		}
	}
	found, err := b.stages.Models.FindChampion(t.Context(), ChampionInput{Model: product})
	require.NoError(t, err)
	require.Equal(t, []string{"logistic", `{"l2":0.5}`}, []string{found.Algorithm, string(found.First)})
	require.Equal(t, &Rival{Version: 2, Bundle: artifact.Ref{SHA256: "b"}}, found.Champion)
	require.Nil(t, found.Previous)
	next, err := b.registry.newest(serving.Production).Canary(serving.Track{Version: 1}, 5, "")
	b.registry.write(t, "run", next, err)
	next, err = b.registry.newest(serving.Production).Promote()
	b.registry.write(t, "run", next, err)
	found, err = b.stages.Models.FindChampion(t.Context(), ChampionInput{Model: product})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, []int{found.Champion.Version, found.Previous.Version})
}

// The program that trained is told of a version, and is no part of what the model is a function of: another program finds it in the cache, and where it
// trains anew comes to the same bytes.
func TestTheProgramThatTrainedIsLineageAlone(t *testing.T) {
	b := newBench(t)
	first, second := registry.Code{Revision: "aaaa", Go: "go1.26.8"}, registry.Code{Revision: "bbbb", Go: "go1.27.0"}
	b.stages.Training.Code = first
	tr := b.train(t)
	require.Equal(t, first, tr.trained.Code)
	b.stages.Training.Code = second
	again := b.train(t)
	require.True(t, again.trained.Cached, "the key does not hold it")
	require.Equal(t, first, again.trained.Code, "it was trained by the first")

	other := newBench(t)
	other.stages.Training.Code = second
	anew := other.train(t)
	require.Equal(t, second, anew.trained.Code)
	require.Equal(t, tr.trained.Bundle, anew.trained.Bundle)
	registered, err := other.stages.Models.Register(t.Context(), RegisterInput{RunID: "run-1", Model: product, SpecDigest: other.registry.specs[product][0].Digest, Code: second})
	require.NoError(t, err)
	require.False(t, registered.Created)

	b.trained("another")
	_, err = b.stages.Models.Register(t.Context(), RegisterInput{RunID: "run-1", Model: product, SpecDigest: b.registry.specs[product][0].Digest, Code: first})
	require.NoError(t, err)
	require.Equal(t, first, b.registry.versions[1].Lineage.Code)
}
