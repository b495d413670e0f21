package workflows

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
)

// tries runs Trial to its end on workers of which those that deliver are of a build.
func tries(t *testing.T, input TrialInput, delivers string, replay func() (activities.ReplayOutput, error)) (TrialResult, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	Register(env)
	env.RegisterActivityWithOptions(func(ctx context.Context, in activities.TrialInput) (activities.BuildOutput, error) {
		switch queue := activity.GetInfo(ctx).TaskQueue; {
		case queue != activities.Deliver.Queue():
			return activities.BuildOutput(in), nil
		case delivers == "":
			return activities.BuildOutput{}, temporal.NewNonRetryableApplicationError("no worker is there", "", nil)
		}
		return activities.BuildOutput{Build: delivers}, nil
	}, activity.RegisterOptions{Name: activities.AnswerTrial.Name})
	env.RegisterActivityWithOptions(func(_ context.Context, in activities.TrialInput) (activities.ReplayOutput, error) {
		require.Equal(t, input.Build, in.Build)
		return replay()
	}, activity.RegisterOptions{Name: activities.ReplayBuild.Name})
	env.ExecuteWorkflow(TrialName, input)
	require.True(t, env.IsWorkflowCompleted())
	var result TrialResult
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

func TestWhatABuildIsTriedFor(t *testing.T) {
	replayed := func(failures ...string) func() (activities.ReplayOutput, error) {
		return func() (activities.ReplayOutput, error) {
			return activities.ReplayOutput{Replayed: activities.Replayed{Histories: 7, Failures: failures}}, nil
		}
	}
	never := func() (activities.ReplayOutput, error) {
		t.Error("histories are replayed although they may be by another build")
		return activities.ReplayOutput{}, nil
	}
	for name, test := range map[string]struct {
		delivers string
		replay   func() (activities.ReplayOutput, error)
		replays  int
		reasons  []string
	}{
		"passes":          {"new", replayed(), 7, []string{}},
		"is another role": {"old", never, 0, []string{"the role deliver is answered by build old: no worker of build new has it"}},
		"is away":         {"", never, 0, []string{"the role deliver: no worker answered: no worker is there"}},
		"does otherwise":  {"new", replayed("ContinuousDelivery: no"), 7, []string{"ContinuousDelivery: no"}},
		"is replayed by others": {"new", func() (activities.ReplayOutput, error) {
			return activities.ReplayOutput{}, temporal.NewNonRetryableApplicationError("the histories would be replayed by build old", string(fault.Refused), nil)
		}, 0, []string{"the histories would be replayed by build old"}},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := tries(t, TrialInput{Build: "new", Roles: activities.Roles}, test.delivers, test.replay)
			require.NoError(t, err)
			require.Equal(t, TrialResult{Build: "new", Replayed: test.replays, Reasons: test.reasons}, result)
		})
	}
	_, err := tries(t, TrialInput{Build: "new", Roles: activities.Roles}, "new", func() (activities.ReplayOutput, error) {
		return activities.ReplayOutput{}, temporal.NewNonRetryableApplicationError("the store is away", string(fault.Unavailable), nil)
	})
	require.Error(t, err, "what could not be tried has not passed")
	for _, input := range []TrialInput{{}, {Build: "new"}, {Roles: activities.Roles}} {
		_, err := tries(t, input, "new", never)
		require.ErrorContains(t, err, "are needed")
	}
}

// behaviours is a worker's registry that keeps what runs do when another build is promoted.
type behaviours struct {
	worker.WorkflowRegistry // the rest is not called
	of                      map[string]workflow.VersioningBehavior
}

func (b behaviours) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	b.of[o.Name] = o.VersioningBehavior
}

// Which runs end on the build that they began with is a decision for each workflow: a rollback, a push, an alert and a keeper must not wait for workers that have
// gone, and all others must not meet code that does their steps otherwise.
func TestOnWhichBuildRunsEnd(t *testing.T) {
	b := behaviours{of: map[string]workflow.VersioningBehavior{}}
	Register(b)
	require.Equal(t, map[string]workflow.VersioningBehavior{
		ContinuousTrainingName:    workflow.VersioningBehaviorPinned,
		MaterializeName:           workflow.VersioningBehaviorPinned,
		CheckFeaturesName:         workflow.VersioningBehaviorPinned,
		ContinuousDeliveryName:    workflow.VersioningBehaviorPinned,
		MonitorName:               workflow.VersioningBehaviorPinned,
		ContinuousIntegrationName: workflow.VersioningBehaviorPinned,
		PushName:                  workflow.VersioningBehaviorAutoUpgrade,
		EvaluationName:            workflow.VersioningBehaviorPinned,
		CadenceName:               workflow.VersioningBehaviorPinned,
		TrialName:                 workflow.VersioningBehaviorPinned,
		RollbackName:              workflow.VersioningBehaviorAutoUpgrade,
		TriggerName:               workflow.VersioningBehaviorAutoUpgrade,
		AlertName:                 workflow.VersioningBehaviorAutoUpgrade,
	}, b.of)
}
