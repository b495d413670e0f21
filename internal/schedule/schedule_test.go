package schedule_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/schedule/scheduletest"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/workflows"
)

// cards is a spec with the given schedule, and with a text that may differ where nothing else does.
func cards(t *testing.T, timings, description string) registry.PipelineSpec {
	t.Helper()
	yaml := "name: cards\ndescription: " + description + "\nsource: {uri: rows.csv}\nlabel: {column: y, positive: \"1\", negative: \"0\"}\ntime: t\ncolumns:\n  - {name: a, type: number}\n" + timings
	spec, err := pipeline.Parse("cards.yaml", []byte(yaml))
	require.NoError(t, err)
	return registry.NewPipelineSpec(spec, []byte(yaml))
}

type world struct {
	registry  registry.Registry
	memory    *scheduletest.Memory
	schedules schedule.Schedules
}

func newWorld(t *testing.T) world {
	t.Helper()
	reg, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "registry.db"))
	require.NoError(t, err)
	t.Cleanup(func() { reg.Close() })
	memory := scheduletest.New()
	return world{reg, memory, schedule.Schedules{Client: memory}}
}

// register registers a spec and returns what that did to schedules.
func (w world) register(t *testing.T, spec registry.PipelineSpec) []string {
	t.Helper()
	w.memory.Calls = nil
	require.NoError(t, w.schedules.Register(t.Context(), w.registry, spec))
	current, err := w.registry.Pipeline(t.Context(), "cards")
	require.NoError(t, err)
	require.Equal(t, spec.Digest, current.Digest)
	return w.memory.Calls
}

// timings are those of the pipeline's schedules, by what they start.
func (w world) timings(t *testing.T) map[string]string {
	t.Helper()
	states, err := w.schedules.States(t.Context(), "cards")
	require.NoError(t, err)
	found := map[string]string{}
	for _, s := range states {
		found[string(s.Run)] = s.Timing
	}
	return found
}

func TestRegisteringMakesChangesAndDeletesSchedules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, []string{"create retrain-cards", "create monitor-cards"}, w.register(t, cards(t, "", "by default")))
	require.Equal(t, map[string]string{"training": "0 3 * * 1", "monitor": "0 2 * * *"}, w.timings(t), "the defaults of docs/reference.md")

	require.Equal(t, []string{"update retrain-cards"}, w.register(t, cards(t, "schedule: {retrain: 12h}\n", "changed")))
	require.Equal(t, map[string]string{"training": "12h", "monitor": "0 2 * * *"}, w.timings(t))

	require.Equal(t, []string{"delete monitor-cards"}, w.register(t, cards(t, "schedule: {retrain: 12h, monitor: off}\n", "changed")))
	require.Equal(t, map[string]string{"training": "12h"}, w.timings(t))

	require.Equal(t, []string{"create monitor-cards"}, w.register(t, cards(t, "schedule: {retrain: 12h, monitor: 30m}\n", "changed")))
	require.Equal(t, map[string]string{"training": "12h", "monitor": "30m"}, w.timings(t))
}

func TestOffFromTheBeginningMakesNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Empty(t, w.register(t, cards(t, "schedule: {retrain: off, monitor: off}\n", "quiet")))
	require.Empty(t, w.timings(t))
}

// What a person does to a schedule stays until the spec says something else about it.
func TestRegisteringLeavesWhatAPersonDid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		does func(t *testing.T, s schedule.Schedules) error
		want map[string]string
	}{
		"set": {func(t *testing.T, s schedule.Schedules) error {
			return s.Set(t.Context(), "cards", workflows.TrainingRun, "10s", "grace")
		}, map[string]string{"training": "10s", "monitor": "0 2 * * *"}},
		"deleted": {func(t *testing.T, s schedule.Schedules) error {
			return s.Delete(t.Context(), "cards", workflows.MonitorRun)
		}, map[string]string{"training": "0 3 * * 1"}},
		"paused": {func(t *testing.T, s schedule.Schedules) error {
			return s.Pause(t.Context(), "cards", workflows.TrainingRun, "grace: an audit")
		}, map[string]string{"training": "0 3 * * 1", "monitor": "0 2 * * *"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.register(t, cards(t, "", "first"))
			require.NoError(t, test.does(t, w.schedules))
			require.Empty(t, w.register(t, cards(t, "", "first")), "the unchanged spec")
			require.Empty(t, w.register(t, cards(t, "", "second")), "another change")
			require.Empty(t, w.register(t, cards(t, "schedule: {monitor: 0 2 * * *}\n", "second")), "the default, written out")
			require.Equal(t, test.want, w.timings(t))
			states, err := w.schedules.States(t.Context(), "cards")
			require.NoError(t, err)
			require.Equal(t, name == "paused", states[0].Paused)
		})
	}
}

// Whoever paused a schedule wants no run; that a spec says another time does not change that.
func TestAChangedTimingLeavesASchedulePaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "", "first"))
	require.NoError(t, w.schedules.Pause(t.Context(), "cards", workflows.TrainingRun, "paused by grace: an audit"))
	require.Equal(t, []string{"update retrain-cards"}, w.register(t, cards(t, "schedule: {retrain: 24h}\n", "first")))
	states, err := w.schedules.States(t.Context(), "cards")
	require.NoError(t, err)
	require.Equal(t, "24h", states[0].Timing)
	require.True(t, states[0].Paused)
	require.Equal(t, "paused by grace: an audit", states[0].Note)
	require.Nil(t, states[0].Next)

	require.NoError(t, w.schedules.Resume(t.Context(), "cards", workflows.TrainingRun, "resumed by grace"))
	states, err = w.schedules.States(t.Context(), "cards")
	require.NoError(t, err)
	require.False(t, states[0].Paused)
	require.Equal(t, "resumed by grace", states[0].Note)
}

// A spec is recorded after its schedules: where Temporal is away, registering it again does what is missing.
func TestASpecWhoseSchedulesFailIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.memory.Err = errors.New("connection refused")
	err := w.schedules.Register(t.Context(), w.registry, cards(t, "", "first"))
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "retrain-cards")
	_, err = w.registry.Pipeline(t.Context(), "cards")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))

	w.memory.Err = nil
	require.Len(t, w.register(t, cards(t, "", "first")), 2)
}

// A registration that set a schedule, and whose record failed, is undone by the spec of before.
func TestGoingBackToTheSpecOfBefore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		unrecorded string
		during     []string // what the failed registration did
		after      []string
	}{
		"another timing": {"{retrain: 10s, monitor: 1h}", []string{"update retrain-cards"}, []string{"update retrain-cards"}},
		"off":            {"{retrain: off, monitor: 1h}", nil, nil},
		"one more":       {"{retrain: 24h, monitor: 10s}", []string{"update monitor-cards"}, []string{"update monitor-cards"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before := cards(t, "schedule: {retrain: 24h, monitor: 1h}\n", "a")
			w.register(t, before)
			bad := cards(t, "schedule: "+test.unrecorded+"\n", "b")
			bad.Policy.Digest = "" // which the registry refuses, as one that is away would
			w.memory.Calls = nil
			require.Error(t, w.schedules.Register(t.Context(), w.registry, bad))
			require.Equal(t, test.during, w.memory.Calls)
			require.Equal(t, test.after, w.register(t, before))
			require.Equal(t, map[string]string{"training": "24h", "monitor": "1h"}, w.timings(t))
		})
	}
}

// What a person sets after such a registration is a person's: the spec of before leaves it.
func TestAPersonSettlesWhatAFailedRegistrationSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := cards(t, "schedule: {retrain: 24h, monitor: off}\n", "a")
	w.register(t, before)
	bad := cards(t, "schedule: {retrain: 10s, monitor: off}\n", "b")
	bad.Policy.Digest = ""
	require.Error(t, w.schedules.Register(t.Context(), w.registry, bad))
	require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.TrainingRun, "12h", "grace"))
	require.Empty(t, w.register(t, before))
	require.Equal(t, map[string]string{"training": "12h"}, w.timings(t))
}

// A pipeline is paused as a whole: what is made meanwhile is of a pipeline that is paused, whoever makes it, and one resumption ends it.
func TestAScheduleOfAPausedPipelineIsMadePaused(t *testing.T) {
	t.Parallel()
	const why = "paused by grace: an audit"
	both, training := cards(t, "schedule: {retrain: 24h, monitor: 1h}\n", "a"), cards(t, "schedule: {retrain: 24h, monitor: off}\n", "a")
	looks := cards(t, "schedule: {retrain: off, monitor: 1h}\n", "a")
	register := func(spec registry.PipelineSpec) func(*testing.T, world) {
		return func(t *testing.T, w world) { w.register(t, spec) }
	}
	for name, test := range map[string]struct {
		first registry.PipelineSpec
		then  []func(*testing.T, world)
	}{
		"a spec declares a monitor":  {training, []func(*testing.T, world){register(both)}},
		"a spec declares retraining": {looks, []func(*testing.T, world){register(both)}},
		"one goes, and comes again":  {both, []func(*testing.T, world){register(looks), register(both)}},
		"one after the other goes":   {both, []func(*testing.T, world){register(looks), register(both), register(training), register(both)}},
		"a person sets one": {training, []func(*testing.T, world){func(t *testing.T, w world) {
			require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.MonitorRun, "2h", "ada"))
		}}},
		"a person deletes and sets one": {both, []func(*testing.T, world){func(t *testing.T, w world) {
			require.NoError(t, w.schedules.Delete(t.Context(), "cards", workflows.MonitorRun))
			require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.MonitorRun, "2h", "ada"))
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.register(t, test.first)
			for _, run := range schedule.Runs {
				if err := w.schedules.Pause(t.Context(), "cards", run, why); err != nil {
					require.Equal(t, fault.NotFound, fault.CodeOf(err))
				}
			}
			for _, then := range test.then {
				then(t, w)
			}
			states, err := w.schedules.States(t.Context(), "cards")
			require.NoError(t, err)
			require.Len(t, states, 2)
			for _, s := range states {
				require.True(t, s.Paused, s.Schedule)
				require.Equal(t, why, s.Note, s.Schedule)
				require.Nil(t, s.Next)
				require.NoError(t, w.schedules.Resume(t.Context(), "cards", s.Run, "resumed by grace"))
			}
		})
	}
}

// Once it is resumed nothing is made paused.
func TestAScheduleOfAResumedPipelineIsMadeRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "schedule: {retrain: 24h, monitor: off}\n", "a"))
	require.NoError(t, w.schedules.Pause(t.Context(), "cards", workflows.TrainingRun, "paused by grace"))
	require.NoError(t, w.schedules.Resume(t.Context(), "cards", workflows.TrainingRun, "resumed by grace"))
	w.register(t, cards(t, "schedule: {retrain: 24h, monitor: 1h}\n", "a"))
	states, err := w.schedules.States(t.Context(), "cards")
	require.NoError(t, err)
	require.Len(t, states, 2)
	for _, s := range states {
		require.False(t, s.Paused, s.Schedule)
	}
}

// A schedule that could not be deleted is when the spec is registered again.
func TestADeletionIsMadeUpFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "", "first"))
	quiet := cards(t, "schedule: {retrain: off, monitor: off}\n", "quiet")
	require.NoError(t, w.registry.PutPipeline(t.Context(), quiet), "as a registration does that ends before it deletes")
	require.Equal(t, []string{"delete retrain-cards", "delete monitor-cards"}, w.register(t, quiet))
	require.Empty(t, w.register(t, quiet))
}

// So is one that a person had set before, but not one that a person has set since.
func TestADeletionOfWhatAPersonSetIsMadeUpFor(t *testing.T) {
	t.Parallel()
	on, off := cards(t, "schedule: {retrain: 24h, monitor: off}\n", "on"), cards(t, "schedule: {retrain: off, monitor: off}\n", "off")
	failed := func() world {
		w := newWorld(t)
		w.register(t, on)
		require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.TrainingRun, "12h", "grace"))
		w.memory.Undeletable = true
		require.Error(t, w.schedules.Register(t.Context(), w.registry, off))
		w.memory.Undeletable = false
		require.Equal(t, map[string]string{"training": "12h"}, w.timings(t), "it goes on as it was")
		return w
	}
	w := failed()
	w.register(t, off)
	require.Empty(t, w.timings(t))

	w = failed()
	require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.TrainingRun, "6h", "grace"))
	w.register(t, off)
	require.Equal(t, map[string]string{"training": "6h"}, w.timings(t), "of the spec that is recorded she knows")

	w = failed()
	require.Empty(t, w.register(t, on), "the spec of before leaves it as a person has made it")
	require.Equal(t, []string{"delete retrain-cards"}, w.register(t, off))
}

// Two writers: whoever recorded its spec last may not be the one who set the schedules last. Registering the spec again settles that.
func TestTheRecordedSpecIsSettledByRegisteringItAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, other := cards(t, "schedule: {retrain: 24h, monitor: 1h}\n", "a"), cards(t, "schedule: {retrain: 12h, monitor: 1h}\n", "b")
	w.register(t, other)
	w.register(t, one)
	require.NoError(t, w.registry.PutPipeline(t.Context(), other))
	require.Equal(t, []string{"update retrain-cards"}, w.register(t, other))
	require.Equal(t, map[string]string{"training": "12h", "monitor": "1h"}, w.timings(t))
}

// What a person set is a person's, however often, until a spec declares something else than the one before it.
func TestAPersonsTimingIsNotTakenForASpecs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "schedule: {retrain: 24h, monitor: off}\n", "a"))
	for _, timing := range []pipeline.Timing{"10s", "24h", "20s"} {
		require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.TrainingRun, timing, "grace"))
		require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.MonitorRun, timing, "grace"))
		require.Empty(t, w.register(t, cards(t, "schedule: {retrain: 24h, monitor: off}\n", "again")))
	}
	require.Equal(t, map[string]string{"training": "20s", "monitor": "20s"}, w.timings(t))
	require.Equal(t, []string{"update retrain-cards"}, w.register(t, cards(t, "schedule: {retrain: 12h, monitor: off}\n", "b")))
	require.Equal(t, map[string]string{"training": "12h", "monitor": "20s"}, w.timings(t))
}

// A spec that this release does not understand declares nothing that could be left as it is.
func TestASpecOfAnotherReleaseIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := cards(t, "", "old")
	old.YAML, old.Digest = []byte("name: cards\nolder: true\n"), strings.Repeat("0", 64)
	require.NoError(t, w.registry.PutPipeline(t.Context(), old))
	require.Equal(t, []string{"create retrain-cards", "create monitor-cards"}, w.register(t, cards(t, "", "new")))
}

func TestASpecThatCannotBeReadIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := cards(t, "", "first")
	spec.YAML = []byte("name: [")
	require.Equal(t, fault.Invalid, fault.CodeOf(w.schedules.Register(t.Context(), w.registry, spec)))
	require.Empty(t, w.memory.Calls)
}

// What Temporal is told: which workflow, on which queue, what a person sees, and that triggers that were missed are made up for once.
func TestWhatASchedulePromises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for run, id := range map[workflows.Scheduled]string{workflows.TrainingRun: "retrain-cards", workflows.MonitorRun: "monitor-cards"} {
		require.NoError(t, w.schedules.Set(t.Context(), "cards", run, "10s", "grace"))
		described, err := w.memory.GetHandle(t.Context(), id).Describe(t.Context())
		require.NoError(t, err)
		require.Equal(t, "10s, set by grace", described.Schedule.State.Note)
		require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, described.Schedule.Policy.Overlap)
		require.Greater(t, described.Schedule.Policy.CatchupWindow, 300*24*time.Hour)
		does, ok := described.Schedule.Action.(*client.ScheduleWorkflowAction)
		require.True(t, ok)
		require.Equal(t, "Trigger", does.Workflow)
		require.Equal(t, "loanops", does.TaskQueue)
		require.Equal(t, []any{workflows.TriggerInput{Run: run, Pipeline: "cards", Trigger: "schedule", Actor: id}}, does.Args)
		require.Equal(t, 2, does.TypedSearchAttributes.Size())
	}
}

// Whoever asks is heard: a trigger that comes while another one is under way is not skipped, as one of the timing is.
func TestATriggerIsHeardWhileAnotherIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "", "first"))
	w.memory.Calls = nil
	require.NoError(t, w.schedules.Trigger(t.Context(), "cards", workflows.TrainingRun))
	require.Equal(t, []string{"trigger retrain-cards AllowAll"}, w.memory.Calls)
}

// A paused schedule triggers at none of the times that Temporal tells of it.
func TestAPausedScheduleHasNoNextTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, cards(t, "schedule: {monitor: off}\n", "first"))
	next := func() *time.Time {
		states, err := w.schedules.States(t.Context(), "cards")
		require.NoError(t, err)
		require.Len(t, states, 1)
		return states[0].Next
	}
	require.Nil(t, next(), "Temporal tells none")
	at := time.Date(2026, 7, 6, 3, 0, 0, 0, time.UTC)
	w.memory.Next = []time.Time{at, at.AddDate(0, 0, 7)}
	require.Equal(t, &at, next())
	require.NoError(t, w.schedules.Pause(t.Context(), "cards", workflows.TrainingRun, "grace: an audit"))
	require.Nil(t, next())
	require.NoError(t, w.schedules.Resume(t.Context(), "cards", workflows.TrainingRun, "grace"))
	require.Equal(t, &at, next())
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, err := range []error{
		w.schedules.Delete(t.Context(), "cards", workflows.TrainingRun),
		w.schedules.Pause(t.Context(), "cards", workflows.TrainingRun, "why"),
		w.schedules.Resume(t.Context(), "cards", workflows.TrainingRun, "why"),
		w.schedules.Trigger(t.Context(), "cards", workflows.TrainingRun),
	} {
		require.Equal(t, fault.NotFound, fault.CodeOf(err))
		require.ErrorContains(t, err, "there is no schedule retrain-cards")
	}
}

// A timing is told as it was given, where it was given in the shortest way.
func TestTimingsAreToldAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tell := func(timing pipeline.Timing) string {
		require.NoError(t, w.schedules.Set(t.Context(), "cards", workflows.TrainingRun, timing, "grace"))
		return w.timings(t)["training"]
	}
	for _, timing := range []pipeline.Timing{"1s", "10s", "1m", "1m10s", "10m", "1h", "20h", "24h", "1h30m", "1h0m1s", "168h", "0 3 * * 1", "*/15 8-18 * * mon-fri"} {
		require.Equal(t, string(timing), tell(timing))
	}
	rapid.Check(t, func(r *rapid.T) {
		every := time.Duration(rapid.IntRange(1, 366*24*3600).Draw(r, "seconds")) * time.Second
		require.Equal(t, every, pipeline.Timing(tell(pipeline.Timing(every.String()))).Interval())
	})
}

func TestATimingOfTheWebUIIsOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.memory.Create(t.Context(), client.ScheduleOptions{ID: "retrain-cards", Spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{}}}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"training": "other"}, w.timings(t))
}
