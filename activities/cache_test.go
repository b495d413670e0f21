package activities

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// question is an input with a part that is not in its JSON.
type question struct {
	Asked  string `json:"asked"`
	Hidden string `json:"-"`
}

// answer is an output with one object.
type answer struct {
	Object artifact.Ref `json:"object"`
	Reused
}

func (a answer) Summary() string { return "answered" + a.mark() }

func (a answer) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{"answer": a.Object}
}

// The key is the step's name, its version and its input, and nothing else.
func TestACachedStepIsKnownByItsNameItsVersionAndItsInput(t *testing.T) {
	b := newBench(t)
	cache := StepCache{Registry: b.registry, Objects: b.objects}
	ask := func(name, version string, in question) answer {
		out, err := cached(t.Context(), cache, Step[question, answer]{Name: name, Version: version}, in,
			func(ctx context.Context, in question) (answer, error) {
				require.Empty(t, in.Hidden, "what is not in the key does not reach the work")
				ref, err := b.objects.Put(ctx, []byte(name+version+in.Asked), "text/plain", "txt")
				return answer{Object: ref}, err
			})
		require.NoError(t, err)
		return out
	}
	first := ask("A", "1", question{Asked: "x", Hidden: "y"})
	require.False(t, first.Cached)
	require.Equal(t, "answered", first.Summary())
	again := ask("A", "1", question{Asked: "x"})
	require.True(t, again.Cached)
	require.Equal(t, first.Object, again.Object)
	require.Equal(t, "answered (cached)", again.Summary())
	for name, other := range map[string]answer{
		"another version":          ask("A", "2", question{Asked: "x"}),
		"another step":             ask("B", "1", question{Asked: "x"}),
		"another input":            ask("A", "1", question{Asked: "y"}),
		"name and version shifted": ask("A1", "", question{Asked: "x"}),
	} {
		require.False(t, other.Cached, name)
	}
	require.True(t, ask("B", "1", question{Asked: "x"}).Cached)
}

func TestNoOutputIsCachedOfWorkThatFailed(t *testing.T) {
	b := newBench(t)
	failing := func(context.Context, question) (answer, error) { return answer{}, fault.New(fault.Unavailable, "away") }
	_, err := cached(t.Context(), b.stages.Training.Cache, Step[question, answer]{Name: "A", Version: "1"}, question{}, failing)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.Empty(t, b.registry.steps)
}

// A row that another release wrote and this one does not understand is no reason to stop.
func TestAnUnreadableRowIsNoHit(t *testing.T) {
	b := newBench(t)
	first := b.parts(t)
	for key, row := range b.registry.steps {
		row.Result = []byte(`{"dataset":"once a text","report":"once a text","json":"once a text","train":"once a text"}`)
		b.registry.steps[key] = row
	}
	again := b.parts(t)
	require.Equal(t, first.fresh(), again.fresh())
}

// A part that is gone is made again, of a dataset and of what its rows were split into: whoever reads it would fail without it.
func TestALostPartIsMadeAgain(t *testing.T) {
	b := newBench(t)
	b.stages.Extraction.rowsPerSlice = 1000
	first := b.parts(t)
	untrained := []string{TrainModel.Name, EvaluateModel.Name}
	require.Equal(t, untrained, b.parts(t).fresh())
	for _, test := range []struct {
		of    artifact.Ref
		again string
	}{{first.extracted.Dataset, ExtractData.Name}, {first.split.Validation, SplitData.Name}} {
		m, refs, err := manifest(t.Context(), b.objects, test.of)
		require.NoError(t, err)
		last := refs[len(m.Parts)-1].SHA256
		delete(b.objects.bytes, last)
		require.Equal(t, append([]string{test.again}, untrained...), b.parts(t).fresh())
		require.Contains(t, b.objects.bytes, last)
	}
}

// Which steps run again after a change of the spec: those that read what changed, and those whose input came out differently.
func TestChangesOfASpec(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	none, all := []string{}, everyStep
	// A profile is of what was seen: another schema that sees the same needs no other one.
	unseen := slices.DeleteFunc(slices.Clone(everyStep), func(step string) bool { return step == ProfileData.Name })
	for _, test := range []struct {
		name   string
		change func(*pipeline.Spec)
		again  []string
	}{
		{"nothing", func(*pipeline.Spec) {}, none},
		{"description", func(s *pipeline.Spec) { s.Description = "other words" }, none},
		{"a gate", func(s *pipeline.Spec) { s.Gates[0].Min = number(0.99) }, none},
		{"policy", func(s *pipeline.Spec) { s.Policy.Cutoff = 0.4 }, none},
		{"deploy", func(s *pipeline.Spec) { s.Deploy.Canary.Steps, s.Deploy.MemoryMiB = []int{50}, 256 }, none},
		{"source", func(s *pipeline.Spec) { s.Source.Simulate.Seed++ }, all},
		{"limits", func(s *pipeline.Spec) { s.Limits.MaxRows++ }, []string{ExtractData.Name}}, // the same table comes of it
		{"label", func(s *pipeline.Spec) { s.Label.MaturesAfterDays-- }, unseen},
		{"label's meaning", func(s *pipeline.Spec) { s.Label.Meaning = pipeline.MeaningApproval }, unseen},
		{"a column's reason", func(s *pipeline.Spec) { s.Columns[0].Reason = "other words" }, none},
		{"a column's range", func(s *pipeline.Spec) { s.Columns[4].Max = number(9e6) }, unseen},
		{"one column less", func(s *pipeline.Spec) { s.Ignore, s.Columns = append(s.Ignore, s.Columns[0].Name), s.Columns[1:] }, all},
		{"split", func(s *pipeline.Spec) { s.Split.Train, s.Split.Test = 0.5, 0.3 }, []string{SplitData.Name, TrainModel.Name, EvaluateModel.Name}},
		{"algorithm", func(s *pipeline.Spec) { s.Algorithm.L2 = []float64{1} }, []string{TrainModel.Name, EvaluateModel.Name}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.spec.Source.Simulate.Rows = 1500
			b.train(t)
			b.spec.Columns, b.spec.Gates, b.spec.Ignore = slices.Clone(b.spec.Columns), slices.Clone(b.spec.Gates), slices.Clone(b.spec.Ignore)
			test.change(&b.spec)
			require.Equal(t, test.again, b.train(t).fresh())
		})
	}
}

// The same, of files: what they hold and how they are joined.
func TestChangesOfASource(t *testing.T) {
	b := newBench(t)
	written, err := writeSimulated(t.TempDir(), *b.spec.Source.Simulate, time.Time{})
	require.NoError(t, err)
	join := func(i int) pipeline.Join {
		return pipeline.Join{Relation: pipeline.Relation{URI: written[i].files[0].Path}, On: pipeline.Names{"application_id"}}
	}
	source := func() pipeline.Source {
		return pipeline.Source{Relation: join(0).Relation, Join: []pipeline.Join{join(1), join(2)}}
	}
	b.spec.Source = source()
	b.parts(t)
	for _, test := range []struct {
		name   string
		change func(*pipeline.Source)
		again  bool
	}{
		{"nothing", func(*pipeline.Source) {}, false},
		{"the kind of a join", func(s *pipeline.Source) { s.Join[0].Kind = pipeline.InnerJoin }, true},
		{"missing", func(s *pipeline.Source) { s.Missing = []string{"NA"} }, true},
		{"a condition", func(s *pipeline.Source) { s.Where = "loan_amount > 1000" }, true},
		{"a selection", func(s *pipeline.Source) { s.Join[1].Select = []string{"application_id", "gender"} }, true},
		{"the order of joins", func(s *pipeline.Source) { slices.Reverse(s.Join) }, true},
		{"one join less", func(s *pipeline.Source) { s.Join = s.Join[:1] }, true},
		{"where a file is", func(s *pipeline.Source) { s.Join[1].URI = copied(t, s.Join[1].URI, "moved.parquet") }, false},
		{"how a file is read", func(s *pipeline.Source) { s.Join[1].Rename = map[string]string{"gender": "sex"} }, true},
	} {
		changed := source()
		test.change(&changed)
		spec := b.spec
		spec.Source = changed
		loaded := b.loaded(t, spec)
		out, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Schema: loaded.Schema.Ref, Source: loaded.Source, Limits: loaded.Limits, KnownAt: b.known()})
		require.NoError(t, err, test.name)
		require.Equal(t, test.again, !out.Cached, test.name)
	}
}

func copied(t *testing.T, path, name string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(to, data, 0o600))
	return to
}
