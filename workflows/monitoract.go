package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// acted is what became of a decision.
type acted struct {
	// verdict is the decision's, or alert where it could not be done.
	verdict monitor.Verdict
	done    monitor.Done
	backTo  int    // the version that is brought back; 0 is none
	words   string // what was done, or why it was not; empty where there is nothing to be said
	// stands is the verdict that is held back, whose state the pipeline is in all the same; empty where none is.
	stands monitor.Verdict
}

// instead is an alert in place of what could not be done.
func instead(done monitor.Done, format string, args ...any) acted {
	return acted{verdict: monitor.Alert, done: done, words: fmt.Sprintf(format, args...)}
}

// act does what a look comes to. What cannot be done is no fault of the look: people are told.
func (m *monitoring) act(ctx workflow.Context, decided monitor.Decision) acted {
	switch decided.Verdict {
	case monitor.Retrain:
		return m.train(ctx, startedBy(decided))
	case monitor.RolledBack:
		return m.goBack(ctx, *m.evidence.Better)
	case monitor.Nothing, monitor.Alert, monitor.Review:
	}
	did := acted{verdict: decided.Verdict}
	if decided.HeldBack != "" {
		did.done = monitor.HeldBack
	}
	if decided.HeldBack == monitor.Retrain { // no look has told yet of a going back that is held back here: it is told as an alert. Of one by a delivery, see deliver
		did.stands = monitor.Retrain
	}
	return did
}

// startedBy is what the run says that a look starts.
func startedBy(decided monitor.Decision) registry.Trigger {
	if decided.NewData {
		return registry.ByNewData
	}
	return registry.ByMonitor
}

// train starts the pipeline's training and does not wait for it. Where one runs already, another follows it.
func (m *monitoring) train(ctx workflow.Context, trigger registry.Trigger) acted {
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	var triggered Triggered
	err := workflow.ExecuteChildWorkflow(outliving(ctx, "trigger-"+run, "train "+m.input.Pipeline), TriggerName,
		TriggerInput{Run: TrainingRun, Pipeline: m.input.Pipeline, Trigger: trigger, Actor: "monitor", Cause: run, AsOf: m.input.AsOf}).Get(ctx, &triggered)
	switch {
	case err != nil:
		return instead(monitor.Failed, "no training could be started: %s", cause(err))
	case triggered.Outcome == TriggerStarted:
		return acted{verdict: monitor.Retrain, done: monitor.Started, words: "a training is started, see " + triggered.WorkflowID}
	}
	return acted{verdict: monitor.Retrain, done: monitor.Kept, words: "a training runs; another one follows it"}
}

// goBack gives traffic back to an older version: at once where it still runs, else by a delivery. Whoever has changed what serves since the look began
// overtakes it.
func (m *monitoring) goBack(ctx workflow.Context, to monitor.Better) acted {
	var ended Result
	summary := fmt.Sprintf("roll %s back to version %d", m.input.Pipeline, to.Version)
	err := workflow.ExecuteChildWorkflow(outliving(ctx, RollbackID(m.input.Pipeline), summary), RollbackName, RollbackInput{
		Model: m.input.Pipeline, Wanted: shift.Wanted{Version: to.Version, Policy: to.Policy}, After: m.ref.Generation,
		Trigger: registry.ByMonitor, Actor: "monitor", Cause: workflow.GetInfo(ctx).WorkflowExecution.RunID, Reason: fmt.Sprintf("monitor %s: %s", writer(ctx), to.Message),
	}).Get(ctx, &ended)
	var terminated *temporal.TerminatedError
	switch {
	case alreadyRuns(err):
		return instead(monitor.Overtaken, "another rollback is under way")
	case errors.As(err, &terminated):
		return instead(monitor.Overtaken, "another rollback took the place of the look's")
	case failedWith(err, fault.Refused):
		return m.deliver(ctx, to)
	case err != nil:
		return instead(monitor.Failed, "the rollback to version %d has failed, see %s: %s", to.Version, RollbackID(m.input.Pipeline), cause(err))
	case ended.Verdict != RolledBack || ended.Model.Version != to.Version:
		return instead(monitor.Overtaken, "version %d is not brought back: %s", to.Version, strings.Join(ended.Reasons, "; "))
	}
	return acted{verdict: monitor.RolledBack, done: monitor.WentBack, backTo: to.Version, words: fmt.Sprintf("version %d serves again", to.Version)}
}

// deliver delivers an older version that does not run any more, once within the cooldown: what was refused, or aborted, is not tried by every look.
func (m *monitoring) deliver(ctx workflow.Context, to monitor.Better) acted {
	if slices.Contains(m.ref.Delivered, to.Version) {
		held := instead(monitor.HeldBack, "version %d does not run any more, and a monitor has started its delivery within the cooldown (monitor.cooldown_hours)", to.Version)
		held.stands = monitor.RolledBack
		return held
	}
	id := DeliveryID(m.input.Pipeline)
	summary := fmt.Sprintf("deliver %s version %d again", m.input.Pipeline, to.Version)
	delivery := workflow.ExecuteChildWorkflow(outliving(ctx, id, summary), ContinuousDeliveryName, DeliveryInput{
		Model: m.input.Pipeline, Version: to.Version, Policy: to.Policy, Trigger: registry.ByMonitor, Actor: "monitor", Cause: workflow.GetInfo(ctx).WorkflowExecution.RunID,
	})
	err := delivery.GetChildWorkflowExecution().Get(ctx, nil)
	if alreadyRuns(err) {
		return instead(monitor.Overtaken, "version %d does not run any more, and another delivery is under way", to.Version)
	}
	if err != nil {
		return instead(monitor.Failed, "version %d does not run any more, and no delivery of it could be started: %s", to.Version, cause(err))
	}
	return acted{
		verdict: monitor.RolledBack, done: monitor.Delivering, backTo: to.Version,
		words: fmt.Sprintf("version %d does not serve yet: it does not run any more and is being delivered, see %s", to.Version, id),
	}
}

// standing is what a look says of its pipeline: its verdict, or the one that is held back, so that what is found again and again is told once. A look at
// rows of their own, or at a past that was looked at before, says nothing of what serves now, and an aborted one nothing at all.
func (m *monitoring) standing(verdict Verdict, failure error) []alert.Raise {
	switch {
	case m.input.Data != "":
		return nil
	case failure != nil:
		return []alert.Raise{failedTo(alert.Monitor, failure)}
	case m.ref.Later != "":
		return nil
	case verdict == Aborted:
		return nil
	case verdict == Nothing:
		return []alert.Raise{{Subject: alert.Monitor, State: alert.OK}}
	case m.did.stands != "":
		return []alert.Raise{{Subject: alert.Monitor, State: alert.State(m.did.stands)}}
	}
	return []alert.Raise{{Subject: alert.Monitor, State: alert.State(verdict)}}
}
