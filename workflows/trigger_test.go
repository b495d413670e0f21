package workflows

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/activities"
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

	mu      sync.Mutex
	running bool
	runs    []stamped
	began   time.Time
}

func newRunsAtOnce(takes time.Duration) *runsAtOnce {
	var suite testsuite.WorkflowTestSuite
	r := &runsAtOnce{env: suite.NewTestWorkflowEnvironment(), takes: takes}
	r.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&realTerms{}}})
	r.env.RegisterWorkflowWithOptions(Trigger, workflow.RegisterOptions{Name: TriggerName})
	r.env.RegisterWorkflowWithOptions(r.train, workflow.RegisterOptions{Name: ContinuousTrainingName})
	r.env.RegisterWorkflowWithOptions(r.monitor, workflow.RegisterOptions{Name: MonitorName})
	r.env.RegisterWorkflowWithOptions(triggerAll, workflow.RegisterOptions{Name: "triggerAll"})
	r.env.RegisterActivityWithOptions(r.await, activity.RegisterOptions{Name: activities.AwaitRun.Name})
	r.began = r.env.Now()
	return r
}

func (r *runsAtOnce) train(ctx workflow.Context, in TrainingInput) (Result, error) {
	r.mu.Lock()
	r.running = true
	r.runs = append(r.runs, stamped{workflow.Now(ctx).Sub(r.began), in})
	r.mu.Unlock()
	err := workflow.Sleep(ctx, r.takes)
	r.mu.Lock()
	r.running = false
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

// A kept trigger says what a run records of why it was started: a finding is not forgotten for a time of day.
func TestACauseIsNotForgotten(t *testing.T) {
	found := TriggerInput{Run: TrainingRun, Pipeline: "cards", Trigger: "monitor", Actor: "monitor", Cause: "run-7", AsOf: "2026-06-30"}
	for _, order := range [][]due{
		{{0, scheduled}, {time.Minute, scheduled}, {2 * time.Minute, found}, {3 * time.Minute, scheduled}},
		{{0, scheduled}, {time.Minute, found}, {2 * time.Minute, scheduled}},
	} {
		r := newRunsAtOnce(time.Hour)
		r.trigger(t, order...)
		require.Len(t, r.runs, 2)
		require.Equal(t, TrainingInput{Pipeline: "cards", Trigger: "monitor", Actor: "monitor", Cause: "run-7", AsOf: "2026-06-30"}, r.runs[1].TrainingInput)
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
	require.NoError(t, r.env.GetWorkflowError())
	require.Len(t, r.runs, 2)
	require.Equal(t, []string{"run-7", "2026-06-30"}, []string{r.runs[0].Cause, r.runs[0].AsOf})
	require.Equal(t, "late", r.runs[1].Actor)
	require.Empty(t, r.runs[1].Cause+r.runs[1].AsOf, "that was the cause of the run before")
	require.GreaterOrEqual(t, r.runs[1].at, time.Hour)
}

// A keeper that has ended before it heard is replaced: the trigger begins anew.
func TestATriggerThatMeetsNoKeeperAnyMoreBeginsAnew(t *testing.T) {
	r := newRunsAtOnce(time.Hour)
	terms := &realTerms{taken: []string{TrainingID("cards"), KeeperID(TrainingRun, "cards"), TrainingID("cards")}}
	r.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{terms}})
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

// Whatever comes when: every trigger is followed by a run that began after it was due, there are no more runs than triggers, and none begins while
// another goes on.
func TestNoTriggerIsLostAndNoneIsTwoRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRunsAtOnce(time.Duration(rapid.IntRange(1, 40).Draw(t, "takes")) * time.Second)
		seconds := rapid.SliceOfN(rapid.IntRange(0, 120), 1, 12).Draw(t, "seconds")
		slices.Sort(seconds)
		var all []due
		for _, at := range seconds {
			all = append(all, due{time.Duration(at) * time.Second, scheduled})
		}
		r.trigger(t, all...)
		for _, trigger := range all {
			require.True(t, slices.ContainsFunc(r.runs, func(run stamped) bool { return run.at >= trigger.At }), "the trigger at %s is lost", trigger.At)
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

func TestATriggerOfNothingIsRefused(t *testing.T) {
	for _, input := range []TriggerInput{{}, {Run: TrainingRun}, {Pipeline: "cards"}, {Run: "lunch", Pipeline: "cards"}} {
		r := newRunsAtOnce(time.Minute)
		r.env.ExecuteWorkflow(TriggerName, input)
		require.ErrorContains(t, r.env.GetWorkflowError(), `"run" and "pipeline" are needed`)
		require.Empty(t, r.runs)
	}
}

// realTerms makes the environment say in Temporal's terms that a child's ID is taken: it says it in those of the service.
type realTerms struct {
	interceptor.WorkerInterceptorBase
	taken []string // IDs that are said to be taken, in the order in which they are asked for
}

func (r *realTerms) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, r}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	terms *realTerms
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.terms})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	terms *realTerms
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
