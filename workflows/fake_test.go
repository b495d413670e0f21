package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/swapset"
)

// platform is a platform without I/O: each field is what the world answers, the rest is what the workflows did to it.
type platform struct {
	spec       pipeline.Spec
	loaded     activities.PipelineOutput // of the spec, what the steps of a training and of a look read
	record     serving.Record            // the newest of production
	outOfSync  string
	validation activities.ValidateOutput
	// change is what the data bring to schema version 1.
	change   *activities.SchemaChange
	restless bool   // under every schema the data bring the change again
	refused  string // why nothing is trained under the spec
	versions []int  // of the schema under which data were read
	crossing error
	leaks    activities.LeakageOutput
	// trainedBy is the algorithm that trained the champion.
	trainedBy string
	knownAt   string // the day that the extraction was told
	partial   string // the day that it was to leave out
	extracted activities.ExtractOutput
	gates     activities.GateOutput
	contract  activities.ContractOutput
	shift     activities.ShiftOutput
	capacity  activities.CapacityOutput
	smoke     activities.EndpointOutput
	latency   activities.EndpointOutput
	observe   func(weight int) (canary.Observation, error)
	window    func(in activities.CanaryInput) // hears of every analysis
	version   activities.RegisterOutput
	manifest  *artifact.Ref // of the run's artifacts

	production func() (activities.EndpointOutput, error) // the golden requests there
	// failures is how often a step fails before it works again; pending is why traffic does not follow a record at once.
	failures map[string]int
	pending  string
	// followed is what production followed, and shifts for each whether traffic was moved before Terraform.
	followed []activities.FollowInput
	shifts   []bool
	shifted  bool

	signed *signedRecords // what operators signed

	queues map[string]string // where each step must be asked for

	mu      sync.Mutex
	steps   []string
	given   map[string][]any // what each step was given, by its name
	weights []int
	records []serving.Record // those that were taken
	checks  []registry.CanaryCheck
	runs    []registry.Run
	found   []activities.Raising
	// states is what people were told last of each subject, told what was sent to whom (not what is still to be when a run ends, for the environment ends with it); endpoints are whom there are, and refusing one that never takes any.
	states    map[alert.Subject]alert.State
	told      []activities.SendInput
	started   []string // tellings, by workflow ID
	endpoints []string
	refusing  string
}

func newPlatform() *platform {
	p := &platform{
		record: serving.Record{Pipeline: "loan-eligibility", Environment: serving.Production, Generation: 7, Champion: &first}, queues: map[string]string{}, failures: map[string]int{}, states: map[alert.Subject]alert.State{}, endpoints: []string{"pager"},
		gates:   activities.GateOutput{Passed: true, Checks: []string{"auc 0.78 is at least 0.70"}},
		shift:   activities.ShiftOutput{Judged: swapset.Within},
		version: activities.RegisterOutput{Version: 2, Digest: "digest-2", Created: true},
		signed:  &signedRecords{},
		loaded:  loaded(), trainedBy: "logistic", given: map[string][]any{},
		extracted: activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "dataset"}, Facts: artifact.Ref{SHA256: "facts"}, Rows: 1000, Columns: 12, Source: "simulate"},
	}
	p.spec.Name = "loan-eligibility"
	p.spec.Deploy.Approval = pipeline.ApprovalAutomatic
	p.spec.Deploy.Canary = pipeline.Canary{
		Steps: []int{5, 20, 40, 70}, IntervalSeconds: 60, MinRequests: 10, MaxFailedChecks: 1, MaxWaitHours: 1,
		MaxErrorRate: 0.01, MaxP99Millis: 100, MaxBatchP99Millis: 250, MaxSlowShare: 0.01, MaxScoreShift: 0.1, MaxUnpredictedShift: 0.02,
	}
	p.observe = func(int) (canary.Observation, error) { return healthy(), nil }
	p.window = func(activities.CanaryInput) {}
	p.production = func() (activities.EndpointOutput, error) { return activities.EndpointOutput{}, nil }
	return p
}

// loaded is a spec in which nothing is left out and no two things are alike: a step that is given none of it, or another's, is seen.
func loaded() activities.PipelineOutput {
	least := 0.7
	spec := activities.PipelineOutput{
		Digest:     "spec-digest",
		Schema:     activities.SchemaState{Version: 1, Ref: artifact.Ref{SHA256: "schema"}, Declared: artifact.Ref{SHA256: "declared"}, Unused: []string{"branch"}},
		Evolve:     pipeline.Evolve{MaxShare: 0.02},
		Outcomes:   &pipeline.Outcomes{OutcomeColumns: pipeline.OutcomeColumns{KnownAt: "day"}},
		Limits:     pipeline.Limits{MaxRows: 7_000_000},
		Quarantine: pipeline.Quarantine{MaxShare: 0.03},
		Rules:      []pipeline.Rule{{Name: "adults", Expression: "age >= 18"}},
		Leakage:    pipeline.Leakage{MaxAUC: 0.91},
		Split:      pipeline.Split{By: pipeline.ByTime, Train: 0.6},
		Algorithm:  pipeline.Algorithm{Name: "logistic", L2: []float64{0.1, 1}},
		Training:   pipeline.Training{WindowDays: 365, AgainstChampion: pipeline.IsBetter},
		Gates:      []pipeline.Gate{{Metric: "auc", Value: "estimate", Min: &least}},
	}
	spec.Source.Where = "amount > 0"
	return spec
}

// given is what a step was given, each time.
func given[In any, Out activities.Output](p *platform, step activities.Step[In, Out]) (inputs []In) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, in := range p.given[step.Name] {
		inputs = append(inputs, in.(In)) //nolint:forcetypeassert // a step has one type
	}
	return inputs
}

// The tracks of the tests.
var (
	first  = serving.Track{Version: 1, Policy: "policy"}
	second = serving.Track{Version: 2, Policy: "policy"}
)

// trainedBy is the commit of the program that trains.
const trainedBy = "0c622a7e2b44f2e1c9d8b7a6958473625140aabb"

// healthy is a window in which both tracks answered the clients alike, copies of one another as well.
func healthy() canary.Observation {
	const n = 10_000
	scores := canary.Histogram{5: 8000, 20: 2000}
	track := canary.Track{Started: n, Requests: n, Singles: canary.Latency{Count: n}, Decisions: n, Approved: 8000, Scores: scores}
	return canary.Observation{Seconds: 60, Clients: canary.Traffic{Stable: track, Canary: track, Pairs: canary.Pairs{
		Started: n, Ended: n, Answered: n, Singles: canary.PairedLatency{Count: n}, Decided: n, StableScores: scores, CanaryScores: scores,
	}}}
}

// broken is one in which the challenger failed in every second request, and in every second copy.
func broken() canary.Observation {
	seen := healthy()
	seen.Clients.Canary.Faults.Failed, seen.Clients.Pairs.Broken.Failed = 5000, 5000
	return seen
}

// patient lets an environment take its time: by default a task that takes more than a second is one that hangs, and a test has three, which a machine
// that has more to do needs for what is well.
func patient(env *testsuite.TestWorkflowEnvironment, interceptors ...interceptor.WorkerInterceptor) {
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute, Interceptors: interceptors})
	env.SetTestTimeout(time.Minute)
}

// queue is where a step of a workflow belongs. A run records on the role that it lives on.
func (p *platform) queue(step, workflow string) string {
	switch {
	case (step == activities.RecordRun.Name || step == activities.VerifyStart.Name) && (workflow == ContinuousTrainingName || workflow == MonitorName || workflow == EvaluationName || workflow == CadenceName || workflow == MaterializeName):
		return activities.Data.UrgentQueue()
	case step == activities.RecordRun.Name, step == activities.VerifyStart.Name:
		return activities.Deliver.UrgentQueue()
	}
	return p.queues[step]
}

// did notes a step in the order in which the workflows asked for it, and what it was given.
func (p *platform) did(name string, in any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, name)
	p.given[name] = append(p.given[name], in)
}

// environment starts a Temporal test environment in which the platform answers.
func (p *platform) environment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	patient(env)
	Register(env)
	require.NoError(t, env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes()))
	// In every test: no step may wait long for a worker that is gone, or for one of another role. (The environment does not tell the
	// options of a child's steps.)
	env.SetOnActivityStartedListener(func(step *activity.Info, _ context.Context, _ converter.EncodedValues) {
		name := step.ActivityType.Name
		if step.WorkflowExecution.ID != "default-test-workflow-id" {
			return
		}
		if step.HeartbeatTimeout != lostAfter {
			t.Errorf("%s has a heartbeat timeout of %s, %s is wanted", name, step.HeartbeatTimeout, lostAfter)
		}
		if want := p.queue(name, step.WorkflowType.Name); step.TaskQueue != want {
			t.Errorf("%s is asked for on %s, %s is wanted", name, step.TaskQueue, want)
		}
	})
	env.SetOnChildWorkflowStartedListener(func(child *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		if child.WorkflowType.Name == AlertName {
			p.started = append(p.started, child.WorkflowExecution.ID)
		}
	})
	on(p, env, activities.LoadPipeline, func(activities.PipelineInput) (activities.PipelineOutput, error) {
		loaded := p.loaded
		loaded.Refused = p.refused
		return loaded, nil
	})
	on(p, env, activities.ExtractData, func(in activities.ExtractInput) (activities.ExtractOutput, error) {
		p.knownAt, p.partial = in.KnownAt, in.Partial
		p.versions = append(p.versions, in.Version)
		return p.extracted, nil
	})
	on(p, env, activities.ValidateData, func(activities.ValidateInput) (activities.ValidateOutput, error) {
		out := p.validation
		if p.restless || len(p.versions) == 1 {
			out.Change = p.change
		}
		return out, nil
	})
	on(p, env, activities.RecordSchema, func(in activities.RecordSchemaInput) (activities.RecordSchemaOutput, error) {
		if in.Change.Breaking {
			return activities.RecordSchemaOutput{State: in.State, Refused: "schema version 2 waits"}, nil
		}
		return activities.RecordSchemaOutput{State: activities.SchemaState{Version: 2}}, nil
	})
	on(p, env, activities.ProfileData, func(activities.ProfileInput) (activities.ProfileOutput, error) {
		return activities.ProfileOutput{}, nil
	})
	on(p, env, activities.SplitData, func(activities.SplitInput) (activities.SplitOutput, error) {
		return activities.SplitOutput{Train: artifact.Ref{SHA256: "train"}, Validation: artifact.Ref{SHA256: "validation"}, Test: artifact.Ref{SHA256: "test"}}, nil
	})
	on(p, env, activities.CheckSplit, func(activities.SplitCheckInput) (activities.SplitCheckOutput, error) {
		return activities.SplitCheckOutput{Entities: 1000}, p.crossing
	})
	on(p, env, activities.CheckLeakage, func(activities.LeakageInput) (activities.LeakageOutput, error) { return p.leaks, nil })
	on(p, env, activities.TrainModel, func(activities.TrainInput) (activities.TrainOutput, error) {
		return activities.TrainOutput{Bundle: artifact.Ref{SHA256: "digest-2"}, Hyperparameters: []byte(`{}`), Code: registry.Code{Revision: trainedBy}}, nil
	})
	on(p, env, activities.FindChampion, func(activities.ChampionInput) (activities.ChampionOutput, error) {
		return activities.ChampionOutput{
			Champion: &activities.Rival{Version: 1}, Previous: &activities.Rival{Version: 9}, Algorithm: p.trainedBy, First: []byte(`{"l2":0.01}`),
		}, nil
	})
	on(p, env, activities.EvaluateModel, func(activities.EvaluateInput) (activities.EvaluateOutput, error) {
		return activities.EvaluateOutput{
			Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.78}}, Champion: &activities.Beside{Version: 1, Rows: 400}, Previous: &activities.Beside{Version: 9},
		}, nil
	})
	on(p, env, activities.CheckGates, func(activities.GateInput) (activities.GateOutput, error) { return p.gates, nil })
	on(p, env, activities.RegisterModel, func(activities.RegisterInput) (activities.RegisterOutput, error) { return p.version, nil })
	p.registerDelivery(env)
	return env
}

func (p *platform) registerDelivery(env *testsuite.TestWorkflowEnvironment) {
	on(p, env, activities.ResolveModel, func(activities.ResolveInput) (activities.ResolveOutput, error) {
		return activities.ResolveOutput{
			Candidate: activities.Candidate{Model: p.spec.Name, Spec: "spec-digest", Track: second}, Digest: "digest-2",
			Generation: p.record.Generation, Champion: p.record.Champion, OutOfSync: p.outOfSync,
			Approval: p.spec.Deploy.Approval, Canary: p.spec.Deploy.Canary,
		}, nil
	})
	on(p, env, activities.CheckContract, func(activities.ComparisonInput) (activities.ContractOutput, error) { return p.contract, nil })
	on(p, env, activities.PredictShift, func(activities.ComparisonInput) (activities.ShiftOutput, error) { return p.shift, nil })
	on(p, env, activities.PlanStaging, func(activities.PlanInput) (activities.PlanOutput, error) { return activities.PlanOutput{}, nil })
	on(p, env, activities.MeasureModel, func(activities.MeasureInput) (activities.MeasureOutput, error) {
		return activities.MeasureOutput{}, nil
	})
	on(p, env, activities.CheckCapacity, func(activities.CapacityInput) (activities.CapacityOutput, error) { return p.capacity, nil })
	on(p, env, activities.ApplyStaging, func(activities.ChangeInput) (activities.ChangeOutput, error) {
		return activities.ChangeOutput{Generation: 1, Weight: 100}, nil
	})
	on(p, env, activities.SmokeTest, func(activities.EndpointInput) (activities.EndpointOutput, error) { return p.smoke, nil })
	on(p, env, activities.LatencyTest, func(activities.EndpointInput) (activities.EndpointOutput, error) { return p.latency, nil })
	p.registerProduction(env)
	p.signed.now = env.Now
	approvals := activities.Approvals{Registry: p.signed}
	on(p, env, activities.VerifyStart, func(in activities.StartInput) (activities.StartOutput, error) {
		out, err := approvals.VerifyStart(context.Background(), in)
		return out, final(err)
	})
	on(p, env, activities.VerifyApproval, func(in activities.ApprovalInput) (activities.ApprovalOutput, error) {
		if err := p.fails(activities.VerifyApproval.Name); err != nil {
			return activities.ApprovalOutput{}, err
		}
		out, err := approvals.Verify(context.Background(), in)
		return out, final(err)
	})
	on(p, env, activities.RecordRun, func(in activities.RunInput) (activities.RunOutput, error) {
		p.runs = append(p.runs, in.Run)
		return activities.RunOutput{Manifest: p.manifest, Alerts: p.raise(in.Raising)}, nil
	})
	on(p, env, activities.FindEndpoints, func(activities.EndpointsInput) (activities.EndpointsOutput, error) {
		return activities.EndpointsOutput{Endpoints: p.endpoints}, nil
	})
	on(p, env, activities.SendAlert, func(in activities.SendInput) (activities.SendOutput, error) {
		if in.Endpoint == p.refusing {
			return activities.SendOutput{}, temporal.NewNonRetryableApplicationError("it answers HTTP 400", string(fault.Refused), nil)
		}
		if err := p.fails(activities.SendAlert.Name); err != nil {
			return activities.SendOutput{}, err
		}
		p.told = append(p.told, in)
		return activities.SendOutput{}, nil
	})
}

// raise is which of what a run found is a change, by subject and state in place of an ID.
func (p *platform) raise(found *activities.Raising) (changes []string) {
	if found == nil {
		return nil
	}
	p.found = append(p.found, *found)
	for _, raised := range found.States {
		was := p.states[raised.Subject]
		if was == raised.State || was == "" && raised.State == alert.OK {
			continue
		}
		p.states[raised.Subject] = raised.State
		changes = append(changes, string(raised.Subject)+"-"+string(raised.State))
	}
	return changes
}

func (p *platform) registerProduction(env *testsuite.TestWorkflowEnvironment) {
	on(p, env, activities.PlanProduction, func(activities.PlanInput) (activities.PlanOutput, error) { return activities.PlanOutput{}, nil })
	on(p, env, activities.SmokeTestProduction, func(activities.EndpointInput) (activities.EndpointOutput, error) {
		return p.production()
	})
	p.changes(env, activities.ApplyProduction, func(r serving.Record, in activities.ChangeInput) (serving.Record, error) {
		return r.Prepare(in.Candidate.Track, in.Drill)
	})
	p.changes(env, activities.ApplyCanaryWeight, func(r serving.Record, in activities.ChangeInput) (serving.Record, error) {
		return r.Canary(in.Candidate.Track, in.Weight, in.Drill)
	})
	p.changes(env, activities.PromoteModel, func(r serving.Record, _ activities.ChangeInput) (serving.Record, error) { return r.Promote() })
	p.changes(env, activities.AbortCanary, func(r serving.Record, _ activities.ChangeInput) (serving.Record, error) { return r.Abort(), nil })
	p.changes(env, activities.RestoreTraffic, func(r serving.Record, _ activities.ChangeInput) (serving.Record, error) { return r.Restore(), nil })
	on(p, env, activities.ShiftTraffic, func(in activities.FollowInput) (activities.FollowOutput, error) {
		return p.follow(activities.ShiftTraffic.Name, in)
	})
	on(p, env, activities.AdoptRecord, func(in activities.FollowInput) (activities.FollowOutput, error) {
		return p.follow(activities.AdoptRecord.Name, in)
	})
	on(p, env, activities.AnalyseCanary, func(in activities.CanaryInput) (activities.CanaryOutput, error) {
		p.window(in)
		seen, err := p.observe(in.Weight)
		return activities.CanaryOutput{Observation: seen}, err
	})
	on(p, env, activities.RecordCanaryCheck, func(in activities.CheckInput) (activities.CheckOutput, error) {
		p.checks = append(p.checks, in.Check)
		return activities.CheckOutput{}, p.fails(activities.RecordCanaryCheck.Name)
	})
	on(p, env, activities.ChooseRollback, func(in activities.ChooseRollbackInput) (activities.ChooseRollbackOutput, error) {
		if in.After > 0 && p.record.Generation != in.After {
			return activities.ChooseRollbackOutput{}, p.overtaken()
		}
		return activities.ChooseRollbackOutput{Target: shift.Target{Track: first, Digest: "digest-1"}}, p.fails(activities.ChooseRollback.Name)
	})
	on(p, env, activities.RollBack, func(in activities.RollBackInput) (activities.RollBackOutput, error) {
		if err := p.fails(activities.RollBack.Name); err != nil {
			return activities.RollBackOutput{}, err
		}
		if in.After > 0 && p.record.Generation != in.After {
			return activities.RollBackOutput{}, p.overtaken()
		}
		next, err := p.record.RollBack(in.Target.Track)
		if err != nil {
			return activities.RollBackOutput{}, err
		}
		p.record = next.By(in.Author)
		return activities.RollBackOutput{Done: "from version 2 to 1: " + in.Reason, Generation: p.record.Generation, Pending: p.pending}, nil
	})
	on(p, env, activities.FindRollback, func(in activities.FindRollbackInput) (activities.FindRollbackOutput, error) {
		if (in.Generation == 0 || in.Generation != p.record.Generation) && p.record.Change != serving.RolledBack {
			return activities.FindRollbackOutput{}, p.overtaken()
		}
		return activities.FindRollbackOutput{Generation: p.record.Generation, Version: 1, Digest: "digest-1"}, p.fails(activities.FindRollback.Name)
	})
}

// changes answers for a step that takes a generation, as the activity does.
func (p *platform) changes(env *testsuite.TestWorkflowEnvironment, step activities.Step[activities.ChangeInput, activities.ChangeOutput], change func(serving.Record, activities.ChangeInput) (serving.Record, error)) {
	on(p, env, step, func(in activities.ChangeInput) (activities.ChangeOutput, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := p.fails(step.Name); err != nil {
			return activities.ChangeOutput{}, err
		}
		if p.record.Generation != in.After && (!in.Ours || p.record.Writer != in.Writer) {
			return activities.ChangeOutput{}, p.overtaken()
		}
		next, err := change(p.record, in)
		if err != nil {
			return activities.ChangeOutput{}, temporal.NewNonRetryableApplicationError(err.Error(), string(fault.CodeOf(err)), nil)
		}
		p.record = next.By(in.Author)
		p.records = append(p.records, p.record)
		p.weights = append(p.weights, p.record.Share(second))
		return activities.ChangeOutput{Generation: p.record.Generation, Weight: p.record.Share(second), Pending: p.pending}, nil
	})
}

// overtake is what another writer does: all traffic to version 1.
func (p *platform) overtake(writer, reason string) {
	next, err := p.record.RollBack(first)
	if err != nil {
		panic(err)
	}
	p.record = next.By(serving.Author{Writer: writer, Actor: "ada", Reason: reason, Operation: "another"})
}

func (p *platform) follow(step string, in activities.FollowInput) (activities.FollowOutput, error) {
	if err := p.fails(step); err != nil {
		return activities.FollowOutput{}, err
	}
	if in.Generation != p.record.Generation {
		return activities.FollowOutput{}, p.overtaken()
	}
	if step == activities.ShiftTraffic.Name {
		p.shifted = true
		return activities.FollowOutput{}, nil
	}
	p.followed = append(p.followed, in)
	p.shifts = append(p.shifts, p.shifted)
	p.shifted = false
	return activities.FollowOutput{}, nil
}

func (p *platform) overtaken() error {
	return temporal.NewNonRetryableApplicationError("overtaken by "+p.record.String(), string(fault.Overtaken), nil)
}

// fails is the error with which the step fails now; nil when nothing is wrong with it any more.
func (p *platform) fails(step string) error {
	if p.failures[step] == 0 {
		return nil
	}
	p.failures[step]--
	return temporal.NewApplicationError("a dependency is away", string(fault.Unavailable))
}

// on answers for a step and notes each call.
func on[In any, Out activities.Output](p *platform, env *testsuite.TestWorkflowEnvironment, step activities.Step[In, Out], answer func(In) (Out, error)) {
	p.queues[step.Name] = step.Queue()
	env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		p.did(step.Name, in)
		return answer(in)
	}, activity.RegisterOptions{Name: step.Name})
}

// champions lists the versions that became champion.
func (p *platform) champions() []int {
	var versions []int
	for _, record := range p.records {
		if record.Change == serving.Promoted {
			versions = append(versions, record.Champion.Version)
		}
	}
	return versions
}
