package workflows

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// platform is a platform without I/O: each field is what the world answers, the rest is what the workflows did to it.
type platform struct {
	spec       pipeline.Spec
	champion   int // 0: none
	validation activities.ValidateOutput
	gates      activities.GateOutput
	capacity   activities.CapacityOutput
	smoke      activities.EndpointOutput
	latency    activities.EndpointOutput
	observe    func(weight int) (canary.Observation, error)
	version    activities.RegisterOutput

	mu      sync.Mutex
	steps   []string
	weights []int
	aliases []registry.AliasOperation
	checks  []registry.CanaryCheck
	runs    []registry.Run
}

func newPlatform() *platform {
	p := &platform{
		champion: 1,
		gates:    activities.GateOutput{Passed: true, Checks: []string{"auc 0.78 is at least 0.70"}},
		version:  activities.RegisterOutput{Version: 2, Digest: "digest-2", Created: true},
	}
	p.spec.Name = "loan-eligibility"
	p.spec.Deploy.Canary = pipeline.Canary{
		Steps: []int{5, 20, 40, 70}, MinRequests: 10, MaxFailedChecks: 1, MaxInconclusive: 3,
		MaxErrorRate: 0.02, MaxP99Millis: 100, MaxScoreShift: 0.1,
	}
	p.observe = func(int) (canary.Observation, error) { return healthy(), nil }
	return p
}

func healthy() canary.Observation {
	track := canary.Track{
		Requests: 100,
		Latency:  canary.Histogram{Bounds: []float64{0.01}, Counts: []int64{100, 0}},
		Scores:   canary.Histogram{Bounds: []float64{0.5, 1}, Counts: []int64{80, 20, 0}},
	}
	return canary.Observation{Stable: track, Canary: track}
}

func broken() canary.Observation {
	seen := healthy()
	seen.Canary.Errors = 50
	return seen
}

// did notes a step in the order in which the workflows asked for it.
func (p *platform) did(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, name)
}

// environment starts a Temporal test environment in which the platform answers.
func (p *platform) environment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	Register(env)
	require.NoError(t, env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes()))
	// In every test: no step may wait long for a worker that is gone. (The environment does not tell the options of a child's steps.)
	env.SetOnActivityStartedListener(func(step *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if step.WorkflowExecution.ID == "default-test-workflow-id" && step.HeartbeatTimeout != lostAfter {
			t.Errorf("%s has a heartbeat timeout of %s, %s is wanted", step.ActivityType.Name, step.HeartbeatTimeout, lostAfter)
		}
	})
	on(p, env, activities.LoadPipeline, func(activities.PipelineInput) (activities.PipelineOutput, error) {
		return activities.PipelineOutput{Spec: p.spec, Digest: "spec-digest"}, nil
	})
	on(p, env, activities.ExtractData, func(activities.ExtractInput) (activities.ExtractOutput, error) {
		return activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "dataset"}, Rows: 1000, Columns: 12, Source: "simulate"}, nil
	})
	on(p, env, activities.ValidateData, func(activities.DatasetInput) (activities.ValidateOutput, error) { return p.validation, nil })
	on(p, env, activities.ProfileData, func(activities.DatasetInput) (activities.ProfileOutput, error) {
		return activities.ProfileOutput{}, nil
	})
	on(p, env, activities.SplitData, func(activities.DatasetInput) (activities.SplitOutput, error) {
		return activities.SplitOutput{Train: artifact.Ref{SHA256: "train"}, Test: artifact.Ref{SHA256: "test"}}, nil
	})
	on(p, env, activities.TrainModel, func(in activities.TrainInput) (activities.TrainOutput, error) {
		require.Equal(t, "train", in.Train.SHA256, "training reads the training part only")
		return activities.TrainOutput{Bundle: artifact.Ref{SHA256: "digest-2"}, Hyperparameters: []byte(`{}`)}, nil
	})
	on(p, env, activities.FindChampion, func(activities.ResolveInput) (activities.ResolveOutput, error) {
		return activities.ResolveOutput{Champion: p.deliverable()}, nil
	})
	on(p, env, activities.EvaluateModel, func(in activities.EvaluateInput) (activities.EvaluateOutput, error) {
		require.Equal(t, "test", in.Test.SHA256, "evaluation reads the test part only")
		return activities.EvaluateOutput{Metrics: map[string]registry.Metric{"auc": {Estimate: 0.78}}}, nil
	})
	on(p, env, activities.CheckGates, func(activities.GateInput) (activities.GateOutput, error) { return p.gates, nil })
	on(p, env, activities.RegisterModel, func(activities.RegisterInput) (activities.RegisterOutput, error) { return p.version, nil })
	p.registerDelivery(env)
	return env
}

func (p *platform) registerDelivery(env *testsuite.TestWorkflowEnvironment) {
	on(p, env, activities.ResolveModel, func(activities.ResolveInput) (activities.ResolveOutput, error) {
		return activities.ResolveOutput{
			Spec: p.spec, Version: activities.Deliverable{Version: 2, Digest: "digest-2"}, Champion: p.deliverable(),
		}, nil
	})
	on(p, env, activities.PlanStaging, func(activities.EnvironmentInput) (activities.PlanOutput, error) {
		return activities.PlanOutput{Slot: contract.Blue}, nil
	})
	on(p, env, activities.MeasureModel, func(activities.MeasureInput) (capacity.Demand, error) { return capacity.Demand{}, nil })
	on(p, env, activities.CheckCapacity, func(activities.CapacityInput) (activities.CapacityOutput, error) { return p.capacity, nil })
	apply := func(in activities.EnvironmentInput) (activities.ApplyOutput, error) {
		if in.Environment == contract.Production {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.weights = append(p.weights, in.Weight)
		}
		return activities.ApplyOutput{Slot: contract.Green, URL: "http://127.0.0.1:1"}, nil
	}
	for _, name := range []string{activities.ApplyStaging, activities.ApplyProduction, activities.ApplyCanaryWeight, activities.AbortCanary} {
		on(p, env, name, apply)
	}
	on(p, env, activities.PlanProduction, func(activities.EnvironmentInput) (activities.PlanOutput, error) {
		return activities.PlanOutput{}, nil
	})
	on(p, env, activities.SmokeTest, func(activities.EndpointInput) (activities.EndpointOutput, error) { return p.smoke, nil })
	on(p, env, activities.SmokeTestProduction, func(activities.EndpointInput) (activities.EndpointOutput, error) {
		return activities.EndpointOutput{}, nil
	})
	on(p, env, activities.LatencyTest, func(activities.EndpointInput) (activities.EndpointOutput, error) { return p.latency, nil })
	on(p, env, activities.AnalyseCanary, func(in activities.CanaryInput) (activities.CanaryOutput, error) {
		seen, err := p.observe(in.Weight)
		return activities.CanaryOutput{Observation: seen}, err
	})
	on(p, env, activities.RecordCanaryCheck, func(in activities.CheckInput) (bool, error) {
		p.checks = append(p.checks, in.Check)
		return true, nil
	})
	for _, name := range []string{activities.MoveAliases, activities.PromoteModel, activities.ClearChallenger} {
		on(p, env, name, func(in activities.AliasInput) (bool, error) {
			p.aliases = append(p.aliases, in.Operation)
			return true, nil
		})
	}
	on(p, env, activities.RollBack, func(activities.RollBackInput) (activities.RollBackOutput, error) {
		return activities.RollBackOutput{From: 2, To: 1, Digest: "digest-1"}, nil
	})
	on(p, env, activities.RecordRun, func(in activities.RunInput) (bool, error) {
		p.runs = append(p.runs, in.Run)
		return true, nil
	})
}

// deliverable is the champion, or nil.
func (p *platform) deliverable() *activities.Deliverable {
	if p.champion == 0 {
		return nil
	}
	return &activities.Deliverable{Version: p.champion, Digest: "digest-1"}
}

// on registers answer under the activity's name and notes each call.
func on[In, Out any](p *platform, env *testsuite.TestWorkflowEnvironment, name string, answer func(In) (Out, error)) {
	env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		p.did(name)
		return answer(in)
	}, activity.RegisterOptions{Name: name})
}

// champions lists the versions that became champion.
func (p *platform) champions() []int {
	var versions []int
	for _, operation := range p.aliases {
		for _, change := range operation.Changes {
			if change.Alias == registry.Champion {
				versions = append(versions, change.Version)
			}
		}
	}
	return versions
}
