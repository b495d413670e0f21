package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// AlertInput starts Alert.
type AlertInput struct {
	ID       string `json:"id"`
	Pipeline string `json:"pipeline"`
}

// AlertResult is how Alert ends.
type AlertResult struct {
	Told []string `json:"told"` // the endpoints that took it
}

// Alert tells every endpoint of an alert, each for as long as it takes, up to a day, and none waits for another. It fails when one has not
// taken it then.
func Alert(ctx workflow.Context, input AlertInput) (AlertResult, error) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(input.Pipeline)); err != nil {
		return AlertResult{}, err
	}
	found, err := call(ctx, activities.FindEndpoints, "find who is told", activities.EndpointsInput{Alert: input.ID})
	if err != nil {
		return AlertResult{}, err
	}
	step := activities.SendAlert
	sendings := make([]workflow.Future, len(found.Endpoints))
	for i, endpoint := range found.Endpoints {
		each := workflow.WithActivityOptions(ctx, options(step.Queue(), step.Patience, "tell "+endpoint))
		sendings[i] = workflow.ExecuteActivity(each, step.Name, activities.SendInput{Alert: input.ID, Endpoint: endpoint})
	}
	result := AlertResult{Told: []string{}}
	var failed []string
	for i, endpoint := range found.Endpoints {
		if err := sendings[i].Get(ctx, nil); err != nil {
			failed = append(failed, endpoint+": "+cause(err))
			continue
		}
		result.Told = append(result.Told, endpoint)
	}
	if len(failed) > 0 {
		return result, temporal.NewNonRetryableApplicationError("not all took the alert: "+strings.Join(failed, "; "), string(fault.Unavailable), nil)
	}
	return result, nil
}

// tell starts the telling of an alert, which goes on when the run has ended. One that was started before is the same.
func tell(ctx workflow.Context, input AlertInput) {
	ctx = outliving(ctx, AlertID(input.ID), fmt.Sprintf("tell people of an alert of %s", input.Pipeline))
	once := workflow.GetChildWorkflowOptions(ctx)
	once.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	err := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, once), AlertName, input).GetChildWorkflowExecution().Get(ctx, nil)
	if err != nil && !alreadyRuns(err) {
		workflow.GetLogger(ctx).Warn("people are not told of an alert", "alert", input.ID, "error", err)
	}
}

// raise says, while the run goes on, in which state it finds something of its pipeline. moment names the place in the run, and is there once.
func (r *run) raise(ctx workflow.Context, moment string, states ...alert.Raise) {
	r.record(ctx, Result{}, nil, registry.RunRunning, r.finding(ctx, moment, Result{}, states...))
}

// finding is what the run finds at a moment, with its result at its end; nil for nothing.
func (r *run) finding(ctx workflow.Context, moment string, result Result, states ...alert.Raise) *activities.Raising {
	if len(states) == 0 {
		return nil
	}
	found := activities.Raising{Moment: moment, At: workflow.Now(ctx), Reasons: result.Reasons, Version: r.Model.Version}
	for _, state := range states {
		state.About = r.about(ctx, state)
		found.States = append(found.States, state)
	}
	return &found
}

// about is what a state of a subject is about, where that is not always the same.
func (r *run) about(ctx workflow.Context, found alert.Raise) []string {
	switch {
	case found.State == alert.Waiting:
		return []string{"run " + workflow.GetInfo(ctx).WorkflowExecution.RunID}
	case found.Subject == alert.Rollback && found.State == alert.RolledBack:
		return []string{fmt.Sprintf("version %d", r.Model.Version)}
	case found.Subject == alert.Monitor && found.State != alert.OK && found.State != alert.Failed:
		return r.looked
	}
	return nil
}

// ofTraining is what the end of a training says. One that has handed its version over ends well: the delivery says itself how it went.
func ofTraining(handedOver bool, verdict Verdict, failure error) []alert.Raise {
	switch {
	case handedOver:
		return []alert.Raise{{Subject: alert.Training, State: alert.OK}}
	case failure != nil:
		return []alert.Raise{failedTo(alert.Training, failure)}
	case verdict == Aborted:
		return []alert.Raise{{Subject: alert.Training, State: alert.Aborted}}
	}
	return []alert.Raise{{Subject: alert.Training, State: alert.OK}} // a refusal is a result
}

// ofDelivery: nothing waits for approval when the run has ended, and only a new champion ends what a rollback began. Whether deliveries do well is not
// said by one that was refused or rejected before production.
func ofDelivery(verdict Verdict, failure error) []alert.Raise {
	ended := alert.Raise{Subject: alert.Approval, State: alert.OK}
	switch {
	case failure != nil:
		return []alert.Raise{ended, failedTo(alert.Delivery, failure)}
	case verdict == Aborted:
		return []alert.Raise{ended, {Subject: alert.Delivery, State: alert.Aborted}}
	case verdict == Refused, verdict == Rejected:
		return []alert.Raise{ended}
	case verdict == Promoted, verdict == Bootstrapped:
		return []alert.Raise{ended, {Subject: alert.Delivery, State: alert.OK}, {Subject: alert.Rollback, State: alert.OK}}
	}
	return []alert.Raise{ended, {Subject: alert.Delivery, State: alert.OK}}
}

// ofRollback: one that was aborted changed nothing, or somebody else has since.
func ofRollback(verdict Verdict, failure error) []alert.Raise {
	switch {
	case failure != nil:
		return []alert.Raise{failedTo(alert.Rollback, failure)}
	case verdict == RolledBack:
		return []alert.Raise{{Subject: alert.Rollback, State: alert.RolledBack}}
	}
	return nil
}

// ofLooksRollback is ofRollback of one that a look asked for. That the version cannot be gone back to at once is an answer: the look delivers it then, and
// the delivery says how that goes.
func ofLooksRollback(verdict Verdict, failure error) []alert.Raise {
	if verdict != RolledBack && failedWith(failure, fault.Refused) {
		return nil
	}
	return ofRollback(verdict, failure)
}

// failedTo is that a run failed. What an unknown fault says is for the log, not for other systems.
func failedTo(subject alert.Subject, failure error) alert.Raise {
	why := "an internal fault; `loanops runs show` says where"
	var application *temporal.ApplicationError
	if errors.As(failure, &application) && fault.Code(application.Type()) != fault.Internal && slices.Contains(fault.Codes(), fault.Code(application.Type())) {
		why = cause(failure)
	}
	return alert.Raise{Subject: subject, State: alert.Failed, Reasons: []string{why}}
}
