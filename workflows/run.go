package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// run is the state that the runs of all workflows share.
type run struct {
	Progress
	Model   ModelRef
	trigger registry.Trigger
	cause   string          // the run that found a reason for it, if one did
	role    activities.Role // whose workers keep its record
	// aborted is who ended it, and stop ends what runs at that moment.
	aborted *Intervention
	stop    workflow.CancelFunc
	// committed says why the run cannot be aborted any more; empty while it can.
	committed string
	// ends says what the end of the run says of its pipeline; nil where that is nothing.
	ends func(Verdict, error) []alert.Raise
	// looked is what a monitor's verdict is about, see monitor.Decision.
	looked []string
	// refusedFeeds says of which views the feed was not taken, and why: the run goes on with what was there of them.
	refusedFeeds []string
	// started is whose signatures started it, once they are verified.
	started approval.Started
}

// newRun is a run before its first step. ends says what its end says of its pipeline, nil that it says nothing; planned are its steps in their order, as far
// as they are known.
func newRun(role activities.Role, pipeline string, trigger registry.Trigger, ends func(Verdict, error) []alert.Raise, planned ...string) run {
	r := run{role: role, trigger: trigger, ends: ends, Progress: Progress{Pipeline: pipeline, Stage: "starting"}}
	for _, name := range planned {
		r.set(name, StepPending, "")
	}
	return r
}

// execute runs steps under a context that the abort update can cancel, and keeps the run's record in the registry at its beginning and
// at its end, however it ends.
func (r *run) execute(ctx workflow.Context, steps func(workflow.Context) (Result, error)) (Result, error) {
	stoppable, stop := workflow.WithCancel(ctx)
	r.stop = stop // before the handlers: an abort may be in the first workflow task
	if err := r.listen(ctx); err != nil {
		return Result{}, err
	}
	r.record(ctx, Result{}, nil, registry.RunRunning, nil)
	result, err := steps(stoppable)
	r.committed = "the run has ended"
	if temporal.IsCanceledError(err) {
		result, err = r.result(Aborted, r.whyAborted()), nil
	}
	if failedWith(err, fault.Overtaken) {
		result, err = r.result(Aborted, cause(err)), nil
	}
	if err != nil && result.Verdict == "" {
		result = r.result("") // the record names the model all the same
	}
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	status := registry.RunCompleted
	if err != nil {
		status = registry.RunFailed
		r.Stage = "failed: " + err.Error()
		r.publish(last)
	} else {
		r.finish(last, result)
	}
	var states []alert.Raise
	if r.ends != nil {
		states = r.ends(result.Verdict, err)
	}
	found := r.finding(last, "end", result, states...)
	if manifest := r.record(last, result, err, status, found); manifest != nil {
		result.Artifacts[artifact.Manifest] = *manifest
	}
	return result, err
}

// listen says what the run is about and answers queries and aborts from now on.
func (r *run) listen(ctx workflow.Context) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(r.Pipeline), triggerKey.ValueSet(string(r.trigger))); err != nil {
		return err
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, ProgressQuery, func() (Progress, error) { return r.Progress, nil },
		workflow.QueryHandlerOptions{Description: "Where the run is: its steps, their states and what they found"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, AbortUpdate, r.abort, workflow.UpdateHandlerOptions{
		Validator:   r.validateAbort,
		Description: `End the run; production serves what it served before: {"actor":"you","reason":"why"}`,
	})
}

func (r *run) validateAbort(_ workflow.Context, by Intervention) error {
	switch {
	case r.Verdict != "":
		return usage("the run has ended: %s", r.Verdict)
	case r.aborted != nil:
		return usage("the run is being aborted already, by %s", r.aborted.Actor)
	case r.committed != "":
		return usage("it is too late to abort: %s", r.committed)
	}
	return by.validate()
}

func (r *run) abort(_ workflow.Context, by Intervention) (string, error) {
	r.aborted = &by
	r.stop()
	return "aborting: production serves what it served before", nil
}

// whyAborted names who ended the run.
func (r *run) whyAborted() string {
	if r.aborted != nil {
		return fmt.Sprintf("aborted by %s: %s", r.aborted.Actor, r.aborted.Reason)
	}
	return "the run was cancelled"
}

// result is how the run ends; its reasons end with the feeds that were not taken. A run that failed has an empty verdict, or aborted where its candidate was taken away.
func (r *run) result(verdict Verdict, reasons ...string) Result {
	return Result{Verdict: verdict, Reasons: append(append([]string{}, reasons...), r.refusedFeeds...), Model: r.Model, Artifacts: map[string]artifact.Ref{}}
}

// concerns names the version that the run is about.
func (r *run) concerns(ctx workflow.Context, version int, digest string) {
	r.Model = ModelRef{Name: r.Pipeline, Version: version, Digest: digest}
	_ = workflow.UpsertTypedSearchAttributes(ctx, versionKey.ValueSet(int64(version)))
}
