package workflows

import (
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/registry"
)

// execution is what the runs of all workflows share: progress, artifacts, the abort update and the registry's record.
type execution struct {
	journal
	Model     ModelRef
	Artifacts map[string]artifact.Ref
	trigger   string
	// stop is set by the abort update; cancel ends what runs at that moment.
	stop   *Decision
	cancel workflow.CancelFunc
}

// setup registers the handlers and search attributes. planned are the steps in their order, as far as they are known.
func (e *execution) setup(ctx workflow.Context, pipeline, trigger string, planned []string) error {
	e.Pipeline, e.trigger, e.Artifacts = pipeline, trigger, map[string]artifact.Ref{}
	e.Stage = "starting"
	for _, name := range planned {
		e.set(name, StepPending, "")
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(pipeline), triggerKey.ValueSet(trigger)); err != nil {
		return err
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, ProgressQuery, func() (Progress, error) { return e.Progress, nil },
		workflow.QueryHandlerOptions{Description: "Where the run is: its steps, their states and what they found"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AbortUpdate, e.abort, workflow.UpdateHandlerOptions{
		Validator:   e.validateAbort,
		Description: `End the run and leave the champion serving: {"actor":"you","reason":"why"}`,
	})
}

func (e *execution) validateAbort(_ workflow.Context, d Decision) error {
	switch {
	case d.Actor == "" || d.Reason == "":
		return usage(`"actor" and "reason" are needed: {"actor":"you","reason":"why"}`)
	case e.Verdict != "":
		return usage("the run has ended: %s", e.Verdict)
	case e.stop != nil:
		return usage("the run is being aborted already, by %s", e.stop.Actor)
	}
	return nil
}

func (e *execution) abort(_ workflow.Context, d Decision) (string, error) {
	e.stop = &d
	e.cancel()
	return "aborting: the champion keeps serving", nil
}

// recorded runs story under a context that the abort update can cancel, and keeps the run's record in the registry at its
// beginning and at its end, however it ends.
func (e *execution) recorded(ctx workflow.Context, story func(workflow.Context) (Result, error)) (Result, error) {
	e.record(ctx, Result{}, nil, registry.RunRunning)
	stoppable, cancel := workflow.WithCancel(ctx)
	e.cancel = cancel
	result, err := story(stoppable)
	if temporal.IsCanceledError(err) {
		result, err = e.result(Aborted, e.whyAborted()), nil
	}
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	status := registry.RunCompleted
	if err != nil {
		status = registry.RunFailed
		e.Stage = "failed: " + err.Error()
		e.publish(last)
	} else {
		e.finish(last, result)
	}
	e.record(last, result, err, status)
	return result, err
}

// whyAborted names who ended the run.
func (e *execution) whyAborted() string {
	if e.stop != nil {
		return fmt.Sprintf("aborted by %s: %s", e.stop.Actor, e.stop.Reason)
	}
	return "the run was cancelled"
}

// record is best effort: a registry that is away must not change how a run ends.
func (e *execution) record(ctx workflow.Context, result Result, failure error, status registry.RunStatus) {
	info := workflow.GetInfo(ctx)
	run := registry.Run{
		ID: info.WorkflowExecution.RunID, WorkflowID: info.WorkflowExecution.ID, Type: info.WorkflowType.Name,
		Pipeline: e.Pipeline, Trigger: e.trigger, Status: status, StartedAt: info.WorkflowStartTime, Verdict: string(result.Verdict),
	}
	if info.ParentWorkflowExecution != nil {
		run.ParentID = info.ParentWorkflowExecution.RunID
	}
	if status != registry.RunRunning {
		run.EndedAt = workflow.Now(ctx)
		run.Result, _ = json.Marshal(result)
	}
	if failure != nil {
		run.Error = failure.Error()
	}
	err := workflow.ExecuteActivity(quick(ctx, "keep the run's record"), activities.RecordRun, activities.RunInput{Run: run}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the run's record was not kept", "error", err)
	}
}

// result is how the run ends. An empty verdict is for runs that fail.
func (e *execution) result(verdict Verdict, reasons ...string) Result {
	return Result{Verdict: verdict, Reasons: append([]string{}, reasons...), Model: e.Model, Artifacts: e.Artifacts}
}

// step runs one activity and says in the journal how it went; describe is called when out has been set.
func (e *execution) step(ctx workflow.Context, options func(workflow.Context, string) workflow.Context, name, stage string, in, out any, describe func() string) error {
	e.begin(ctx, name, stage)
	if err := workflow.ExecuteActivity(options(ctx, stage), name, in).Get(ctx, out); err != nil {
		state := StepFailed
		if temporal.IsCanceledError(err) {
			state = StepSkipped
		}
		e.end(ctx, name, state, cause(err))
		return err
	}
	e.end(ctx, name, StepDone, describe())
	return nil
}

// cause is the innermost message of an activity's failure: what a person needs to read.
func cause(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

// usage is a fault of the caller: it is not retried.
func usage(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), "invalid", nil)
}

func defaultTo(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// short is the beginning of a digest, enough for people.
func short(digest string) string { return digest[:min(len(digest), 12)] }

func cached(hit bool) string {
	if hit {
		return " (cached)"
	}
	return ""
}
