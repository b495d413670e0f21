package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// TriggerInput starts Trigger; {"run":"training","pipeline":"loan-eligibility"} is enough.
type TriggerInput struct {
	// Run is TrainingRun or MonitorRun.
	Run      Scheduled `json:"run"`
	Pipeline string    `json:"pipeline"`
	// Trigger is why. Defaults to manual.
	Trigger registry.Trigger `json:"trigger,omitempty"`
	// Actor is who starts a training. Defaults to operator.
	Actor string `json:"actor,omitempty"`
	// Cause is the run ID of what found a reason to train, such as a monitor, or the spec that was registered. A monitor takes none.
	Cause string `json:"cause,omitempty"`
	// AsOf is the day, 2006-01-02, of which the reason was found: the run then knows what was known on that day. Defaults to everything.
	AsOf string `json:"as_of,omitempty"`
	// Data and Uploads are those of a TrainingInput, or of a MonitorInput.
	Data    string              `json:"data,omitempty"`
	Uploads map[string][]string `json:"uploads,omitempty"`
	// Wait makes it the keeper: it waits for the end of the run that goes on, and starts the next one then.
	Wait bool `json:"wait,omitempty"`
	// Next are those for which the keeper starts a run each after that of this one.
	Next []TriggerInput `json:"next,omitempty"`
}

// Triggered is how a Trigger ends.
type Triggered struct {
	Outcome TriggerOutcome `json:"outcome"`
	// WorkflowID and RunID are what it started: the run, or the keeper.
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id,omitempty"`
}

// TriggerOutcome is what came of a trigger.
type TriggerOutcome string

// The outcomes.
const (
	TriggerStarted     TriggerOutcome = "started"      // the run
	TriggerJoined      TriggerOutcome = "joined"       // the run that goes on began at the same moment; it is one for both
	TriggerKept        TriggerOutcome = "kept"         // a run goes on; a keeper starts one more after it
	TriggerKeptAlready TriggerOutcome = "kept_already" // a keeper waits already; it starts one for both
)

// sameMoment is for how long after the start of a run a schedule's trigger is one with it: two that somebody, or two clocks, set off at once.
const sameMoment = 3 * time.Second

// Trigger starts a pipeline's one run of that kind. While one goes on, the trigger is kept: a keeper, this workflow under a fixed ID, waits for
// its end and starts one more, however many triggers came, or one for each that brings data of its own. So no trigger starts two runs side by side,
// none is lost, and ten of a schedule during a run are one more run. A schedule's trigger that comes within a moment after the start of a run that a
// schedule's trigger started wants nothing that it does not do; any other run may read other rows, know less, or deliver nothing.
//
// A trigger that meets a keeper tells it so, by a signal: the keeper may have started its run before, and end now. Temporal does not let a workflow
// end with a signal that it has not looked at. So either the keeper sees the signal, and starts one more, or it has ended, and the trigger begins
// anew.
func Trigger(ctx workflow.Context, input TriggerInput) (Triggered, error) {
	if _, known := kinds[input.Run]; input.Pipeline == "" || !known {
		return Triggered{}, usage(`"run" and "pipeline" are needed: {"run":"training","pipeline":"loan-eligibility"}; "run" is training or monitor`)
	}
	if err := checkDay(input.AsOf); err != nil {
		return Triggered{}, err
	}
	if err := checkTexts("actor", input.Actor, "cause", input.Cause); err != nil {
		return Triggered{}, err
	}
	if input.Run == MonitorRun && input.Cause != "" {
		return Triggered{}, usage(`a monitor takes no "cause": that is why a training is`)
	}
	if err := input.notToCome(ctx); err != nil {
		return Triggered{}, err
	}
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	input.Actor = cmp.Or(input.Actor, "operator")
	if err := workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(input.Pipeline), triggerKey.ValueSet(string(input.Trigger))); err != nil {
		return Triggered{}, err
	}
	does := trigger
	if input.Wait {
		does = keep
	}
	came, err := does(ctx, input)
	if err != nil && !temporal.IsCanceledError(err) && !workflow.IsContinueAsNewError(err) {
		input.failed(ctx, err)
	}
	return came, err
}

// notToCome refuses a day that the run would refuse. Whether what it reads is of a source that has days to come is asked for such a day alone.
func (in TriggerInput) notToCome(ctx workflow.Context) error {
	if pipeline.CheckUntil(`"as_of"`, in.AsOf, workflow.Now(ctx)) == nil {
		return nil
	}
	spec, err := call(ctx, activities.LoadPipeline, "read the pipeline spec", activities.PipelineInput{Pipeline: in.Pipeline})
	if err != nil {
		return err
	}
	_, err = knownOn(ctx, &spec.Source, in.Data, in.AsOf)
	return err
}

// trigger starts the run, or sees to it that there is one for this trigger.
func trigger(ctx workflow.Context, input TriggerInput) (Triggered, error) {
	for {
		started, err := input.start(ctx)
		if !alreadyRuns(err) {
			return started, err
		}
		if joined, ok := input.join(ctx); ok {
			return joined, nil
		}
		if ctx.Err() != nil {
			return Triggered{}, ctx.Err()
		}
		started, err = input.leave(ctx)
		if !alreadyRuns(err) {
			return started, err
		}
		err = workflow.SignalExternalWorkflow(ctx, input.keeperID(), "", AnotherSignal, input).Get(ctx, nil)
		var ended *temporal.UnknownExternalWorkflowExecutionError
		if !errors.As(err, &ended) {
			return Triggered{Outcome: TriggerKeptAlready, WorkflowID: input.keeperID()}, err
		}
	}
}

// keep waits until no run goes on, and starts one, for the triggers that came until then. For those that came since, and those whose data that run does
// not read, it begins anew, as it does where so many came that its history is long: Temporal lets no workflow end, in this way either, with a signal
// that it has not looked at.
func keep(ctx workflow.Context, input TriggerInput) (Triggered, error) {
	others := workflow.GetSignalChannel(ctx, AnotherSignal)
	kept := input.kept()
	for {
		ended := input.await(ctx)
		either := workflow.NewSelector(ctx)
		either.AddFuture(ended, func(workflow.Future) {})
		either.AddReceive(others, func(workflow.ReceiveChannel, bool) { kept = input.hear(others, kept) })
		for !ended.IsReady() {
			either.Select(ctx)
			if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && ctx.Err() == nil {
				return beginAnew(ctx, kept)
			}
		}
		if err := ended.Get(ctx, nil); err != nil {
			return Triggered{}, err
		}
		kept = input.hear(others, kept)
		started, err := kept[0].start(ctx)
		if alreadyRuns(err) { // somebody else was first
			continue
		}
		if err != nil {
			return started, err
		}
		kept = input.hear(others, kept[1:])
		if len(kept) == 0 {
			return started, nil
		}
		return beginAnew(ctx, kept)
	}
}

// kept are those for which a keeper begins with a run each.
func (in TriggerInput) kept() []TriggerInput {
	next := in.Next
	in.Next = nil
	return append([]TriggerInput{in}, next...)
}

// beginAnew is the keeper with an empty history.
func beginAnew(ctx workflow.Context, kept []TriggerInput) (Triggered, error) {
	first := kept[0]
	first.Next = kept[1:]
	return Triggered{}, workflow.NewContinueAsNewError(ctx, TriggerName, first)
}

// failed tells people that a trigger came to nothing: no run that could say so was started.
func (in TriggerInput) failed(ctx workflow.Context, failure error) {
	last, _ := workflow.NewDisconnectedContext(ctx) // for what still tells people when this has ended
	r := newRun(activities.Data, in.Pipeline, in.Trigger, nil)
	r.cause = in.Cause
	r.record(last, Result{}, failure, registry.RunFailed, r.finding(last, "end", Result{}, failedTo(kinds[in.Run].subject, failure)))
}

// join says that a schedule's trigger started the run that goes on at the moment at which one triggered this, or since: it is a run for both. Where that
// cannot be known the trigger is kept.
func (in TriggerInput) join(ctx workflow.Context) (Triggered, bool) {
	if in.Trigger != registry.BySchedule || in.Cause != "" {
		return Triggered{}, false
	}
	newest, err := call(ctx, activities.FindRunStart, "find when "+in.runID()+" began, and why", activities.RunStartInput{WorkflowID: in.runID()})
	if err != nil || newest.RunID == "" || newest.Trigger != registry.BySchedule || workflow.GetInfo(ctx).WorkflowStartTime.After(newest.At.Add(sameMoment)) {
		return Triggered{}, false
	}
	return Triggered{Outcome: TriggerJoined, WorkflowID: in.runID(), RunID: newest.RunID}, true
}

// hear takes in the triggers that came, each with the first with which it can be one run.
func (in TriggerInput) hear(others workflow.ReceiveChannel, kept []TriggerInput) []TriggerInput {
	for {
		var other TriggerInput
		if !others.ReceiveAsync(&other) {
			return kept
		}
		other.Run, other.Pipeline, other.Wait = in.Run, in.Pipeline, in.Wait
		if i := slices.IndexFunc(kept, func(one TriggerInput) bool { return one.joins(other) }); i >= 0 {
			kept[i] = kept[i].with(other)
		} else {
			kept = append(kept, other)
		}
	}
}

// joins says that one run does for both. Where each brings data of its own it does not; but the files of a spec that was registered since are those of
// the spec that a training reads.
func (in TriggerInput) joins(other TriggerInput) bool {
	return !in.brings() || !other.brings() || in.renewed(other) || in.Data == other.Data && in.uploaded() == other.uploaded()
}

// with is the trigger that speaks for both, see speaker. Where both read the same rows it is of the later day, for that run knows what either would, and
// where one is of no day, of all that is known.
func (in TriggerInput) with(other TriggerInput) TriggerInput {
	both := in.speaker(other)
	if in.Data == other.Data {
		both.AsOf = max(in.AsOf, other.AsOf)
		if in.AsOf == "" || other.AsOf == "" {
			both.AsOf = ""
		}
	}
	return both
}

// speaker is the one that brings data, else the newest, but one that names a cause is not forgotten for one that has none.
func (in TriggerInput) speaker(other TriggerInput) TriggerInput {
	switch {
	case in.renewed(other):
		return other
	case in.brings() != other.brings():
		if in.brings() {
			return in
		}
		return other
	case other.Cause == "" && in.Cause != "":
		return in
	}
	return other
}

// uploaded are its uploads as a text, in the order of their keys.
func (in TriggerInput) uploaded() string { return fmt.Sprintf("%q", in.Uploads) }

// brings says that the training is to read what was handed over with the trigger.
func (in TriggerInput) brings() bool { return in.Data != "" || len(in.Uploads) > 0 }

// renewed says that both are of a spec that was registered: the other is of the newer one.
func (in TriggerInput) renewed(other TriggerInput) bool {
	return in.Trigger == registry.BySpec && other.Trigger == registry.BySpec
}

// start starts the run as a child that outlives its parent.
func (in TriggerInput) start(ctx workflow.Context) (Triggered, error) {
	of := kinds[in.Run]
	return in.child(ctx, TriggerStarted, in.runID(), of.workflow, of.summary+in.Pipeline, of.input(in))
}

// leave leaves the trigger to a keeper.
func (in TriggerInput) leave(ctx workflow.Context) (Triggered, error) {
	in.Wait = true
	return in.child(ctx, TriggerKept, in.keeperID(), TriggerName, fmt.Sprintf("start the next %s of %s when this one has ended", in.Run, in.Pipeline), in)
}

func (in TriggerInput) keeperID() string { return KeeperID(in.Run, in.Pipeline) }

// runID is the workflow ID of the run.
func (in TriggerInput) runID() string { return kinds[in.Run].id(in.Pipeline) }

// child starts a workflow that goes on when this one has ended, and waits only until it has started. Whoever cancels this does not cancel that.
func (in TriggerInput) child(ctx workflow.Context, outcome TriggerOutcome, id, name, summary string, input any) (Triggered, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	ctx = outliving(ctx, id, summary)
	about := workflow.GetChildWorkflowOptions(ctx) // of it others ask before a worker has taken it
	about.TypedSearchAttributes = About(in.Pipeline, in.Trigger)
	var execution workflow.Execution
	err := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, about), name, input).GetChildWorkflowExecution().Get(ctx, &execution)
	return Triggered{Outcome: outcome, WorkflowID: id, RunID: execution.RunID}, err
}

// await is the end of the run that goes on, if one does.
func (in TriggerInput) await(ctx workflow.Context) workflow.Future {
	o := options(activities.AwaitRun.Queue(), activities.AwaitRun.Patience, "wait for the end of "+in.runID())
	o.RetryPolicy = retries(0)
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), activities.AwaitRun.Name, activities.AwaitInput{WorkflowID: in.runID()})
}
