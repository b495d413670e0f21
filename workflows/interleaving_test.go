package workflows

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/swapset"
)

// orders is how many random orders of events the property is held against, and hands how many are tried at once.
const orders, hands = 2000, 2

// Deliveries, rollbacks, aborts, repairs, drills, crashes, lost replies and repetitions in random orders, through the workflows and
// activities that run in production: when all is quiet, traffic is what the record says. What must hold on the way is checked by the
// world at every write. A failing seed is told with its log, and is the same again.
func TestInterleavingsEndAsRecorded(t *testing.T) {
	for hand := range uint64(hands) {
		t.Run(fmt.Sprint("seeds from ", hand), func(t *testing.T) {
			t.Parallel()
			for seed := hand; seed < orders; seed += hands {
				interleave(t, seed)
			}
		})
	}
}

func interleave(t *testing.T, seed uint64) {
	t.Helper()
	w := newWorld(seed)
	for delivery := range 3 {
		w.trouble = 4
		w.others = []func(){w.rollBack(0), w.rollBack(1 + delivery)}
		w.deliver(t, 1+w.rng.IntN(3), w.rng.IntN(4) == 0)
	}
	w.settleDown(t)
	if len(w.wrong) > 0 {
		t.Fatalf("seed %d: %s\n%s", seed, strings.Join(w.wrong, "\n"), strings.Join(w.log, "\n"))
	}
}

// deliver runs one delivery to its end.
func (w *world) deliver(t *testing.T, version int, drilled bool) Result {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestWorkflowEnvironment()
	patient(env)
	Register(env)
	require.NoError(t, env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes()))
	w.register(env)
	input := DeliveryInput{Model: model, Version: version}
	if drilled {
		input.Drill = "delay=1ms"
	}
	if w.trouble > 0 && w.rng.IntN(5) == 0 {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(AbortUpdate, "abort", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(any, error) {}},
				Intervention{Actor: "grace", Reason: "not today"})
		}, time.Duration(w.rng.IntN(4000))*time.Millisecond)
	}
	w.note("delivery of version %d, drill %q", version, input.Drill)
	losses := w.losses
	env.ExecuteWorkflow(ContinuousDeliveryName, input)
	require.True(t, env.IsWorkflowCompleted(), strings.Join(w.log, "\n"))
	var result Result
	if err := env.GetWorkflowError(); err != nil {
		w.note("delivery failed: %v", err)
		return result
	}
	require.NoError(t, env.GetWorkflowResult(&result))
	w.note("delivery ended: %s %v", result.Verdict, result.Reasons)
	if len(result.Reasons) < 2 || !strings.HasPrefix(result.Reasons[1], notRestored) {
		w.checkEnd(losses)
	}
	return result
}

// checkEnd holds a delivery to what it left: no canary of its own, and traffic as the record says if it wrote the newest one.
func (w *world) checkEnd(losses int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := w.newest(serving.Production)
	if newest.Writer != w.run() {
		return
	}
	if newest.Challenger != nil {
		w.complain("the delivery ended and left a canary behind")
	}
	if reason := shift.OutOfSync(newest, w.actual(serving.Production)); reason != "" && losses == w.losses {
		w.complain("the delivery ended before traffic followed it: %s", reason)
	}
}

// run names the delivery that runs now: the test environment gives every run the same ID.
func (w *world) run() string { return fmt.Sprint("run ", w.runs) }

// closed says of whoever wrote a canary that it has ended: one delivery runs at a time.
func closed(context.Context, serving.Author) (bool, error) { return false, nil }

func (w *world) stage() *activities.Environments {
	return &activities.Environments{Registry: w, Agent: agent{w}, Gone: w.gone, Running: closed, Workspace: func(_, environment string, _ terraform.Step) activities.Workspace {
		return workspace{w, environment}
	}}
}

func (w *world) register(env *testsuite.TestWorkflowEnvironment) {
	stage := w.stage()
	really(env, activities.ResolveModel, stage.Resolve)
	w.runs++
	ofThisRun := func(change func(context.Context, activities.ChangeInput) (activities.ChangeOutput, error)) func(context.Context, activities.ChangeInput) (activities.ChangeOutput, error) {
		run := w.run()
		return func(ctx context.Context, in activities.ChangeInput) (activities.ChangeOutput, error) {
			in.Writer, in.Operation = run, run+in.Operation
			return change(ctx, in)
		}
	}
	really(env, activities.ApplyStaging, ofThisRun(stage.Stage))
	really(env, activities.ApplyProduction, ofThisRun(stage.Prepare))
	really(env, activities.ApplyCanaryWeight, ofThisRun(stage.Weigh))
	really(env, activities.PromoteModel, ofThisRun(stage.Promote))
	really(env, activities.AbortCanary, ofThisRun(stage.Abort))
	really(env, activities.RestoreTraffic, ofThisRun(stage.Restore))
	really(env, activities.ShiftTraffic, stage.Shift)
	really(env, activities.AdoptRecord, stage.Adopt)
	bad := w.rng.IntN(4) == 0
	really(env, activities.AnalyseCanary, func(_ context.Context, in activities.CanaryInput) (activities.CanaryOutput, error) {
		w.disturb()
		if bad && in.Weight > 5 {
			return activities.CanaryOutput{Observation: broken()}, nil
		}
		return activities.CanaryOutput{Observation: healthy()}, nil
	})
	really(env, activities.CheckContract, func(context.Context, activities.ComparisonInput) (activities.ContractOutput, error) {
		return activities.ContractOutput{}, nil
	})
	really(env, activities.PredictShift, func(context.Context, activities.ComparisonInput) (activities.ShiftOutput, error) {
		return activities.ShiftOutput{Judged: swapset.Within}, nil
	})
	really(env, activities.PlanStaging, func(context.Context, activities.PlanInput) (activities.PlanOutput, error) {
		return activities.PlanOutput{}, nil
	})
	really(env, activities.PlanProduction, func(context.Context, activities.PlanInput) (activities.PlanOutput, error) {
		return activities.PlanOutput{}, nil
	})
	really(env, activities.MeasureModel, func(context.Context, activities.MeasureInput) (activities.MeasureOutput, error) {
		return activities.MeasureOutput{}, nil
	})
	really(env, activities.CheckCapacity, func(context.Context, activities.CapacityInput) (activities.CapacityOutput, error) {
		return activities.CapacityOutput{}, nil
	})
	fine := func(context.Context, activities.EndpointInput) (activities.EndpointOutput, error) {
		w.disturb()
		return activities.EndpointOutput{}, nil
	}
	really(env, activities.SmokeTest, fine)
	really(env, activities.LatencyTest, fine)
	really(env, activities.SmokeTestProduction, fine)
	really(env, activities.RecordCanaryCheck, func(context.Context, activities.CheckInput) (activities.CheckOutput, error) {
		return activities.CheckOutput{}, nil
	})
	really(env, activities.RecordRun, func(context.Context, activities.RunInput) (activities.RunOutput, error) {
		return activities.RunOutput{}, nil
	})
}

// really registers the work of an activity, with its faults in Temporal's terms.
func really[In any, Out activities.Output](env *testsuite.TestWorkflowEnvironment, step activities.Step[In, Out], work func(context.Context, In) (Out, error)) {
	env.RegisterActivityWithOptions(func(ctx context.Context, in In) (Out, error) {
		out, err := work(ctx, in)
		code := fault.CodeOf(err)
		switch {
		case err != nil && fault.Permanent(code):
			err = temporal.NewNonRetryableApplicationError(err.Error(), string(code), nil)
		case err != nil:
			err = temporal.NewApplicationError(err.Error(), string(code))
		}
		return out, err
	}, activity.RegisterOptions{Name: step.Name})
}

// settleDown is what happens when nobody does anything any more: orphans come to their end, the next worker that starts follows a
// rollback, and somebody delivers the champion, which brings it back where that is needed.
func (w *world) settleDown(t *testing.T) {
	t.Helper()
	w.trouble, w.others = 0, nil
	for len(w.orphans) > 0 {
		w.orphan()
	}
	newest := w.newest(serving.Production)
	if newest.Change == serving.RolledBack {
		_, err := w.stage().Adopt(context.Background(), activities.FollowInput{Model: model, Generation: newest.Generation})
		w.note("the next worker follows generation %d: %v", newest.Generation, err)
		if reason := shift.OutOfSync(newest, w.actual(serving.Production)); reason != "" {
			w.complain("a rollback is not followed by the next worker: %s", reason)
		}
	}
	if newest.Champion == nil {
		if w.agents[serving.Production].route != nil {
			w.complain("traffic is routed without a champion")
		}
		return
	}
	if result := w.deliver(t, newest.Champion.Version, false); result.Verdict != Restored && result.Verdict != Nothing {
		w.complain("delivering the champion ends as %q %v", result.Verdict, result.Reasons)
	}
	newest = w.newest(serving.Production)
	if reason := shift.OutOfSync(newest, w.actual(serving.Production)); reason != "" {
		w.complain("when all is quiet: %s", reason)
	}
	require.NoError(t, serving.Verify(w.records.History(model, serving.Production)))
}

// silent drops what the test environment logs.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
