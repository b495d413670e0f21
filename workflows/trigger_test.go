package workflows

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// stamped is a run that began, or a trigger that came, with its time from the beginning of the test.
type stamped struct {
	at time.Duration
	TrainingInput
}

// runsAtOnce is a pipeline whose trainings take a while.
type runsAtOnce struct {
	env   *testsuite.TestWorkflowEnvironment
	takes time.Duration

	mu       sync.Mutex
	running  bool
	runs     []stamped
	about    []temporal.SearchAttributes // with which they began
	canceled int                         // runs that somebody cancelled
	began    time.Time
	newest   func() activities.RunStartOutput // what Temporal says of the newest run; the others of these tests began long ago
	recorded []activities.RunInput
}

func newRunsAtOnce(takes time.Duration) *runsAtOnce {
	var suite testsuite.WorkflowTestSuite
	r := &runsAtOnce{env: suite.NewTestWorkflowEnvironment(), takes: takes}
	patient(r.env, &realTerms{})
	r.env.RegisterWorkflowWithOptions(Trigger, workflow.RegisterOptions{Name: TriggerName})
	r.env.RegisterWorkflowWithOptions(r.train, workflow.RegisterOptions{Name: ContinuousTrainingName})
	r.env.RegisterWorkflowWithOptions(r.monitor, workflow.RegisterOptions{Name: MonitorName})
	r.env.RegisterWorkflowWithOptions(triggerAll, workflow.RegisterOptions{Name: "triggerAll"})
	r.env.RegisterActivityWithOptions(r.await, activity.RegisterOptions{Name: activities.AwaitRun.Name})
	r.env.RegisterActivityWithOptions(func(_ context.Context, _ activities.RunStartInput) (activities.RunStartOutput, error) {
		return r.newest(), nil
	}, activity.RegisterOptions{Name: activities.FindRunStart.Name})
	r.env.RegisterActivityWithOptions(func(_ context.Context, in activities.RunInput) (activities.RunOutput, error) {
		r.recorded = append(r.recorded, in)
		return activities.RunOutput{}, nil
	}, activity.RegisterOptions{Name: activities.RecordRun.Name})
	r.began = r.env.Now()
	r.newest = func() activities.RunStartOutput {
		return activities.RunStartOutput{RunID: "run-1", At: r.began.Add(-24 * time.Hour)}
	}
	return r
}

func (r *runsAtOnce) train(ctx workflow.Context, in TrainingInput) (Result, error) {
	r.mu.Lock()
	r.running = true
	r.runs = append(r.runs, stamped{workflow.Now(ctx).Sub(r.began), in})
	r.about = append(r.about, workflow.GetTypedSearchAttributes(ctx))
	r.mu.Unlock()
	err := workflow.Sleep(ctx, r.takes)
	r.mu.Lock()
	r.running = false
	if err != nil {
		r.canceled++
	}
	r.mu.Unlock()
	if err == nil {
		err = errors.New("however it ends")
	}
	return Result{}, err
}

func (r *runsAtOnce) monitor(ctx workflow.Context, in MonitorInput) (Result, error) {
	return r.train(ctx, TrainingInput{Pipeline: in.Pipeline, Trigger: in.Trigger, Data: "monitor"})
}

func (r *runsAtOnce) await(_ context.Context, in activities.AwaitInput) (activities.AwaitOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return activities.AwaitOutput{}, temporal.NewApplicationErrorWithOptions(in.WorkflowID+" runs", string(fault.Conflict),
			temporal.ApplicationErrorOptions{NextRetryDelay: r.takes / 10})
	}
	return activities.AwaitOutput{}, nil
}

// due is a trigger and when it comes.
type due struct {
	At    time.Duration
	Input TriggerInput
}

// triggerAll is the world: triggers come, each as a workflow of its own, in order of time.
func triggerAll(ctx workflow.Context, all []due) ([]Triggered, error) {
	var ends []workflow.ChildWorkflowFuture
	began := workflow.Now(ctx)
	for _, next := range all {
		if err := workflow.Sleep(ctx, next.At-workflow.Now(ctx).Sub(began)); err != nil {
			return nil, err
		}
		end := workflow.ExecuteChildWorkflow(ctx, TriggerName, next.Input)
		if err := end.GetChildWorkflowExecution().Get(ctx, nil); err != nil { // else time may pass before it begins
			return nil, err
		}
		ends = append(ends, end)
	}
	outcomes := make([]Triggered, len(ends))
	for i, end := range ends {
		if err := end.Get(ctx, &outcomes[i]); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// trigger lets triggers come and returns what became of each, once every run has ended.
func (r *runsAtOnce) trigger(t require.TestingT, all ...due) []TriggerOutcome {
	r.env.ExecuteWorkflow("triggerAll", all)
	require.True(t, r.env.IsWorkflowCompleted())
	require.NoError(t, r.env.GetWorkflowError())
	var ended []Triggered
	require.NoError(t, r.env.GetWorkflowResult(&ended))
	var outcomes []TriggerOutcome
	for _, end := range ended {
		outcomes = append(outcomes, end.Outcome)
	}
	return outcomes
}

// scheduled is a trigger of a schedule.
var scheduled = TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: "schedule", Actor: "retrain-cards"}

func TestATriggerStartsTheRun(t *testing.T) {
	r := newRunsAtOnce(time.Minute)
	require.Equal(t, []TriggerOutcome{TriggerStarted}, r.trigger(t, due{0, scheduled}))
	require.Equal(t, []stamped{{0, TrainingInput{Pipeline: "cards", Trigger: "schedule", Actor: "retrain-cards"}}}, r.runs)
}

// Another trigger of the same moment asks why the run is before a worker has taken it.
func TestARunSaysAtOnceWhyItIs(t *testing.T) {
	for _, trigger := range []registry.Trigger{registry.BySchedule, registry.ByMonitor} {
		r := newRunsAtOnce(time.Minute)
		input := scheduled
		input.Trigger = trigger
		r.trigger(t, due{0, input})
		require.Len(t, r.about, 1)
		why, _ := r.about[0].GetKeyword(triggerKey)
		require.Equal(t, string(trigger), why)
	}
}

func TestATriggerByHandSaysSo(t *testing.T) {
	r := newRunsAtOnce(time.Minute)
	r.trigger(t, due{0, TriggerInput{Run: TrainingRun, Pipeline: "cards"}})
	require.Equal(t, registry.ByHand, r.runs[0].Trigger)
	require.Equal(t, "operator", r.runs[0].Actor)
}

// Two triggers at once are one run, and one more that was kept; ten during a run are one more, not ten.
func TestTriggersDuringARunAreOneMore(t *testing.T) {
	r := newRunsAtOnce(1000 * time.Hour) // the environment may let hours pass before a child begins
	all := []due{{0, scheduled}}
	for i := range 10 {
		all = append(all, due{time.Duration(i+1) * time.Minute, scheduled})
	}
	outcomes := map[TriggerOutcome]int{}
	for _, outcome := range r.trigger(t, all...) {
		outcomes[outcome]++
	}
	require.Equal(t, map[TriggerOutcome]int{TriggerStarted: 1, TriggerKept: 1, TriggerKeptAlready: 9}, outcomes)
	require.Len(t, r.runs, 2)
	require.GreaterOrEqual(t, r.runs[1].at, r.takes, "after the first, although that one failed")
	require.Equal(t, registry.BySchedule, r.runs[1].Trigger)
}

// A kept trigger says what a run records of why it was started: a finding is not forgotten for a time of day. Nor is what the other wanted to be known:
// one run does for both where it knows what either would.
func TestACauseIsNotForgotten(t *testing.T) {
	found := TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: "monitor", Actor: "monitor", Cause: "run-7", AsOf: "2026-06-30"}
	earlier, later := found, found
	earlier.AsOf, later.AsOf, later.Cause = "2026-03-31", "2026-07-31", "run-8"
	for name, test := range map[string]struct {
		kept        []TriggerInput
		cause, asOf string
	}{
		"a finding alone":                      {[]TriggerInput{found}, "run-7", "2026-06-30"},
		"of all that is known, and a finding":  {[]TriggerInput{scheduled, found, scheduled}, "run-7", ""},
		"a finding, and of all that is known":  {[]TriggerInput{found, scheduled}, "run-7", ""},
		"a finding, and one of an earlier day": {[]TriggerInput{found, earlier}, "run-7", "2026-06-30"},
		"a finding, and one of a later day":    {[]TriggerInput{found, later}, "run-8", "2026-07-31"},
		"one of a later day, and a finding":    {[]TriggerInput{later, found}, "run-7", "2026-07-31"},
	} {
		r := newRunsAtOnce(time.Hour)
		order := []due{{0, scheduled}}
		for i, kept := range test.kept {
			order = append(order, due{time.Duration(i+1) * time.Minute, kept})
		}
		r.trigger(t, order...)
		require.Len(t, r.runs, 2, name)
		require.Equal(t, TrainingInput{Pipeline: "cards", Trigger: "monitor", Actor: "monitor", Cause: test.cause, AsOf: test.asOf}, r.runs[1].TrainingInput, name)
	}
}

func TestMonitorsAndTrainingsDoNotWaitForEachOther(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	monitor := scheduled
	monitor.Run = MonitorRun
	require.Equal(t, []TriggerOutcome{TriggerStarted, TriggerStarted}, r.trigger(t, due{0, scheduled}, due{time.Minute, monitor}))
	require.Equal(t, "monitor", r.runs[1].Data)
	require.Equal(t, registry.BySchedule, r.runs[1].Trigger)
}

// The keeper has started its run, and is about to end, when a trigger comes that met both: it must not be lost.
func TestATriggerThatMeetsAKeeperAtItsEndIsKept(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	late := scheduled
	late.Actor = "late"
	keeper := scheduled
	keeper.Wait, keeper.Cause, keeper.AsOf = true, "run-7", "2026-06-30"
	told := false
	r.env.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) {
		if !told {
			told = true
			r.env.SignalWorkflow(AnotherSignal, late)
		}
	})
	r.env.ExecuteWorkflow(TriggerName, keeper)
	require.Len(t, r.runs, 1)
	require.Equal(t, []string{"run-7", "2026-06-30"}, []string{r.runs[0].Cause, r.runs[0].AsOf})
	late.Wait = true
	require.Equal(t, late, anew(t, r), "without the cause of the run before")
}

// anew is what the keeper goes on with when it begins anew.
func anew(t *testing.T, r *runsAtOnce) (input TriggerInput) {
	t.Helper()
	var err *workflow.ContinueAsNewError
	require.ErrorAs(t, r.env.GetWorkflowError(), &err)
	require.Equal(t, TriggerName, err.WorkflowType.Name)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(err.Input, &input))
	return input
}

// A keeper may wait for weeks, and hear of more triggers than a history holds.
func TestAKeeperThatHeardOfManyBeginsAnew(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	r.running = true
	r.env.RegisterDelayedCallback(func() {
		r.env.SignalWorkflow(AnotherSignal, TriggerInput{Actor: "early", Trigger: registry.BySchedule})
	}, time.Minute)
	r.env.RegisterDelayedCallback(func() {
		r.env.SetContinueAsNewSuggested(true)
		for _, other := range []TriggerInput{{Actor: "monitor", Trigger: registry.ByMonitor, Cause: "run-7"}, {Actor: "late", Trigger: registry.BySchedule}} {
			r.env.SignalWorkflow(AnotherSignal, other)
		}
	}, 2*time.Minute)
	keeper := scheduled
	keeper.Wait = true
	r.env.ExecuteWorkflow(TriggerName, keeper)
	require.Empty(t, r.runs)
	require.Equal(t, TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: registry.ByMonitor, Actor: "monitor", Cause: "run-7", Wait: true}, anew(t, r), "none is lost")
}

// Whoever cancels a keeper wants no run that it would start; what it has started is a run like others.
func TestACancelledKeeperCancelsNoRun(t *testing.T) {
	keeper := scheduled
	keeper.Wait = true
	r := newRunsAtOnce(time.Hour)
	r.env.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) { r.env.CancelWorkflow() })
	r.env.ExecuteWorkflow(TriggerName, keeper)
	require.NoError(t, r.env.GetWorkflowError())
	require.Len(t, r.runs, 1)
	require.Zero(t, r.canceled)

	r = newRunsAtOnce(time.Hour)
	r.running = true
	r.env.RegisterDelayedCallback(r.env.CancelWorkflow, time.Minute)
	r.env.ExecuteWorkflow(TriggerName, keeper)
	var canceled *temporal.CanceledError
	require.ErrorAs(t, r.env.GetWorkflowError(), &canceled)
	require.Empty(t, r.runs)
	require.Empty(t, r.recorded, "nothing has failed")
}

// A trigger that comes to nothing is told: there is no run that would say so.
func TestAFailedTriggerIsTold(t *testing.T) {
	for _, test := range []struct {
		run     Scheduled
		cause   string
		subject alert.Subject
	}{{TrainingRun, "run-7", alert.Training}, {MonitorRun, "", alert.Monitor}} {
		r := newRunsAtOnce(time.Hour)
		r.env.OnActivity(activities.AwaitRun.Name, mock.Anything, mock.Anything).
			Return(activities.AwaitOutput{}, temporal.NewNonRetryableApplicationError("no such namespace", string(fault.Invalid), nil))
		r.env.ExecuteWorkflow(TriggerName, TriggerInput{Run: test.run, Pipeline: "cards", Trigger: registry.ByMonitor, Cause: test.cause, Wait: true})
		require.ErrorContains(t, r.env.GetWorkflowError(), "no such namespace")
		require.Len(t, r.recorded, 1)
		told := r.recorded[0]
		require.Equal(t, []any{"cards", registry.ByMonitor, test.cause, registry.RunFailed}, []any{told.Run.Pipeline, told.Run.Trigger, told.Run.Cause, told.Run.Status})
		require.Equal(t, []alert.Raise{{Subject: test.subject, State: alert.Failed, Reasons: []string{"no such namespace"}}}, told.Raising.States)
	}
}

// Two triggers of a schedule at once are one run, on either side of the three seconds after its start.
func TestASchedulesTriggerJoinsARunOfTheSameMoment(t *testing.T) {
	came := time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)
	caused, byHand, look := scheduled, scheduled, scheduled
	caused.Cause, byHand.Trigger, look.Run = "run-7", registry.ByHand, MonitorRun
	for _, test := range []struct {
		name  string
		input TriggerInput
		began activities.RunStartOutput
		want  TriggerOutcome
	}{
		{"three seconds after its start", scheduled, activities.RunStartOutput{RunID: "run-1", At: came.Add(-3 * time.Second), Trigger: registry.BySchedule}, TriggerJoined},
		{"later", scheduled, activities.RunStartOutput{RunID: "run-1", At: came.Add(-3*time.Second - time.Nanosecond), Trigger: registry.BySchedule}, TriggerKept},
		{"before its start", scheduled, activities.RunStartOutput{RunID: "run-1", At: came.Add(time.Second), Trigger: registry.BySchedule}, TriggerJoined},
		{"a look", look, activities.RunStartOutput{RunID: "run-1", At: came, Trigger: registry.BySchedule}, TriggerJoined},
		{"a person's, which may read other rows, or deliver nothing", scheduled, activities.RunStartOutput{RunID: "run-1", At: came, Trigger: registry.ByHand}, TriggerKept},
		{"a look's, which knows what was known on another day", scheduled, activities.RunStartOutput{RunID: "run-1", At: came, Trigger: registry.ByMonitor}, TriggerKept},
		{"a run that Temporal does not know any more", scheduled, activities.RunStartOutput{}, TriggerKept},
		{"somebody asks for a run of what is now", byHand, activities.RunStartOutput{RunID: "run-1", At: came, Trigger: registry.BySchedule}, TriggerKept},
		{"something is found that the run does not know", caused, activities.RunStartOutput{RunID: "run-1", At: came, Trigger: registry.BySchedule}, TriggerKept},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunsAtOnce(time.Hour)
			id := TrainingID("cards")
			if test.input.Run == MonitorRun {
				id = MonitorID("cards")
			}
			r.env.SetStartTime(came)
			patient(r.env, &realTerms{taken: []string{id}})
			r.newest = func() activities.RunStartOutput { return test.began }
			r.env.ExecuteWorkflow(TriggerName, test.input)
			require.NoError(t, r.env.GetWorkflowError())
			var ended Triggered
			require.NoError(t, r.env.GetWorkflowResult(&ended))
			require.Equal(t, test.want, ended.Outcome)
			if test.want == TriggerJoined {
				require.Equal(t, Triggered{Outcome: TriggerJoined, WorkflowID: id, RunID: "run-1"}, ended)
				require.Empty(t, r.runs)
			} else {
				require.Len(t, r.runs, 1, "one more")
			}
		})
	}
}

// A keeper that has ended before it heard is replaced: the trigger begins anew.
func TestATriggerThatMeetsNoKeeperAnyMoreBeginsAnew(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	terms := &realTerms{taken: []string{TrainingID("cards"), KeeperID(TrainingRun, "cards"), TrainingID("cards")}}
	patient(r.env, terms)
	r.env.OnSignalExternalWorkflow("default-test-namespace", KeeperID(TrainingRun, "cards"), "", AnotherSignal, scheduled).
		Return(&temporal.UnknownExternalWorkflowExecutionError{}).Once()
	r.env.ExecuteWorkflow(TriggerName, scheduled)
	require.NoError(t, r.env.GetWorkflowError())
	var ended Triggered
	require.NoError(t, r.env.GetWorkflowResult(&ended))
	require.Equal(t, TriggerKept, ended.Outcome)
	require.Empty(t, terms.taken, "the run, its keeper, and another run went on when they were asked for")
	require.Len(t, r.runs, 1)
}

// Whatever comes when: every trigger is followed by a run that began after it was due, or at the same moment, there are no more runs than triggers, and
// none begins while another goes on.
func TestNoTriggerIsLostAndNoneIsTwoRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRunsAtOnce(time.Duration(rapid.IntRange(1, 40).Draw(t, "takes")) * time.Second)
		r.newest = func() activities.RunStartOutput {
			r.mu.Lock()
			defer r.mu.Unlock()
			return activities.RunStartOutput{RunID: "newest", At: r.began.Add(r.runs[len(r.runs)-1].at), Trigger: registry.BySchedule}
		}
		seconds := rapid.SliceOfN(rapid.IntRange(0, 120), 1, 12).Draw(t, "seconds")
		slices.Sort(seconds)
		var all []due
		for _, at := range seconds {
			all = append(all, due{time.Duration(at) * time.Second, scheduled})
		}
		r.trigger(t, all...)
		for _, trigger := range all {
			require.True(t, slices.ContainsFunc(r.runs, func(run stamped) bool { return run.at >= trigger.At-sameMoment }), "the trigger at %s is lost", trigger.At)
		}
		require.LessOrEqual(t, len(r.runs), len(all))
		for i := 1; i < len(r.runs); i++ {
			require.GreaterOrEqual(t, r.runs[i].at-r.runs[i-1].at, r.takes)
		}
	})
}

// What a trigger has a training read is read, and by no other one: here a changed spec is registered during a run, and then the schedule's time comes.
func TestATriggerBringsWhatItsTrainingReads(t *testing.T) {
	changed := TriggerInput{
		Run: TrainingRun, Pipeline: "cards", Trigger: registry.BySpec, Actor: "grace", Cause: "spec 0123456789ab", Data: "/rows.csv", Uploads: map[string][]string{"/rows.csv": {"s3://loanops/rows.csv"}},
	}
	r := newRunsAtOnce(time.Minute)
	outcomes := r.trigger(t, due{0, scheduled}, due{time.Second, changed}, due{2 * time.Second, scheduled}, due{70 * time.Second, scheduled})
	require.Equal(t, []TriggerOutcome{TriggerStarted, TriggerKept, TriggerKeptAlready, TriggerKept}, outcomes)
	require.Len(t, r.runs, 3)
	require.Equal(t, TrainingInput{
		Pipeline: "cards", Trigger: registry.BySpec, Actor: "grace", Cause: "spec 0123456789ab", Data: "/rows.csv", Uploads: map[string][]string{"/rows.csv": {"s3://loanops/rows.csv"}},
	}, r.runs[1].TrainingInput, "a schedule that has no cause is no reason to forget one")
	require.Equal(t, TrainingInput{Pipeline: "cards", Trigger: registry.BySchedule, Actor: "retrain-cards"}, r.runs[2].TrainingInput)
}

// bySpec is a trigger of a spec that was registered, and files that it names.
func bySpec(spec, object string) TriggerInput {
	return TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: registry.BySpec, Actor: "grace", Cause: "spec " + spec, Uploads: map[string][]string{"/rows.csv": {object}}}
}

// One run does for all that wait for one, as long as it reads what one of them brings: with that one's reason, and without the day of another's.
func TestAKeptTriggerKeepsWhatItBrings(t *testing.T) {
	found := TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: registry.ByMonitor, Actor: "monitor", Cause: "run-7", AsOf: "2026-06-30"}
	byHand := TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: registry.ByHand, Actor: "ada", Data: "s3://loans/june.csv"}
	otherHand := TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: registry.ByHand, Actor: "alan", Data: "s3://loans/july.csv"}
	onADay := byHand
	onADay.AsOf = "2026-05-31"
	inS3 := bySpec("2", "")
	inS3.Uploads = nil
	for _, test := range []struct {
		name string
		came []TriggerInput
		want []TriggerInput
	}{
		{"a spec's files, and then a finding", []TriggerInput{bySpec("1", "a"), found}, []TriggerInput{bySpec("1", "a")}},
		{"a finding, and then a spec's files", []TriggerInput{found, bySpec("1", "a")}, []TriggerInput{bySpec("1", "a")}},
		{"rows that a person names, and then the schedule's time", []TriggerInput{byHand, scheduled}, []TriggerInput{byHand}},
		{"the schedule's time, and then rows that a person names", []TriggerInput{scheduled, byHand}, []TriggerInput{byHand}},
		{"a spec registered anew", []TriggerInput{bySpec("1", "a"), bySpec("2", "b")}, []TriggerInput{bySpec("2", "b")}},
		{"a spec registered anew that names no files", []TriggerInput{bySpec("1", "a"), inS3}, []TriggerInput{inS3}},
		{"rows of a day that a person names, and then the schedule's time", []TriggerInput{onADay, scheduled}, []TriggerInput{onADay}},
		{"rows of a day, and the same of none", []TriggerInput{onADay, byHand}, []TriggerInput{byHand}},
		{"rows of no day, and the same of one", []TriggerInput{byHand, onADay}, []TriggerInput{byHand}},
		{"the rows of two", []TriggerInput{byHand, otherHand}, []TriggerInput{byHand, otherHand}},
		{"the rows of two, and all else that comes", []TriggerInput{scheduled, byHand, found, bySpec("1", "a"), byHand, bySpec("2", "b"), scheduled}, []TriggerInput{byHand, bySpec("2", "b")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunsAtOnce(time.Hour)
			all := []due{{0, scheduled}}
			for i, input := range test.came {
				all = append(all, due{time.Duration(i+1) * time.Minute, input})
			}
			r.trigger(t, all...)
			want := []TrainingInput{}
			for _, in := range append([]TriggerInput{scheduled}, test.want...) {
				want = append(want, TrainingInput{Pipeline: "cards", Trigger: in.Trigger, Actor: in.Actor, Cause: in.Cause, AsOf: in.AsOf, Data: in.Data, Uploads: in.Uploads})
			}
			got := []TrainingInput{}
			for _, run := range r.runs {
				got = append(got, run.TrainingInput)
			}
			require.Equal(t, want, got)
		})
	}
}

// A keeper that begins anew takes with it all that wait.
func TestAKeeperThatBeginsAnewKeepsTheRowsOfAll(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	r.running = true
	keeper, other := scheduled, scheduled
	keeper.Wait, keeper.Data, keeper.Next = true, "a.csv", []TriggerInput{{Run: TrainingRun, Pipeline: "cards", Data: "b.csv", Wait: true}}
	r.env.RegisterDelayedCallback(func() {
		r.env.SetContinueAsNewSuggested(true)
		other.Data = "c.csv"
		r.env.SignalWorkflow(AnotherSignal, other)
	}, time.Minute)
	r.env.ExecuteWorkflow(TriggerName, keeper)
	other.Wait = true
	want := keeper
	want.Next = []TriggerInput{keeper.Next[0], other}
	require.Equal(t, want, anew(t, r))
}

func TestATriggerOfNothingIsRefused(t *testing.T) {
	for _, input := range []TriggerInput{{}, {Run: TrainingRun}, {Pipeline: "cards"}, {Run: "lunch", Pipeline: "cards"}} {
		r := newRunsAtOnce(time.Minute)
		r.env.ExecuteWorkflow(TriggerName, input)
		require.ErrorContains(t, r.env.GetWorkflowError(), `"run" and "pipeline" are needed`)
		require.Empty(t, r.runs)
	}
}

// A look has no cause to record: what a trigger says of one is refused, not dropped.
func TestATriggerOfALookTakesNoCause(t *testing.T) {
	r := newRunsAtOnce(time.Minute)
	r.env.ExecuteWorkflow(TriggerName, TriggerInput{Run: MonitorRun, Pipeline: "cards", Cause: "run-7"})
	require.ErrorContains(t, r.env.GetWorkflowError(), `a monitor takes no "cause"`)
	require.Empty(t, r.runs)
}

// realTerms makes the environment say in Temporal's terms that a child's ID is taken: it says it in those of the service. And it has a child know
// when it was started, in the time of the environment.
type realTerms struct {
	interceptor.WorkerInterceptorBase
	taken []string // IDs that are said to be taken, in the order in which they are asked for
}

func (r *realTerms) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, r, &time.Time{}}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	terms *realTerms
	began *time.Time
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.terms, i.began})
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	*i.began = workflow.Now(ctx)
	return i.Next.ExecuteWorkflow(ctx, in)
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	terms *realTerms
	began *time.Time
}

func (o *outbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := o.Next.GetInfo(ctx)
	if info.ParentWorkflowExecution != nil {
		info.WorkflowStartTime = *o.began
	}
	return info
}

func (o *outbound) ExecuteChildWorkflow(ctx workflow.Context, name string, args ...any) workflow.ChildWorkflowFuture {
	id := workflow.GetChildWorkflowOptions(ctx).WorkflowID
	if len(o.terms.taken) > 0 && o.terms.taken[0] == id {
		o.terms.taken = o.terms.taken[1:]
		return child{taken: true}
	}
	return child{ChildWorkflowFuture: o.Next.ExecuteChildWorkflow(ctx, name, args...)}
}

// ExecuteActivity tries on where no number of attempts is asked for, after ten of which the environment ends.
func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	if options.RetryPolicy.MaximumAttempts == 0 {
		options.RetryPolicy.MaximumAttempts = 1_000_000
	}
	return o.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, options), name, args...)
}

// SignalExternalWorkflow asks again for a child of the same moment that has not begun, at which the environment panics.
func (o *outbound) SignalExternalWorkflow(ctx workflow.Context, id, runID, name string, arg any) workflow.Future {
	for {
		if told := o.signal(ctx, id, runID, name, arg); told != nil {
			return told
		}
		_ = workflow.Sleep(ctx, time.Millisecond)
	}
}

func (o *outbound) signal(ctx workflow.Context, id, runID, name string, arg any) (told workflow.Future) {
	defer func() { _ = recover() }()
	return o.Next.SignalExternalWorkflow(ctx, id, runID, name, arg)
}

type child struct {
	workflow.ChildWorkflowFuture
	taken bool
}

func (c child) GetChildWorkflowExecution() workflow.Future { return execution{c} }

func (c child) Get(ctx workflow.Context, value any) error {
	if c.taken {
		return &temporal.ChildWorkflowExecutionAlreadyStartedError{}
	}
	return c.ChildWorkflowFuture.Get(ctx, value)
}

type execution struct{ child child }

func (execution) IsReady() bool { return true }

func (e execution) Get(ctx workflow.Context, value any) error {
	if e.child.taken {
		return &temporal.ChildWorkflowExecutionAlreadyStartedError{}
	}
	err := e.child.ChildWorkflowFuture.GetChildWorkflowExecution().Get(ctx, value)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &taken) {
		return &temporal.ChildWorkflowExecutionAlreadyStartedError{}
	}
	return err
}
