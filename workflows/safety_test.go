package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

func progressOf(t *testing.T, env *testsuite.TestWorkflowEnvironment) Progress {
	t.Helper()
	answer, err := env.QueryWorkflow(ProgressQuery)
	require.NoError(t, err)
	var progress Progress
	require.NoError(t, answer.Get(&progress))
	return progress
}

// A person rolls back while a delivery waits for approval; then the approval comes.
func TestDeliveryThatWasOvertakenWritesNothingMore(t *testing.T) {
	p := newPlatform()
	p.spec.Deploy.Approval = pipeline.ApprovalRequired
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			p.overtake("ada", "complaints")
			env.UpdateWorkflow(ApproveUpdate, "approve", accepted(t), Intervention{Actor: "grace", Reason: "reviewed"})
		}, time.Hour)
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Contains(t, result.Reasons[0], "rollback by ada: complaints")
	require.Empty(t, p.records)
	require.Empty(t, p.followed)
}

// The same between the steps of a canary, at its end, and between the promotion's record and its traffic.
func TestDeliveryOvertakenMidCanary(t *testing.T) {
	for _, at := range []int{5, 70} {
		p := newPlatform()
		p.observe = func(weight int) (canary.Observation, error) {
			if weight == at {
				p.overtake("ada", "complaints")
			}
			return healthy(), nil
		}
		result := deliver(t, p, nil)
		require.Equal(t, Aborted, result.Verdict)
		require.Contains(t, result.Reasons[0], "rollback by ada")
		require.Equal(t, serving.RolledBack, p.record.Change, "the abort does not write over it")
		require.Empty(t, p.followed)
	}
}

func TestPromotionOvertakenBeforeItsTrafficMoved(t *testing.T) {
	p := newPlatform()
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		on(p, env, activities.AdoptRecord, func(in activities.FollowInput) (activities.FollowOutput, error) {
			if p.record.Change == serving.Promoted {
				p.overtake("ada", "complaints")
			}
			return p.follow(activities.AdoptRecord.Name, in)
		})
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Empty(t, p.followed)
}

// What must be done in the end is tried without end: ten tries are not the limit.
func TestAbortIsTriedUntilItHolds(t *testing.T) {
	for _, step := range []string{activities.AbortCanary.Name, activities.AdoptRecord.Name} {
		t.Run(step, func(t *testing.T) {
			p := newPlatform()
			p.failures[step] = 40
			p.observe = func(int) (canary.Observation, error) { return broken(), nil }
			var waiting Progress
			result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(func() { waiting = progressOf(t, env) }, 3*time.Minute)
			})
			require.Equal(t, Aborted, result.Verdict)
			require.Equal(t, serving.Aborted, p.record.Change)
			require.Contains(t, waiting.Stage, "waiting, since a dependency is away")
			require.Equal(t, []bool{false}, p.shifts, "the agent has moved the traffic already")
		})
	}
}

// What the agent did not do at once is asked of it again at every try, before Terraform.
func TestAbortWhoseTrafficDoesNotFollowAtOnce(t *testing.T) {
	p := newPlatform()
	p.pending, p.failures[activities.AdoptRecord.Name] = "the agent is away", 20
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	require.Equal(t, Aborted, deliver(t, p, nil).Verdict)
	require.Equal(t, []bool{true}, p.shifts)

	// The agent stays away, then Terraform's lock is held: traffic is moved as soon as the agent is back.
	p = newPlatform()
	p.pending, p.failures[activities.ShiftTraffic.Name] = "the agent is away", 200
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	var adoptions int
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		var back time.Time
		on(p, env, activities.ShiftTraffic, func(in activities.FollowInput) (activities.FollowOutput, error) {
			out, err := p.follow(activities.ShiftTraffic.Name, in)
			if err == nil {
				back = env.Now()
			}
			return out, err
		})
		on(p, env, activities.AdoptRecord, func(in activities.FollowInput) (activities.FollowOutput, error) {
			adoptions++
			if back.IsZero() || env.Now().Sub(back) < time.Hour {
				return activities.FollowOutput{}, temporal.NewApplicationError("another operation is going on", string(fault.Conflict))
			}
			return p.follow(activities.AdoptRecord.Name, in)
		})
	})
	require.Equal(t, Aborted, result.Verdict)
	require.Greater(t, adoptions, 100)
	shifts := 0
	for _, step := range p.steps {
		if step == activities.ShiftTraffic.Name {
			shifts++
		}
	}
	require.Equal(t, 201, shifts, "once it is moved it is not moved again")
	require.Equal(t, []bool{true}, p.shifts)
}

// What is brought back is recorded first and told to the agent, also when the delivery is aborted meanwhile; what does not come back by that is
// not waited for any longer.
func TestAbortWhileProductionIsPutRight(t *testing.T) {
	for name, end := range map[string]func(*testsuite.TestWorkflowEnvironment){
		"aborted": func(env *testsuite.TestWorkflowEnvironment) {
			env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Intervention{Actor: "ada", Reason: "not today"})
		},
		"cancelled": func(env *testsuite.TestWorkflowEnvironment) { env.CancelWorkflow() },
	} {
		for _, away := range []string{activities.RestoreTraffic.Name, activities.AdoptRecord.Name} {
			t.Run(name+" during "+away, func(t *testing.T) {
				p := newPlatform()
				p.outOfSync, p.pending, p.failures[away] = "version 1 does not run", "version 1 does not run", 100
				result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
					env.RegisterDelayedCallback(func() { end(env) }, 3*time.Minute)
				})
				require.Equal(t, Aborted, result.Verdict)
				require.Equal(t, "production was not as recorded, and may not be yet: version 1 does not run", result.Reasons[1])
				require.Equal(t, serving.Restored, p.record.Change, "it is recorded, whoever aborts")
				require.True(t, p.shifted, "and told to the agent")
				require.Empty(t, p.followed)
				require.NotContains(t, p.steps, activities.PlanStaging.Name, "nothing else is done")
			})
		}
	}
}

// A champion that can never run again ends the delivery with what to do, instead of every delivery from then on.
func TestProductionThatCannotBePutRightEndsTheDelivery(t *testing.T) {
	p := newPlatform()
	p.outOfSync, p.pending = "version 1 does not run", "version 1 does not run"
	p.failures[activities.ShiftTraffic.Name] = 20 // more than the step's own tries
	env := p.environment(t)
	on(p, env, activities.AdoptRecord, func(activities.FollowInput) (activities.FollowOutput, error) {
		return activities.FollowOutput{}, temporal.NewNonRetryableApplicationError("the bundle is gone", "not_found", nil)
	})
	env.ExecuteWorkflow(ContinuousDeliveryName, deliveryInput)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failed)
	require.Equal(t, "production cannot be brought back to what its record says: the bundle is gone; mend that, or roll back to a version that runs", failed.Message())
	require.Equal(t, string(fault.Refused), failed.Type())
	require.True(t, p.shifted, "not before traffic is as safe as the agent can make it")

	p = newPlatform()
	p.outOfSync, p.pending = "version 1 does not run", "version 1 does not run"
	env = p.environment(t)
	gone := func(activities.FollowInput) (activities.FollowOutput, error) {
		return activities.FollowOutput{}, temporal.NewNonRetryableApplicationError("the bundle is gone", "not_found", nil)
	}
	on(p, env, activities.ShiftTraffic, gone)
	on(p, env, activities.AdoptRecord, gone)
	env.ExecuteWorkflow(ContinuousDeliveryName, deliveryInput)
	require.ErrorContains(t, env.GetWorkflowError(), "production cannot be brought back", "a track that is gone is no reason to wait for the agent")
}

// The reply of its own record was lost, and a newer rollback came meanwhile: a worker that starts counts on the run that is there.
func TestRollbackWhoseRecordIsOvertakenFollowsTheNewerOne(t *testing.T) {
	p := newPlatform()
	p.record.Champion = &second
	env := p.environment(t)
	on(p, env, activities.RollBack, func(activities.RollBackInput) (activities.RollBackOutput, error) {
		p.overtake("grace", "further complaints")
		return activities.RollBackOutput{}, p.overtaken()
	})
	env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility"})
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, RolledBack, result.Verdict)
	require.Len(t, p.followed, 1)
}

func TestPromotionWaitsForTheDatabase(t *testing.T) {
	for _, step := range []string{activities.PromoteModel.Name, activities.RecordCanaryCheck.Name} {
		t.Run(step, func(t *testing.T) {
			p := newPlatform()
			p.failures[step] = 40
			require.Equal(t, Promoted, deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(func() {
					if step == activities.PromoteModel.Name {
						require.Equal(t, 70, p.weights[len(p.weights)-1], "the last weight is kept")
						env.UpdateWorkflow(AbortUpdate, "late", rejected(t, "too late"), Intervention{Actor: "ada", Reason: "x"})
					}
				}, 3*time.Minute)
			}).Verdict)
			require.Equal(t, []int{5, 20, 40, 70, 100}, p.weights)
		})
	}
}

// Terraform cannot move the traffic of a promotion: the agent does, and Terraform follows later.
func TestPromotionThatTerraformCannotFinish(t *testing.T) {
	p := newPlatform()
	p.failures[activities.AdoptRecord.Name] = 20
	require.Equal(t, Promoted, deliver(t, p, nil).Verdict)
	require.Equal(t, []bool{true}, p.shifts, "where Terraform cannot, the agent does")
}

// An abort does not wait for the step that is under way: its generation makes that one harmless.
func TestAbortDoesNotQueueBehindAnApply(t *testing.T) {
	p := newPlatform()
	release := make(chan struct{})
	var once bool
	result := deliver(t, p, func(env *testsuite.TestWorkflowEnvironment) {
		env.SetTestTimeout(30 * time.Second)
		on(p, env, activities.ApplyCanaryWeight, func(activities.ChangeInput) (activities.ChangeOutput, error) {
			env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Intervention{Actor: "ada", Reason: "complaints"})
			<-release // Terraform takes its time: until after the abort
			return activities.ChangeOutput{}, temporal.NewApplicationError("interrupted", "unavailable")
		})
		p.changes(env, activities.AbortCanary, func(r serving.Record, _ activities.ChangeInput) (serving.Record, error) {
			if !once {
				close(release)
				once = true
			}
			return r.Abort(), nil
		})
	})
	require.Equal(t, Aborted, result.Verdict)
	require.True(t, once)
}

func TestADrilledChallengerIsNeverPromoted(t *testing.T) {
	p := newPlatform()
	result := deliverInput(t, p, DeliveryInput{Model: "loan-eligibility", Version: 2, Drill: "delay=1ms"}, nil)
	require.Equal(t, Aborted, result.Verdict)
	require.Contains(t, result.Reasons[0], "the drill was not noticed")
	require.Equal(t, []int{5, 20, 40, 70, 0}, p.weights)
	require.Empty(t, p.champions())
}

func rollBack(t *testing.T, p *platform, input RollbackInput) Result {
	t.Helper()
	env := p.environment(t)
	env.ExecuteWorkflow(RollbackName, input)
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return result
}

func TestRollback(t *testing.T) {
	p := newPlatform()
	p.record.Champion, p.record.Previous = &second, &first
	p.failures[activities.RollBack.Name], p.failures[activities.AdoptRecord.Name] = 25, 25
	result := rollBack(t, p, RollbackInput{Model: "loan-eligibility", Reason: "complaints"})
	require.Equal(t, RolledBack, result.Verdict)
	require.Equal(t, 1, result.Model.Version)
	require.Equal(t, "from version 2 to 1: complaints", result.Reasons[0])
	require.Equal(t, []bool{false}, p.shifts)
}

func TestRollbackWhoseTrafficDoesNotFollowAtOnce(t *testing.T) {
	p := newPlatform()
	p.record.Champion, p.pending = &second, "the agent does not answer"
	require.Equal(t, RolledBack, rollBack(t, p, RollbackInput{Model: "loan-eligibility"}).Verdict)
	require.Equal(t, []bool{true}, p.shifts)
}

// A step that was given up may have recorded the rollback: whoever might have is not ended before it follows.
func TestARollbackThatMayBeRecordedIsFollowed(t *testing.T) {
	own, stands := RollbackInput{Model: "loan-eligibility"}, RollbackInput{Model: "loan-eligibility", Adopt: 8}
	for name, test := range map[string]struct {
		input RollbackInput
		away  string
	}{
		"its own, while it is recorded":               {own, activities.RollBack.Name},
		"its own, while production is made to follow": {own, activities.AdoptRecord.Name},
		"one that stands, while it is looked for":     {stands, activities.FindRollback.Name},
		"one that stands, while it is followed":       {stands, activities.AdoptRecord.Name},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			p.record.Champion, p.failures[test.away] = &second, 40
			if test.input.Adopt > 0 {
				p.overtake("ada", "complaints")
			}
			env := p.environment(t)
			ended := false
			env.RegisterDelayedCallback(func() {
				ended = true
				env.UpdateWorkflow(AbortUpdate, "abort", rejected(t, "too late"), Intervention{Actor: "ada", Reason: "x"})
				env.CancelWorkflow()
			}, 3*time.Minute)
			env.ExecuteWorkflow(RollbackName, test.input)
			require.True(t, ended)
			require.NoError(t, env.GetWorkflowError())
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, RolledBack, result.Verdict)
			require.Equal(t, ModelRef{Name: "loan-eligibility", Version: 1, Digest: "digest-1"}, result.Model)
			require.Len(t, p.followed, 1)
		})
	}
}

// Before anything is recorded a rollback can be aborted.
func TestARollbackIsAbortedWhileItChooses(t *testing.T) {
	p := newPlatform()
	p.failures[activities.ChooseRollback.Name] = 40
	env := p.environment(t)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(AbortUpdate, "abort", accepted(t), Intervention{Actor: "ada", Reason: "another one"})
	}, 3*time.Minute)
	env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility"})
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Aborted, result.Verdict)
	require.NotContains(t, p.steps, activities.RollBack.Name)
}

// A rollback that was recorded elsewhere is followed, not repeated; one that was overtaken since is left alone.
func TestRollbackThatOnlyAdopts(t *testing.T) {
	p := newPlatform()
	generation := p.record.Generation
	require.Equal(t, RolledBack, rollBack(t, p, RollbackInput{Model: "loan-eligibility", Adopt: generation}).Verdict)
	require.Equal(t, generation, p.record.Generation)
	require.Equal(t, []bool{true}, p.shifts, "the command may not have moved the traffic")

	p = newPlatform()
	require.Equal(t, Aborted, rollBack(t, p, RollbackInput{Model: "loan-eligibility", Adopt: generation - 1}).Verdict)
	require.Empty(t, p.followed)
}

// Whoever follows a rollback follows the one after it as well: it may have been started in the stead of that one's follower.
func TestRollbackFollowsTheNewerOne(t *testing.T) {
	p := newPlatform()
	p.overtake("ada", "complaints")
	asked := p.record.Generation
	p.failures[activities.AdoptRecord.Name] = 20
	env := p.environment(t)
	env.RegisterDelayedCallback(func() { p.overtake("grace", "further complaints") }, time.Minute)
	env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility", Adopt: asked})
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, RolledBack, result.Verdict)
	require.Len(t, p.followed, 1)
	require.Equal(t, asked+1, p.followed[0].Generation)

	require.Equal(t, RolledBack, rollBack(t, p, RollbackInput{Model: "loan-eligibility", Adopt: asked}).Verdict, "asked for the older one")
	require.Equal(t, asked+1, p.followed[1].Generation)
}

// The same for one that recorded its own: a worker that starts counts on the run that is there.
func TestRollbackOfItsOwnFollowsTheNewerOne(t *testing.T) {
	for change, want := range map[serving.Change]Verdict{serving.RolledBack: RolledBack, serving.Shared: Aborted} {
		t.Run(string(change), func(t *testing.T) {
			p := newPlatform()
			p.record.Champion, p.failures[activities.AdoptRecord.Name] = &second, 20
			env := p.environment(t)
			env.RegisterDelayedCallback(func() {
				p.overtake("grace", "further complaints")
				p.record.Change = change
			}, time.Minute)
			env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility"})
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, want, result.Verdict)
			if want == RolledBack {
				require.Equal(t, p.record.Generation, p.followed[0].Generation)
			} else {
				require.Empty(t, p.followed, "who wrote it follows it")
			}
		})
	}
}

// A run that failed and keeps its record cannot be aborted any more: nobody would act on it.
func TestARunThatFailedIsNotAborted(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	on(p, env, activities.PlanStaging, func(activities.PlanInput) (activities.PlanOutput, error) {
		return activities.PlanOutput{}, temporal.NewNonRetryableApplicationError("no Terraform", "not_found", nil)
	})
	asked := false
	env.SetOnActivityStartedListener(func(step *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if step.ActivityType.Name == activities.RecordRun.Name && len(p.steps) > 2 {
			asked = true
			env.UpdateWorkflow(AbortUpdate, "late", rejected(t, "too late"), Intervention{Actor: "ada", Reason: "x"})
		}
	})
	env.ExecuteWorkflow(ContinuousDeliveryName, deliveryInput)
	require.ErrorContains(t, env.GetWorkflowError(), "no Terraform")
	require.True(t, asked)
}

// What mends itself is tried every half a minute at least, however long it was away: Temporal tries again, the workflow does not pause.
func TestWhatMendsItselfIsTriedAllTheTime(t *testing.T) {
	p := newPlatform()
	p.record.Champion = &second
	env := p.environment(t)
	var tries []time.Time
	on(p, env, activities.AdoptRecord, func(activities.FollowInput) (activities.FollowOutput, error) {
		if tries = append(tries, env.Now()); env.Now().Sub(tries[0]) < 3*24*time.Hour {
			return activities.FollowOutput{}, temporal.NewApplicationError("connection refused", string(fault.Unavailable))
		}
		return activities.FollowOutput{}, nil
	})
	env.SetTestTimeout(time.Minute)
	env.ExecuteWorkflow(RollbackName, RollbackInput{Model: "loan-eligibility"})
	require.NoError(t, env.GetWorkflowError())
	for i := 1; i < len(tries); i++ {
		require.LessOrEqual(t, tries[i].Sub(tries[i-1]), 31*time.Second, "try %d, after %s", i, tries[i].Sub(tries[0]))
	}
}

// A history holds 51,200 events; a failure that Temporal does not try again by itself makes about a dozen.
func TestPausesGrowSoThatMonthsFitIntoAHistory(t *testing.T) {
	var waited time.Duration
	for n := range 51200 / 12 {
		require.LessOrEqual(t, pause(n), time.Hour)
		require.GreaterOrEqual(t, pause(n+1), pause(n))
		require.LessOrEqual(t, pause(n), max(15*time.Second, waited/2), "who mends something does not wait out of proportion")
		waited += pause(n)
	}
	require.Greater(t, waited, 100*24*time.Hour)
}

// An abort that Temporal delivers together with the answer of the last step is handled first: what was promised to it holds.
func TestAbortBesideTheLastAnswerIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		last string
		seen int
		with func(*platform)
	}{
		"the last verdict of a canary": {activities.RecordCanaryCheck.Name, 4, func(*platform) {}},
		"the last verdict of a bake":   {activities.RecordCanaryCheck.Name, 5, func(p *platform) { p.spec.Deploy.Canary.BakeSeconds = 60 }},
		"the golden predictions of a bootstrap": {activities.SmokeTestProduction.Name, 1, func(p *platform) {
			p.record = serving.Record{Pipeline: p.record.Pipeline, Environment: p.record.Environment}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			test.with(p)
			env := p.environment(t)
			var d *delivery
			env.RegisterWorkflowWithOptions(func(ctx workflow.Context, input DeliveryInput) (Result, error) {
				d = &delivery{input: input, expires: time.Hour, run: newRun(activities.Deliver, input.Model, registry.ByHand, ofDelivery)}
				return d.execute(ctx, d.deliver)
			}, workflow.RegisterOptions{Name: "a delivery within reach"})
			seen := 0
			env.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
				if info.ActivityType.Name != test.last {
					return
				}
				if seen++; seen == test.seen {
					by := Intervention{Actor: "grace", Reason: "stop"}
					require.NoError(t, d.validateAbort(nil, by))
					_, err := d.abort(nil, by)
					require.NoError(t, err)
				}
			})
			env.ExecuteWorkflow("a delivery within reach", deliveryInput)
			require.NoError(t, env.GetWorkflowError())
			var result Result
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, test.seen, seen)
			require.Equal(t, Aborted, result.Verdict)
			require.Equal(t, "grace", p.record.Actor, "who aborted answers for it")
		})
	}
}
