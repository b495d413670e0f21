package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/registry"
)

// What a Trigger starts.
const (
	TrainingRun = "training"
	MonitorRun  = "monitor"
)

// TriggerInput starts Trigger; {"run":"training","pipeline":"loan-eligibility"} is enough.
type TriggerInput struct {
	// Run is TrainingRun or MonitorRun.
	Run      string `json:"run"`
	Pipeline string `json:"pipeline"`
	// Trigger is why. Defaults to manual.
	Trigger registry.Trigger `json:"trigger,omitempty"`
	// Actor is who. Defaults to operator.
	Actor string `json:"actor,omitempty"`
	// Cause is the run ID of what found a reason, such as a monitor, or the spec that was registered.
	Cause string `json:"cause,omitempty"`
	// AsOf is the day, 2006-01-02, of which the reason was found: a training then knows what was known on that day. Defaults to everything.
	AsOf string `json:"as_of,omitempty"`
	// Data and Uploads are those of a TrainingInput.
	Data    string              `json:"data,omitempty"`
	Uploads map[string][]string `json:"uploads,omitempty"`
	// Wait makes it the keeper: it waits for the end of the run that goes on, and starts the next one then.
	Wait bool `json:"wait,omitempty"`
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
	TriggerKept        TriggerOutcome = "kept"         // a run goes on; a keeper starts one more after it
	TriggerKeptAlready TriggerOutcome = "kept_already" // a keeper waits already; it starts one for both
)

// Trigger starts a pipeline's one run of that kind. While one goes on, the trigger is kept: a keeper, this workflow under a fixed ID, waits for
// its end and starts one more, however many triggers came. So no trigger starts two runs side by side, none is lost, and ten of them during a
// run are one more run.
//
// A trigger that meets a keeper tells it so, by a signal: the keeper may have started its run before, and end now. Temporal does not let a workflow
// end with a signal that it has not looked at. So either the keeper sees the signal, and starts one more, or it has ended, and the trigger begins
// anew.
func Trigger(ctx workflow.Context, input TriggerInput) (Triggered, error) {
	if input.Pipeline == "" || input.Run != TrainingRun && input.Run != MonitorRun {
		return Triggered{}, usage(`"run" and "pipeline" are needed: {"run":"training","pipeline":"loan-eligibility"}; "run" is training or monitor`)
	}
	input.Trigger = defaultTo(input.Trigger, registry.ByHand)
	input.Actor = defaultTo(input.Actor, "operator")
	if err := workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(input.Pipeline), triggerKey.ValueSet(string(input.Trigger))); err != nil {
		return Triggered{}, err
	}
	if input.Wait {
		return keep(ctx, input)
	}
	for {
		started, _, err := input.start(ctx)
		if !alreadyRuns(err) {
			return started, err
		}
		started, _, err = input.leave(ctx)
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

// keep waits until no run goes on, and starts one, for the triggers that came until then. For those that came since it starts one more.
func keep(ctx workflow.Context, input TriggerInput) (Triggered, error) {
	others := workflow.GetSignalChannel(ctx, AnotherSignal)
	for {
		if err := input.await(ctx); err != nil {
			return Triggered{}, err
		}
		input.hear(others)
		started, ended, err := input.start(ctx)
		if alreadyRuns(err) { // somebody else was first
			continue
		}
		input.Cause = "" // that one has its run: the next is for what comes since
		if err != nil || !input.hear(others) {
			return started, err
		}
		_ = ended.Get(ctx, nil) // however it ends
	}
}

// hear takes in the triggers that came; false where none has. The newest speaks for all, but one that names a cause is not forgotten for
// one that has none.
func (in *TriggerInput) hear(others workflow.ReceiveChannel) bool {
	heard := false
	for {
		var other TriggerInput
		if !others.ReceiveAsync(&other) {
			return heard
		}
		if other.Cause != "" || in.Cause == "" {
			other.Run, other.Pipeline, other.Wait = in.Run, in.Pipeline, in.Wait
			*in = other
		}
		heard = true
	}
}

// start starts the run as a child that outlives its parent.
func (in TriggerInput) start(ctx workflow.Context) (Triggered, workflow.Future, error) {
	if in.Run == MonitorRun {
		return in.child(ctx, TriggerStarted, MonitorID(in.Pipeline), MonitorName, "look at "+in.Pipeline, MonitorInput{Pipeline: in.Pipeline, Trigger: in.Trigger, Actor: in.Actor})
	}
	return in.child(ctx, TriggerStarted, TrainingID(in.Pipeline), ContinuousTrainingName, "train "+in.Pipeline,
		TrainingInput{Pipeline: in.Pipeline, Trigger: in.Trigger, Actor: in.Actor, Cause: in.Cause, AsOf: in.AsOf, Data: in.Data, Uploads: in.Uploads})
}

// leave leaves the trigger to a keeper.
func (in TriggerInput) leave(ctx workflow.Context) (Triggered, workflow.Future, error) {
	in.Wait = true
	return in.child(ctx, TriggerKept, in.keeperID(), TriggerName, fmt.Sprintf("start the next %s of %s when this one has ended", in.Run, in.Pipeline), in)
}

func (in TriggerInput) keeperID() string { return KeeperID(in.Run, in.Pipeline) }

// child starts a workflow that goes on when this one has ended, and waits only until it has started; the future is its end.
func (in TriggerInput) child(ctx workflow.Context, outcome TriggerOutcome, id, name, summary string, input any) (Triggered, workflow.Future, error) {
	ctx = outliving(ctx, id, summary)
	var execution workflow.Execution
	ended := workflow.ExecuteChildWorkflow(ctx, name, input)
	err := ended.GetChildWorkflowExecution().Get(ctx, &execution)
	return Triggered{Outcome: outcome, WorkflowID: id, RunID: execution.RunID}, ended, err
}

// await waits for the end of the run that goes on, if one does.
func (in TriggerInput) await(ctx workflow.Context) error {
	id := TrainingID(in.Pipeline)
	if in.Run == MonitorRun {
		id = MonitorID(in.Pipeline)
	}
	o := options(activities.AwaitRun.Queue(), activities.AwaitRun.Patience, "wait for the end of "+id)
	o.RetryPolicy = retries(0)
	_, err := callWith(ctx, o, activities.AwaitRun, activities.AwaitInput{WorkflowID: id})
	return err
}
