package workflows

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/swapset"
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
	return deliverInput(t, p, deliveryInput, prepare)
}

func deliverInput(t *testing.T, p *platform, input DeliveryInput, prepare func(*testsuite.TestWorkflowEnvironment)) Result {
	t.Helper()
	env := p.environment(t)
	if prepare != nil {
		prepare(env)
	}
	env.ExecuteWorkflow(ContinuousDeliveryName, input)
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
	require.Equal(t, []bool{false}, p.shifts, "Terraform moves the traffic of a delivery")
	require.Len(t, p.checks, 4)
	for i, check := range p.checks {
		require.Equal(t, []int{5, 20, 40, 70}[i], check.Weight)
		require.Equal(t, "pass", check.Verdict)
		require.Contains(t, string(check.Tracks), `"requests":10000`)
	}
	require.Equal(t, []int{2}, p.champions())
}

// Copies come before clients: what they show aborts before anybody met the challenger.
func TestDeliveryMirrorsFirst(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Canary.Mirror = true
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, []int{0, 5, 20, 40, 70, 100}, p.weights)
	require.Equal(t, "mirroring", p.checks[0].Phase)
	require.Equal(t, "progressing", p.checks[1].Phase)

	p = newPlatform()
	p.spec.Deploy.Canary.Mirror = true
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	result := deliver(t, p, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Regexp(t, `^failed: 5000 of 10000`, result.Reasons[0])
	require.Equal(t, []int{0, 0}, p.weights)
	require.Empty(t, p.champions())
}

// What the prediction says of verdicts is what the canary holds them against: 5 % more approvals are a fault where none were predicted, and none where
// they were.
func TestTheCanaryIsHeldAgainstThePrediction(t *testing.T) {
	more := healthy()
	more.Clients.Pairs.ToApprove = 500
	for _, predicted := range []bool{false, true} {
		p := newPlatform()
		p.spec.Deploy.Canary.Mirror = true
		p.observe = func(weight int) (canary.Observation, error) {
			if weight == 0 {
				return more, nil
			}
			seen := healthy()
			if predicted {
				seen.Clients.Canary.Approved += 500
			}
			return seen, nil
		}
		want := Aborted
		if predicted {
			want = Promoted
			p.shift.Prediction = &canary.Prediction{}
			for i := range 10_000 { // the same scores as in the window
				row := canary.Decided{Score: 0.11, Approved: i < 8000}
				if i >= 8000 {
					row.Score = 0.41
				}
				challenger := row
				challenger.Approved = i < 8500
				p.shift.Prediction.Add(row, challenger)
			}
		}
		result := deliver(t, p, nil)
		require.Equal(t, want, result.Verdict, "predicted: %v, %v", predicted, result.Reasons)
	}
}

// The new champion is judged on while the old one is warm; what fails then gives traffic back as a rollback does.
func TestDeliveryBakes(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Canary.BakeSeconds = 90
	var windows []int
	p.window = func(in activities.CanaryInput) {
		if in.Weight == 100 {
			windows = append(windows, in.Seconds)
		}
	}
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, []int{60, 30}, windows)
	p = newPlatform()
	p.spec.Deploy.Canary.IntervalSeconds, p.spec.Deploy.Canary.BakeSeconds = 3, 7*24*3600
	windows = nil
	p.window = func(in activities.CanaryInput) {
		if in.Weight == 100 {
			windows = append(windows, in.Seconds)
		}
	}
	p.observe = func(weight int) (canary.Observation, error) {
		seen := healthy()
		if weight == 100 {
			seen.Seconds = float64(windows[len(windows)-1])
		}
		return seen, nil
	}
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, 7*24*3600/500, windows[0])
	require.LessOrEqual(t, len(windows), 501, "a week's bake fits into a history")
	require.Equal(t, "baking", p.checks[len(p.checks)-1].Phase)
	require.Equal(t, &second, p.record.Champion)

	p = newPlatform()
	p.spec.Deploy.Canary.BakeSeconds = 90
	p.observe = func(weight int) (canary.Observation, error) {
		if weight == 100 {
			return broken(), nil
		}
		return healthy(), nil
	}
	result := deliver(t, p, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Regexp(t, `^failed: `, result.Reasons[0])
	require.Equal(t, &first, p.record.Champion)
	require.Equal(t, serving.RolledBack, p.record.Change)
	require.Equal(t, p.record.Generation, p.followed[len(p.followed)-1].Generation)
}

// Without the gateway or the database nothing is known for or against the challenger: it is neither taken away nor goes on.
func TestACanaryWaitsForWhatItCannotSee(t *testing.T) {
	for _, at := range []int{5, 100} {
		p := newPlatform()
		p.spec.Deploy.Canary.BakeSeconds = 60
		const analysis = "AnalyseCanary"
		p.observe = func(weight int) (canary.Observation, error) {
			if _, begun := p.failures[analysis]; weight == at && !begun {
				p.failures[analysis] = 25 // more than the step's own tries
			}
			if err := p.fails(analysis); err != nil {
				return canary.Observation{}, err
			}
			return healthy(), nil
		}
		require.Equal(t, Promoted, deliver(t, p, nil).Verdict, "at %d %%", at)
		require.Zero(t, p.failures[analysis])
	}
}

// A run whose canary passed without clients says so.
func TestAPromotionOnSyntheticRequestsSaysSo(t *testing.T) {
	p := newPlatform()
	p.observe = func(int) (canary.Observation, error) {
		seen := healthy()
		seen.Synthetic, seen.Clients = seen.Clients, canary.Traffic{}
		seen.Seconds = 600
		return seen, nil
	}
	require.Equal(t, []string{"every canary step passed, on synthetic requests where clients were too few"}, deliver(t, p, nil).Reasons)
}

// While it bakes a delivery can be aborted, or be overtaken by a rollback, as before.
func TestABakeIsInterrupted(t *testing.T) {
	baking := func() *platform {
		p := newPlatform()
		p.spec.Deploy.Canary.BakeSeconds = 3600
		return p
	}
	p := baking()
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		p.window = func(in activities.CanaryInput) {
			if in.Weight == 100 {
				env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Intervention{Actor: "ada", Reason: "complaints"})
			}
		}
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, &first, p.record.Champion)
	require.Contains(t, p.record.Reason, "complaints")

	p = baking()
	p.observe = func(weight int) (canary.Observation, error) {
		if weight == 100 {
			p.overtake("grace", "complaints")
			return canary.Observation{}, p.overtaken()
		}
		return healthy(), nil
	}
	result = deliver(t, p, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, "grace", p.record.Writer, "who overtook has seen to traffic")
}

// Waiting for requests takes longer and longer windows, so that a week fits into a history, and ends.
func TestACanaryThatNobodyAsksIsAborted(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Canary.MaxWaitHours = 168
	var windows []int
	p.window = func(in activities.CanaryInput) {
		windows = append(windows, in.Seconds)
		require.Equal(t, len(windows), in.Window)
	}
	p.observe = func(int) (canary.Observation, error) {
		return canary.Observation{Seconds: float64(windows[len(windows)-1])}, nil
	}
	result := deliver(t, p, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Contains(t, strings.Join(result.Reasons, "; "), "not enough in 168 hours")
	require.Equal(t, []int{60, 60, 120, 240, 480, 960, 1800, 1800}, windows[:8])
	require.Less(t, len(windows), 350)
}

func TestDeliveryBootstrapsTheFirstVersion(t *testing.T) {
	p := newPlatform()
	p.record.Champion = nil
	asked := false
	p.production = func() (activities.EndpointOutput, error) {
		asked = true
		require.Equal(t, []int{0}, p.weights, "golden requests come before traffic")
		return activities.EndpointOutput{}, nil
	}
	require.Equal(t, Bootstrapped, deliver(t, p, nil).Verdict)
	require.True(t, asked)
	require.Equal(t, []int{0, 100}, p.weights)
	require.Empty(t, p.checks)
	require.Equal(t, []int{2}, p.champions())
}

// Whatever goes wrong with a first version, nothing is routed to it and it is taken away.
func TestBootstrapThatFailsLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		answer func() (activities.EndpointOutput, error)
		drill  string
		want   Verdict
		reason string
	}{
		"golden requests differ": {func() (activities.EndpointOutput, error) {
			return activities.EndpointOutput{Failures: []string{"golden row 3 differs"}}, nil
		}, "", Refused, "golden row 3"},
		"nobody answers": {func() (activities.EndpointOutput, error) {
			return activities.EndpointOutput{}, temporal.NewApplicationError("connection refused", "unavailable")
		}, "crash_after=20", Refused, "connection refused"},
		"the drill is not noticed": {func() (activities.EndpointOutput, error) { return activities.EndpointOutput{}, nil },
			"delay=1ms", Aborted, "the drill was not noticed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			p.record.Champion = nil
			p.production = test.answer
			result := deliverInput(t, p, DeliveryInput{Model: "loan-eligibility", Version: 2, Drill: test.drill}, nil)
			require.Equal(t, test.want, result.Verdict)
			require.Contains(t, result.Reasons[0], test.reason)
			require.Equal(t, []int{0, 0}, p.weights)
			require.Nil(t, p.record.Challenger)
			require.Empty(t, p.champions())
			require.Equal(t, []bool{false}, p.shifts, "its predictor is taken away")
		})
	}
}

func TestDeliveryOfTheChampionDoesNothing(t *testing.T) {
	p := newPlatform()
	p.record.Champion = &second
	require.Equal(t, Nothing, deliver(t, p, nil).Verdict)
	require.Empty(t, p.records)
}

func TestDeliveryOfTheChampionBringsItBack(t *testing.T) {
	p := newPlatform()
	p.record.Champion, p.outOfSync, p.pending = &second, "version 2 does not run", "version 2 does not run"
	result := deliver(t, p, nil)
	require.Equal(t, Restored, result.Verdict)
	require.Contains(t, result.Reasons[0], "version 2 does not run")
	require.Equal(t, serving.Restored, p.record.Change)
	require.Equal(t, []bool{true}, p.shifts, "traffic that did not follow is moved before Terraform")
	require.NotContains(t, p.steps, activities.PlanStaging.Name)
}

func TestProductionIsPutRightBeforeItIsChanged(t *testing.T) {
	p := newPlatform()
	p.outOfSync = "the canary of version 9 is continued by nobody"
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, serving.Restored, p.records[0].Change)
	require.Equal(t, serving.Shared, p.records[1].Change)
}

// Another policy for the same version is another track: it goes through a canary.
func TestDeliveryOfTheChampionsVersionUnderAnotherPolicy(t *testing.T) {
	p := newPlatform()
	p.record.Champion = &serving.Track{Version: 2, Policy: "the one before"}
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, &serving.Track{Version: 2, Policy: "the one before"}, p.record.Previous)
}

// A break that the spec allows goes on, and every record of it says so.
func TestABreakOfTheContractThatIsMeantIsRecorded(t *testing.T) {
	p := newPlatform()
	p.contract = activities.ContractOutput{Breaks: []string{"a is gone", "b is gone", "c is gone", "d is gone"}, Meant: true}
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	for _, record := range p.records {
		require.Contains(t, record.Reason, "breaks the contract of requests, as the spec allows: a is gone, b is gone, c is gone and 1 more")
	}
}

// The first version has nobody to keep a promise to.
func TestTheFirstVersionHasNoContractToKeep(t *testing.T) {
	p := newPlatform()
	p.record.Champion = nil
	p.contract.Breaks = []string{"not asked"}
	require.Equal(t, Bootstrapped, deliver(t, p, nil).Verdict)
	require.NotContains(t, p.steps, activities.CheckContract.Name)
}

// A person who approves has seen what changes: the limit is for deliveries that nobody looks at.
func TestAPredictedChangeMayBeApproved(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	p.shift = activities.ShiftOutput{Judged: swapset.Exceeds, Change: "the approval rate would go from 70 % to 50 %"}
	require.Equal(t, Promoted, deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), Intervention{Actor: "grace", Reason: "reviewed"})
		}, time.Minute)
	}).Verdict)
}

// Each check before production refuses, and production is not touched.
func TestDeliveryRefusedBeforeProduction(t *testing.T) {
	for name, prepare := range map[string]func(*platform){
		"contract": func(p *platform) { p.contract.Breaks = []string{`field "age" is new and required`} },
		"prediction": func(p *platform) {
			p.shift = activities.ShiftOutput{Judged: swapset.Exceeds, Change: "the approval rate would go from 70 % to 50 %"}
		},
		"too few rows": func(p *platform) {
			p.shift = activities.ShiftOutput{Judged: swapset.Undecided, Change: "there are no rows"}
		},
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
			compared := slices.Contains([]string{"contract", "prediction", "too few rows"}, name)
			require.Equal(t, compared, !contains(p.steps, activities.PlanStaging.Name), "what clients would see is found before anything is tried")
			require.Equal(t, compared || name == "capacity", !contains(p.steps, activities.ApplyStaging.Name), "a misfit is found before apply")
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
	require.Equal(t, canary.Failed, result.FoundBy.Check)
	require.Positive(t, result.FoundBy.Requests)
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
			require.Equal(t, "observing the canary: 5 %", progress.Stage)
			env.UpdateWorkflow(AbortUpdate, "no-actor", rejected(t, `"actor"`), Intervention{Reason: "x"})
			env.UpdateWorkflow(ApproveUpdate, "too-early", rejected(t, "does not wait"), Intervention{Actor: "ada", Reason: "x"})
			env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Intervention{Actor: "ada", Reason: "complaints"})
		}, 2*time.Second)
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, []string{"aborted by ada: complaints"}, result.Reasons)
	require.Nil(t, result.FoundBy, "no check did")
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
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.Empty(t, p.weights, "production waits")
			env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), Intervention{Actor: "grace", Reason: "reviewed"})
		}, time.Hour)
	})
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, "grace", p.record.Actor, "who approved answers for the promotion")
}

func TestDeliveryApprovalExpires(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	require.Equal(t, Rejected, deliver(t, p, nil).Verdict)
	require.Empty(t, p.weights)
}

func TestDeliveryNamesWhatIsWrongWithItsInput(t *testing.T) {
	for _, test := range []struct {
		input DeliveryInput
		want  string
	}{
		{DeliveryInput{}, `"model" is missing`},
		{DeliveryInput{Model: "loan-eligibility", Version: -1}, `"version" is -1`},
		{DeliveryInput{Model: "loan-eligibility", Drill: "meteor"}, `drill "meteor"`},
		{DeliveryInput{Model: "loan-eligibility", ApprovalExpires: "tomorrow"}, `"approval_expires" is "tomorrow"`},
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
