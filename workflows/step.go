package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
)

// call runs one step, unseen by the run's progress.
func call[In any, Out activities.Output](ctx workflow.Context, step activities.Step[In, Out], summary string, in In) (Out, error) {
	return callWith(ctx, options(step.Queue(), step.Patience, summary), step, in)
}

func callWith[In any, Out activities.Output](ctx workflow.Context, o workflow.ActivityOptions, step activities.Step[In, Out], in In) (Out, error) {
	var out Out
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), step.Name, in).Get(ctx, &out)
	return out, err
}

// do runs one step and says in the run's progress how it went: stage while it runs, its output's summary after.
func do[In any, Out activities.Output](ctx workflow.Context, r *run, step activities.Step[In, Out], stage string, in In) (Out, error) {
	return doWith(ctx, r, options(step.Queue(), step.Patience, stage), step, stage, in)
}

func doWith[In any, Out activities.Output](ctx workflow.Context, r *run, o workflow.ActivityOptions, step activities.Step[In, Out], stage string, in In) (Out, error) {
	return doAs(ctx, r, o, step, step.Name, stage, in)
}

// doAs gives the step another name in the run's progress: it is taken several times.
func doAs[In any, Out activities.Output](ctx workflow.Context, r *run, o workflow.ActivityOptions, step activities.Step[In, Out], name, stage string, in In) (Out, error) {
	r.begin(ctx, name, stage)
	out, err := callWith(ctx, o, step, in)
	if err != nil {
		r.endWith(ctx, name, err)
	} else {
		r.end(ctx, name, StepDone, out.Summary())
	}
	return out, err
}

// endWith ends a step that did not come to its end: one that was cancelled has not failed.
func (r *run) endWith(ctx workflow.Context, name string, err error) {
	state := StepFailed
	if temporal.IsCanceledError(err) {
		state = StepSkipped
	}
	r.end(ctx, name, state, cause(err))
}

// inVain are the faults of what is not to be had, now or later.
var inVain = []fault.Code{fault.Refused, fault.NotFound, fault.Invalid}

// insist runs a step until it is done, without end; the current details say what it waits for. A cancellation, a writer who took over
// and the faults that the caller gives up on end it.
func insist[In any, Out activities.Output](ctx workflow.Context, r *run, step activities.Step[In, Out], stage string, in In, givenUpOn ...fault.Code) (Out, error) {
	o := options(step.Queue(), step.Patience, stage)
	for n, said := 0, stage; ; n++ {
		out, err := doWith(ctx, r, retryWindow(o, n), step, said, in)
		if err == nil || temporal.IsCanceledError(err) || failedWith(err, fault.Overtaken) || failedWith(err, givenUpOn...) {
			return out, err
		}
		said = waiting(stage, err)
		if err := r.sleep(ctx, said, n, err); err != nil {
			return out, err
		}
	}
}

// patiently runs a step, without a row of its own in the progress, until what it needs answers: it waits for what is away, and for nothing else. One that ends its worker again and
// again is not one that waits.
func patiently[In any, Out activities.Output](ctx workflow.Context, r *run, step activities.Step[In, Out], stage string, in In) (Out, error) {
	for n := 0; ; n++ {
		out, err := callWith(ctx, options(step.Queue(), step.Patience, stage), step, in)
		if err == nil || !failedWith(err, fault.Unavailable) {
			if n > 0 {
				r.Stage = stage
				r.publish(ctx)
			}
			return out, err
		}
		r.Stage = waiting(stage, err)
		r.publish(ctx)
		if err := workflow.Sleep(ctx, pause(n)); err != nil {
			return out, err
		}
	}
}

// waiting is the stage of what cannot be done yet.
func waiting(stage string, err error) string {
	return fmt.Sprintf("%s: waiting, since %s", stage, cause(err))
}

// sleep pauses after the nth failure when Temporal has not tried again by itself, and says why in the current details.
func (r *run) sleep(ctx workflow.Context, said string, n int, err error) error {
	r.Stage = said
	r.publish(ctx)
	var failure *temporal.ApplicationError
	if n == 0 || errors.As(err, &failure) && failure.NonRetryable() {
		return workflow.Sleep(ctx, pause(n))
	}
	return nil // it was tried for the whole window, whose end tells the last failure or a timeout
}

// cause is the innermost message of an activity's failure: what a person needs to read.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		return application.Message() // without the error's type, which is for programs
	}
	return err.Error()
}
