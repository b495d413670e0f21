package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/schedule/scheduletest"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// desk registers specs of cards, and remembers what that starts.
type desk struct {
	registrar
	started map[string]workflows.TriggerInput // by workflow ID
	away    error                             // what starting ends with
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{started: map[string]workflows.TriggerInput{}}
	d.registrar = registrar{
		registry: newFakePlatform(t).registry(t), schedules: schedule.Schedules{Client: scheduletest.New()}, actor: "grace",
		bring: func(_ context.Context, spec pipeline.Spec) (string, map[string][]string, error) {
			return "", map[string][]string{spec.Source.URI: {"s3://loanops/rows"}}, nil
		},
		start: func(_ context.Context, id string, input workflows.TriggerInput) (client.WorkflowRun, error) {
			if d.away == nil {
				d.started[id] = input
			}
			return fakeRun{id: id}, d.away
		},
	}
	return d
}

type fakeRun struct {
	client.WorkflowRun
	id string
}

func (r fakeRun) GetID() string { return r.id }

const cardsSpec = "name: cards\nsource: {uri: rows.csv}\nlabel: {column: y, positive: b, negative: g}\ncolumns: [{name: a, type: number}]\n"

// register registers the spec of cards with more lines.
func (d *desk) register(t *testing.T, more string) registration {
	t.Helper()
	done, err := d.try(t, more)
	require.NoError(t, err)
	return done
}

func (d *desk) try(t *testing.T, more string) (registration, error) {
	t.Helper()
	spec, err := pipeline.Parse("cards.yaml", []byte(cardsSpec+more))
	require.NoError(t, err)
	as := registry.NewPipelineSpec(spec, []byte(cardsSpec+more))
	done, err := d.registrar.register(t.Context(), spec, as)
	require.Equal(t, []string{"cards", as.Digest}, []string{done.Pipeline, done.Digest})
	return done, err
}

// serve makes a version champion.
func (d *desk) serve(t *testing.T) {
	t.Helper()
	v := version(t, d.registry, "cards", "a", 0.7)
	newest, err := d.registry.Serving(t.Context(), "cards", serving.Production)
	require.NoError(t, err)
	for _, change := range []func(serving.Record) (serving.Record, error){
		func(r serving.Record) (serving.Record, error) {
			return r.Prepare(serving.Track{Version: v.Version, Policy: strings.Repeat("p", 64)}, "")
		},
		serving.Record.Promote,
	} {
		next, err := change(newest)
		require.NoError(t, err)
		newest, err = d.registry.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "w", Actor: "grace", Reason: "why", Operation: string(next.Change)}))
		require.NoError(t, err)
	}
}

// Each row is registered after those before it. Wanted by hand.
func TestRegisteringTrainsWhatItChanges(t *testing.T) {
	d := newDesk(t)
	first := d.register(t, "")
	require.True(t, first.Changed)
	require.Contains(t, first.Reason, "no version of cards serves yet; train the first with: loanops ct start cards")
	require.Contains(t, d.register(t, "split: {seed: 2}\n").Reason, "no version of cards serves yet")
	d.serve(t)
	for i, test := range []struct {
		more    string
		changed bool
		trains  bool
		says    string
	}{
		{"split: {seed: 2}\n", false, false, "it is registered already"},
		{"split: {seed: 2}\n# a remark\n", true, false, "a training makes the same of it"},
		{"split: {seed: 2}\npolicy: {cutoff: 0.4}\nschedule: {retrain: 24h}\n", true, false, "a training makes the same of it"},
		{"split: {seed: 3}\ngates: [{metric: ks, min: 0.1}]\n", true, true, "it differs in split, gates"},
		{"split: {seed: 3}\ngates: [{metric: ks, min: 0.1}]\n", false, false, "it is registered already"},
		{"split: {seed: 4}\ntraining: {on_change: nothing}\n", true, false, "training.on_change is nothing"},
		{"split: {seed: 4}\n", true, false, "a training makes the same of it"},
		{"", true, true, "it differs in split"},
		{"split: {seed: 4}\n", true, true, "it differs in split"},
	} {
		clear(d.started)
		done := d.register(t, test.more)
		require.Equal(t, test.changed, done.Changed, i)
		require.Contains(t, done.Reason, test.says, i)
		registered, err := d.registry.Pipeline(t.Context(), "cards")
		require.NoError(t, err)
		require.Equal(t, cardsSpec+test.more, string(registered.YAML))
		if !test.trains {
			require.Empty(t, done.Triggered, i)
			require.Empty(t, d.started, i)
			continue
		}
		require.Equal(t, workflows.SpecTriggerID("cards", registered.CreatedAt), done.Triggered)
		require.Equal(t, map[string]workflows.TriggerInput{done.Triggered: {
			Run: workflows.TrainingRun, Pipeline: "cards", Trigger: registry.BySpec, Actor: "grace", Cause: "spec " + done.Digest[:12],
			Uploads: map[string][]string{"rows.csv": {"s3://loanops/rows"}},
		}}, d.started)
	}
}

// Files that cannot be stored leave the spec as it was, so that registering it again trains it; a trigger that cannot be started is told.
func TestAChangeIsNotForgotten(t *testing.T) {
	d := newDesk(t)
	d.register(t, "")
	d.serve(t)
	bring := d.bring
	d.bring = func(context.Context, pipeline.Spec) (string, map[string][]string, error) {
		return "", nil, fault.New(fault.NotFound, "there is no rows.csv")
	}
	_, err := d.try(t, "split: {seed: 2}\n")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	d.bring = bring
	require.NotEmpty(t, d.register(t, "split: {seed: 2}\n").Triggered)

	d.away = fault.New(fault.Unavailable, "connection refused")
	_, err = d.try(t, "split: {seed: 3}\n")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "the spec of cards is registered, but no training under it was started; start one with: loanops ct start cards")
}

// A spec that this release does not understand may have trained otherwise.
func TestASpecOfAnotherReleaseIsTrained(t *testing.T) {
	d := newDesk(t)
	d.register(t, "")
	d.serve(t)
	old, err := d.registry.Pipeline(t.Context(), "cards")
	require.NoError(t, err)
	old.YAML, old.Digest = []byte("name: cards\nolder: true\n"), strings.Repeat("0", 64)
	require.NoError(t, d.registry.PutPipeline(t.Context(), old))
	done := d.register(t, "")
	require.NotEmpty(t, done.Triggered)
	require.Contains(t, done.Reason, "cannot be read any more")
}

// up says what its specs start, and waits for the given one's alone.
func TestUpTrainsWhatItsSpecChanges(t *testing.T) {
	d := newDesk(t)
	d.register(t, "")
	d.serve(t)
	var told bytes.Buffer
	u := &up{app: &app{err: &told}}
	spec, err := pipeline.Parse("cards.yaml", []byte(cardsSpec+"split: {seed: 2}\n"))
	require.NoError(t, err)
	for _, want := range []int{1, 0} {
		clear(d.started)
		trigger, err := u.register(t.Context(), d.registrar, spec, registry.NewPipelineSpec(spec, []byte(cardsSpec+"split: {seed: 2}\n")))
		require.NoError(t, err)
		require.Len(t, d.started, want)
		require.Equal(t, want == 1, trigger != nil)
	}
	require.Contains(t, told.String(), "cards: a training is started, by trigger-spec-cards-")
	require.Contains(t, told.String(), "it differs in split")
}

// What is wrong with a spec is said before any platform is asked.
func TestRegisterRefusesWhatIsNoSpec(t *testing.T) {
	p := newFakePlatform(t)
	_, stderr, code := p.run(t, "pipelines", "register", filepath.Join(p.dir, "none.yaml"))
	require.Equal(t, exitNotFound, code, stderr)
	broken := filepath.Join(p.dir, "broken.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("name: cards\n"), 0o600))
	_, stderr, code = p.run(t, "pipelines", "register", broken)
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "broken.yaml:1:")
}

func TestRegistrationsInWords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out, output: "text"}
	a.describeRegistration(registration{Pipeline: "cards", Digest: strings.Repeat("a", 64), Reason: "it is registered already"})
	a.describeRegistration(registration{Pipeline: "cards", Digest: strings.Repeat("b", 64), Changed: true, Reason: "why", Triggered: "trigger-1"})
	require.Equal(t, "the spec of cards stays as it is, digest aaaaaaaaaaaa\n  it is registered already\n"+
		"the spec of cards is registered, digest bbbbbbbbbbbb\n  why\n  a training is started, by trigger-1\n", out.String())
	out.Reset()
	a.output = "json"
	require.NoError(t, a.print(registration{Pipeline: "cards", Digest: "d", trigger: fakeRun{}}, func() { t.Error(errors.New("text")) }))
	require.JSONEq(t, `{"pipeline":"cards","digest":"d","changed":false,"triggered":"","reason":""}`, out.String())
}
