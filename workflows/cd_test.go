package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
)

var deliveryInput = DeliveryInput{Model: "loan-eligibility", Version: 2}

// accepted fails the test when an update is rejected or ends with an error.
func accepted(t *testing.T) *testsuite.TestUpdateCallback {
	return &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { t.Errorf("update rejected: %v", err) },
		OnComplete: func(_ any, err error) { require.NoError(t, err) },
	}
}

// rejected fails the test unless the update's validator says no with the text.
func rejected(t *testing.T, text string) *testsuite.TestUpdateCallback {
	return &testsuite.TestUpdateCallback{
		OnAccept:   func() { t.Error("update accepted") },
		OnReject:   func(err error) { require.ErrorContains(t, err, text) },
		OnComplete: func(any, error) {},
	}
}

func deliver(t *testing.T, p *platform, prepare func(*testsuite.TestWorkflowEnvironment)) Result {
	t.Helper()
	env := p.environment(t)
	if prepare != nil {
		prepare(env)
	}
	env.ExecuteWorkflow(ContinuousDeliveryName, deliveryInput)
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return result
}

func TestDeliveryPromotesThroughEveryStep(t *testing.T) {
	p := newPlatform()
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, []int{5, 20, 40, 70, 100}, p.weights)
	require.Len(t, p.checks, 4)
	for i, check := range p.checks {
		require.Equal(t, []int{5, 20, 40, 70}[i], check.Weight)
		require.Equal(t, "pass", check.Verdict)
		require.Contains(t, string(check.Tracks), `"requests":100`)
	}
	require.Equal(t, []int{2}, p.champions())
}

func TestDeliveryBootstrapsTheFirstVersion(t *testing.T) {
	p := newPlatform()
	p.champion = 0
	require.Equal(t, Bootstrapped, deliver(t, p, nil).Verdict)
	require.Equal(t, []int{100}, p.weights)
	require.Empty(t, p.checks)
	require.Equal(t, []int{2}, p.champions())
}

func TestDeliveryOfTheChampionDoesNothing(t *testing.T) {
	p := newPlatform()
	p.champion = 2
	require.Equal(t, Nothing, deliver(t, p, nil).Verdict)
	require.Empty(t, p.weights)
}

// Each check before production refuses, and production is not touched.
func TestDeliveryRefusedBeforeProduction(t *testing.T) {
	for name, prepare := range map[string]func(*platform){
		"capacity": func(p *platform) { p.capacity.Misfits = []string{"needs 180 MiB, the plan grants 128 MiB"} },
		"smoke":    func(p *platform) { p.smoke.Failures = []string{"golden row 3 differs"} },
		"latency":  func(p *platform) { p.latency.Failures = []string{"p99 is 80 ms, the limit is 50 ms"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			prepare(p)
			result := deliver(t, p, nil)
			require.Equal(t, Refused, result.Verdict)
			require.NotEmpty(t, result.Reasons)
			require.Empty(t, p.weights)
			require.Equal(t, name == "capacity", !contains(p.steps, activities.ApplyStaging), "a misfit is found before apply")
		})
	}
}

func contains(steps []string, name string) bool {
	for _, step := range steps {
		if step == name {
			return true
		}
	}
	return false
}

func TestDeliveryAbortsAFailingCanary(t *testing.T) {
	p := newPlatform()
	p.observe = func(weight int) (canary.Observation, error) {
		if weight >= 20 {
			return broken(), nil
		}
		return healthy(), nil
	}
	result := deliver(t, p, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, []int{5, 20, 0}, p.weights, "the champion takes all traffic again")
	require.Equal(t, "fail", p.checks[1].Verdict)
	require.Empty(t, p.champions())
}

func TestDeliveryAbortsWhenAnAnalysisCannotGoOn(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	p.observe = func(int) (canary.Observation, error) {
		return canary.Observation{}, temporal.NewNonRetryableApplicationError("the gateway has no route", "not_found", nil)
	}
	env.ExecuteWorkflow(ContinuousDeliveryName, deliveryInput)
	require.Error(t, env.GetWorkflowError())
	require.Equal(t, []int{5, 0}, p.weights)
	require.Empty(t, p.champions())
}

func TestDeliveryAbortedByAnUpdateMidCanary(t *testing.T) {
	p := newPlatform()
	var env *testsuite.TestWorkflowEnvironment
	result := deliver(t, p, func(e *testsuite.TestWorkflowEnvironment) {
		env = e
		p.observe = func(weight int) (canary.Observation, error) {
			return canary.Observation{}, temporal.NewApplicationError("not yet", "unavailable") // retried: the canary stays at 5 %
		}
		env.RegisterDelayedCallback(func() {
			answer, err := env.QueryWorkflow(ProgressQuery)
			require.NoError(t, err)
			var progress Progress
			require.NoError(t, answer.Get(&progress))
			require.Equal(t, 5, progress.CanaryWeight)
			require.Equal(t, "observing the canary at 5 %", progress.Stage)
			env.UpdateWorkflow(AbortUpdate, "no-actor", rejected(t, `"actor"`), Decision{Reason: "x"})
			env.UpdateWorkflow(ApproveUpdate, "too-early", rejected(t, "does not wait"), Decision{Actor: "ada", Reason: "x"})
			env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Decision{Actor: "ada", Reason: "complaints"})
		}, 2*time.Second)
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, []string{"aborted by ada: complaints"}, result.Reasons)
	require.Equal(t, []int{5, 0}, p.weights)
	require.Empty(t, p.champions())
}

func TestDeliveryCancelledMidCanaryGivesTrafficBack(t *testing.T) {
	p := newPlatform()
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		p.observe = func(int) (canary.Observation, error) {
			return canary.Observation{}, temporal.NewApplicationError("not yet", "unavailable")
		}
		env.RegisterDelayedCallback(env.CancelWorkflow, 2*time.Second)
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, []int{5, 0}, p.weights)
}

func TestDeliveryWaitsForApproval(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = "required"
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.Empty(t, p.weights, "production waits")
			env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), Decision{Actor: "grace", Reason: "reviewed"})
		}, time.Hour)
	})
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, "grace", p.aliases[len(p.aliases)-1].Actor, "who approved answers for the promotion")
}

func TestDeliveryApprovalExpires(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = "required"
	require.Equal(t, Rejected, deliver(t, p, nil).Verdict)
	require.Empty(t, p.weights)
}

func TestRollback(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility", Reason: "complaints"})
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, RolledBack, result.Verdict)
	require.Equal(t, 1, result.Model.Version)
}

func TestDeliveryNamesWhatIsWrongWithItsInput(t *testing.T) {
	for _, test := range []struct {
		input DeliveryInput
		want  string
	}{
		{DeliveryInput{}, `"model" is missing`},
		{DeliveryInput{Model: "loan-eligibility", Version: -1}, `"version" is -1`},
		{DeliveryInput{Model: "loan-eligibility", Drill: "meteor"}, `drill "meteor"`},
	} {
		p := newPlatform()
		env := p.environment(t)
		env.ExecuteWorkflow(ContinuousDelivery, test.input)
		var wrong *temporal.ApplicationError
		require.ErrorAs(t, env.GetWorkflowError(), &wrong)
		require.Equal(t, "invalid", wrong.Type())
		require.True(t, wrong.NonRetryable())
		require.Contains(t, wrong.Message(), test.want)
		require.Empty(t, p.steps, "nothing was begun")
	}
}
