package cli

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// start starts a workflow under its ID; one that runs already is fault.Conflict.
func start(ctx context.Context, c client.Client, id, name, summary string, input any) (client.WorkflowRun, error) {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: summary,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, name, input)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &running) {
		return nil, fault.New(fault.Conflict, "%s runs already; `loanops runs show %s` shows how far it is", id, id)
	}
	return run, fault.Wrap(fault.Unavailable, err, "starting %s", name)
}

// startRun starts a workflow and ends as finish does. It returns the run's ID, empty where none was started.
func (a *app) startRun(ctx context.Context, s settings.Settings, id, name, summary string, input any, wait bool) (runID string, err error) {
	c, err := dial(ctx, s)
	if err != nil {
		return "", err
	}
	defer c.Close()
	run, err := start(ctx, c, id, name, summary, input)
	if err != nil {
		return "", err
	}
	return run.GetRunID(), a.finish(ctx, c, run, wait)
}

// progressInterval is how often a run is asked where it is.
const progressInterval = 250 * time.Millisecond

// wait tells the run's steps as they happen and returns its result.
func (a *app) wait(ctx context.Context, c client.Client, run client.WorkflowRun) (workflows.Result, error) {
	type outcome struct {
		result workflows.Result
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		var o outcome
		o.err = run.Get(ctx, &o.result)
		ended <- o
	}()
	teller := &teller{app: a, told: map[string]string{}}
	poll := time.NewTicker(progressInterval)
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
			teller.tell(ctx, c, run.GetID())
		case o := <-ended:
			teller.tell(ctx, c, run.GetID())
			if o.err == nil && a.output == "json" {
				a.expand(ctx, &o.result)
			}
			return o.result, workflowFault(o.err)
		}
	}
}

// workflowFault keeps the message that a person needs of a workflow that failed.
func workflowFault(err error) error {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		code := fault.Code(application.Type())
		if code == "" {
			code = fault.Internal
		}
		return fault.New(code, "%s", application.Message())
	}
	return err
}

// teller remembers what it has told.
type teller struct {
	app  *app
	told map[string]string
}

// tell prints the steps that changed since the last time, of the run and of its delivery. A run that cannot be asked now is asked
// again the next time.
func (t *teller) tell(ctx context.Context, c client.Client, id string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := c.QueryWorkflow(ctx, id, "", workflows.ProgressQuery)
	if err != nil {
		return
	}
	var progress workflows.Progress
	if answer.Get(&progress) != nil {
		return
	}
	for _, step := range progress.Steps {
		if step.State == workflows.StepPending || (step.Name == workflows.ContinuousDeliveryName && step.State == workflows.StepRunning) {
			continue
		}
		line := string(step.State) + " " + step.Detail
		key := id + "/" + step.Name
		if t.told[key] == line {
			continue
		}
		t.told[key] = line
		switch step.State {
		case workflows.StepRunning:
			t.app.say("  … %s", step.Name)
		case workflows.StepDone:
			t.app.say("  ✓ %s: %s", step.Name, step.Detail)
		case workflows.StepSkipped:
			t.app.say("  – %s %s: %s", step.Name, step.State, step.Detail)
		default:
			t.app.say("  ✗ %s %s: %s", step.Name, step.State, step.Detail)
		}
	}
	if progress.Delivery != "" && progress.Verdict == "" {
		t.tell(ctx, c, progress.Delivery)
	}
}
