package workflows

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

var errAway = temporal.NewApplicationError("the registry is away", string(fault.Unavailable))

// The rows of the rule, one by one: how a run ends, and what that says of its pipeline.
func TestWhatTheEndOfARunSays(t *testing.T) {
	t.Parallel()
	alone, handed := &training{}, &training{}
	handed.Delivery = "delivery-loan-eligibility"
	const training, delivery, approval, rollback = alert.Training, alert.Delivery, alert.Approval, alert.Rollback
	for _, test := range []struct {
		workflow string
		ends     func(Verdict, error) []alert.Raise
		verdict  Verdict
		failure  error
		want     map[alert.Subject]alert.State
	}{
		{ContinuousTrainingName, alone.ended, "", errAway, map[alert.Subject]alert.State{training: alert.Failed}},
		{ContinuousTrainingName, handed.ended, "", errAway, map[alert.Subject]alert.State{training: alert.OK}},
		{ContinuousTrainingName, alone.ended, Aborted, nil, map[alert.Subject]alert.State{training: alert.Aborted}},
		{ContinuousTrainingName, handed.ended, Aborted, nil, map[alert.Subject]alert.State{training: alert.OK}},
		{ContinuousTrainingName, alone.ended, Refused, nil, map[alert.Subject]alert.State{training: alert.OK}},
		{ContinuousTrainingName, alone.ended, Registered, nil, map[alert.Subject]alert.State{training: alert.OK}},
		{ContinuousTrainingName, handed.ended, Promoted, nil, map[alert.Subject]alert.State{training: alert.OK}},

		{ContinuousDeliveryName, ofDelivery, Aborted, errAway, map[alert.Subject]alert.State{delivery: alert.Failed, approval: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Aborted, nil, map[alert.Subject]alert.State{delivery: alert.Aborted, approval: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Refused, nil, map[alert.Subject]alert.State{approval: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Rejected, nil, map[alert.Subject]alert.State{approval: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Promoted, nil, map[alert.Subject]alert.State{delivery: alert.OK, approval: alert.OK, rollback: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Bootstrapped, nil, map[alert.Subject]alert.State{delivery: alert.OK, approval: alert.OK, rollback: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Nothing, nil, map[alert.Subject]alert.State{delivery: alert.OK, approval: alert.OK}},
		{ContinuousDeliveryName, ofDelivery, Restored, nil, map[alert.Subject]alert.State{delivery: alert.OK, approval: alert.OK}},

		{RollbackName, ofRollback, RolledBack, nil, map[alert.Subject]alert.State{rollback: alert.RolledBack}},
		{RollbackName, ofRollback, RolledBack, errAway, map[alert.Subject]alert.State{rollback: alert.Failed}},
		{RollbackName, ofRollback, Aborted, nil, map[alert.Subject]alert.State{}},
	} {
		said := map[alert.Subject]alert.State{}
		for _, raised := range test.ends(test.verdict, test.failure) {
			said[raised.Subject] = raised.State
		}
		require.Equal(t, test.want, said, "%s %s %v", test.workflow, test.verdict, test.failure)
	}
}

// What a fault that nobody knows says may be of the inside, or of a person: it stays in the log.
func TestAnUnknownFaultIsNotTold(t *testing.T) {
	t.Parallel()
	for failure, want := range map[error]string{
		errAway: "the registry is away",
		temporal.NewApplicationError("Jane Doe", string(fault.Internal)): "an internal fault",
		temporal.NewApplicationError("Jane Doe", "PanicError"):           "an internal fault",
		errors.New("Jane Doe"): "an internal fault",
		fmt.Errorf("x: %w", temporal.NewApplicationError("Jane Doe", "internal")): "an internal fault",
	} {
		said := failedTo(alert.Training, failure).Reasons[0]
		require.Contains(t, said, want)
		require.NotContains(t, said, "Jane Doe")
	}
}

// Two deliveries that end alike are one change: people are told once.
func TestTheSameStateTwiceIsToldOnce(t *testing.T) {
	p := newPlatform()
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	require.Equal(t, Aborted, deliver(t, p, nil).Verdict)
	require.Equal(t, []string{"alert-delivery-aborted"}, p.started)
	p.record.Generation = 7
	require.Equal(t, Aborted, deliver(t, p, nil).Verdict)
	require.Len(t, p.started, 1)

	p.observe = func(int) (canary.Observation, error) { return healthy(), nil }
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, []string{"alert-delivery-aborted", "alert-delivery-ok"}, p.started, "and once more when it is well again")
}

// An alert has the reasons and the version of the run that ends.
func TestTheEndOfARunSaysWhy(t *testing.T) {
	p := newPlatform()
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	result := deliver(t, p, nil)
	end := p.found[len(p.found)-1]
	require.NotEmpty(t, end.Reasons)
	require.Equal(t, result.Reasons, end.Reasons)
	require.Equal(t, 2, end.Version)

	p = newPlatform()
	require.Equal(t, RolledBack, rollBack(t, p, RollbackInput{Model: "loan-eligibility"}).Verdict)
	end = p.found[len(p.found)-1]
	require.Equal(t, []string{"version 1"}, end.States[0].About, "going back to another version is another rollback")
	require.Equal(t, 1, end.Version)
}

// A run in which nothing is wrong starts no workflow and adds no step.
func TestARunThatEndsWellTellsNobody(t *testing.T) {
	p := newPlatform()
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Empty(t, p.started)
	require.NotContains(t, p.steps, activities.FindEndpoints.Name)
	require.Len(t, p.runs, 2, "at its beginning and at its end")
}

func TestAWaitingForApprovalIsToldAndItsEnd(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	p.shift.Change = "12 of 1000 verdicts change"
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), Intervention{Actor: "grace", Reason: "reviewed"})
		}, time.Hour)
	})
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, []string{"alert-approval-waiting", "alert-approval-ok"}, p.started)
	require.Contains(t, p.told, activities.SendInput{Alert: "approval-waiting", Endpoint: "pager"}, "while it waits")
	require.Equal(t, []string{"waiting", "approved", "end"}, []string{p.found[0].Moment, p.found[1].Moment, p.found[2].Moment})
	require.Contains(t, p.found[0].States[0].Reasons[0], "12 of 1000 verdicts change")
	require.Equal(t, []string{"run default-test-run-id"}, p.found[0].States[0].About, "the waiting of another delivery is another one")
	require.Equal(t, 2, p.found[0].Version)
	require.Equal(t, []string{"approved by grace: reviewed"}, p.found[1].States[0].Reasons)
	require.Equal(t, time.Hour, p.found[1].At.Sub(p.found[0].At).Round(time.Minute))
}

func TestAnApprovalThatExpiresEndsTheWaiting(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	require.Equal(t, Rejected, deliver(t, p, nil).Verdict)
	require.Equal(t, []string{"alert-approval-waiting", "alert-approval-ok"}, p.started)
}

func alertTold(t *testing.T, p *platform) (*testsuite.TestWorkflowEnvironment, AlertResult) {
	env := p.environment(t)
	env.ExecuteWorkflow(AlertName, AlertInput{ID: "a1", Pipeline: "loan-eligibility"})
	require.True(t, env.IsWorkflowCompleted())
	var result AlertResult
	if env.GetWorkflowError() == nil {
		require.NoError(t, env.GetWorkflowResult(&result))
	}
	return env, result
}

// An endpoint that is away is tried on; for how long is below, for the environment ends an activity after ten minutes.
func TestAnEndpointIsTriedUntilItTakesTheAlert(t *testing.T) {
	p := newPlatform()
	p.failures[activities.SendAlert.Name] = 9
	env, result := alertTold(t, p)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"pager"}, result.Told)
	require.Equal(t, []activities.SendInput{{Alert: "a1", Endpoint: "pager"}}, p.told)
}

func TestAnEndpointThatNeverTakesItHoldsNoOther(t *testing.T) {
	p := newPlatform()
	p.endpoints, p.refusing = []string{"chat", "pager", "risk"}, "pager"
	env, _ := alertTold(t, p)
	require.ErrorContains(t, env.GetWorkflowError(), "pager: it answers HTTP 400")
	require.ElementsMatch(t, []activities.SendInput{{Alert: "a1", Endpoint: "chat"}, {Alert: "a1", Endpoint: "risk"}}, p.told)
}

func TestWithoutEndpointsNobodyIsTold(t *testing.T) {
	p := newPlatform()
	p.endpoints = nil
	env, result := alertTold(t, p)
	require.NoError(t, env.GetWorkflowError())
	require.Empty(t, result.Told)
}

// A receiver may be away over a night; an alert that is older than a day is of no use any more.
func TestHowLongAnAlertIsTried(t *testing.T) {
	t.Parallel()
	o := options(activities.SendAlert.Queue(), activities.SendAlert.Patience, "")
	require.Equal(t, 24*time.Hour, o.ScheduleToCloseTimeout)
	require.Zero(t, o.RetryPolicy.MaximumAttempts)
	require.Equal(t, 10*time.Minute, o.RetryPolicy.MaximumInterval)
	require.Equal(t, time.Minute, o.StartToCloseTimeout)
}
