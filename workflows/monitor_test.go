package workflows

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// production is a platform that is looked at: each field is what a step finds.
type production struct {
	*platform
	reference   activities.ReferenceOutput
	fresh       activities.ExtractOutput
	outcomes    activities.ExtractOutput
	schema      activities.FindingsOutput
	refusals    activities.RefusalsOutput
	gatewayAway bool
	drift       activities.DriftOutput
	performance activities.PerformanceOutput

	read        []activities.ExtractInput
	validated   activities.ValidateInput
	measured    activities.PerformanceInput
	looks       []registry.Look
	triggered   []TriggerInput
	rolledBack  []RollbackInput
	delivered   []DeliveryInput
	notRunning  bool     // the version to go back to is in no slot
	taken       []string // IDs of children under which others run already
	triggeredTo TriggerOutcome
}

func newProduction() *production {
	p := &production{platform: newPlatform(), triggeredTo: TriggerStarted}
	p.reference = activities.ReferenceOutput{
		Contenders: []activities.Contender{{Track: second, Bundle: artifact.Ref{SHA256: "digest-2"}}, {Track: first}}, Nth: 3,
		Dataset: artifact.Ref{SHA256: "reference"}, Test: artifact.Ref{SHA256: "judged"}, After: "2026-05-31", JudgedUntil: "2025-11-30",
		Refusals: []byte(`{"requests":7}`),
	}
	p.fresh = activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "fresh"}, Rows: 700}
	p.outcomes = activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "outcomes"}, Rows: 4000}
	p.performance = activities.PerformanceOutput{Matured: 900}
	return p
}

func (p *production) environment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := p.platform.environment(t)
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&realTerms{taken: p.taken}}})
	spec := activities.PipelineOutput{Digest: "spec-digest", Schema: activities.SchemaState{Version: 1}, Refused: p.refused}
	spec.Monitor = pipeline.Monitor{MinRows: 500, On: pipeline.MonitorOn{
		Schema: pipeline.ReactRetrain, DataDrift: pipeline.ReactAlert, PredictionDrift: pipeline.ReactRollBack, Performance: pipeline.ReactRollBack,
		NewData: pipeline.ReactRetrain,
	}}
	on(p.platform, env, activities.LoadPipeline, func(activities.PipelineInput) (activities.PipelineOutput, error) { return spec, nil })
	on(p.platform, env, activities.FindReference, func(activities.ReferenceInput) (activities.ReferenceOutput, error) { return p.reference, nil })
	on(p.platform, env, activities.ExtractData, func(in activities.ExtractInput) (activities.ExtractOutput, error) {
		p.read = append(p.read, in)
		return p.fresh, nil
	})
	on(p.platform, env, activities.ExtractOutcomes, func(in activities.ExtractInput) (activities.ExtractOutput, error) {
		p.read = append(p.read, in)
		return p.outcomes, nil
	})
	on(p.platform, env, activities.ValidateData, func(in activities.ValidateInput) (activities.ValidateOutput, error) {
		p.validated = in
		require.True(t, in.Young, "nobody expects labels of rows that are new")
		return activities.ValidateOutput{}, nil
	})
	on(p.platform, env, activities.FindSchemaChanges, func(activities.SchemaLookInput) (activities.FindingsOutput, error) { return p.schema, nil })
	on(p.platform, env, activities.FindRefusals, func(in activities.RefusalsInput) (activities.RefusalsOutput, error) {
		require.JSONEq(t, `{"requests":7}`, string(in.Before))
		if p.gatewayAway {
			return activities.RefusalsOutput{}, temporal.NewApplicationError("the gateway does not answer", string(fault.Unavailable))
		}
		return p.refusals, nil
	})
	on(p.platform, env, activities.MeasureDrift, func(in activities.DriftInput) (activities.DriftOutput, error) {
		require.Equal(t, []string{"reference", "fresh", "digest-2"}, []string{in.Reference.SHA256, in.Fresh.SHA256, in.Champion.SHA256})
		return p.drift, nil
	})
	on(p.platform, env, activities.MeasurePerformance, func(in activities.PerformanceInput) (activities.PerformanceOutput, error) {
		p.measured = in
		return p.performance, nil
	})
	on(p.platform, env, activities.RecordLook, func(in activities.LookInput) (activities.LookOutput, error) {
		p.looks = append(p.looks, in.Look)
		return activities.LookOutput{}, nil
	})
	env.OnWorkflow(TriggerName, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in TriggerInput) (Triggered, error) {
		p.triggered = append(p.triggered, in)
		return Triggered{Outcome: p.triggeredTo, WorkflowID: TrainingID(in.Pipeline)}, nil
	}).Maybe()
	env.OnWorkflow(RollbackName, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in RollbackInput) (Result, error) {
		p.rolledBack = append(p.rolledBack, in)
		if p.notRunning {
			return Result{}, temporal.NewNonRetryableApplicationError("version 1 does not run in production any more", string(fault.Refused), nil)
		}
		return Result{Verdict: RolledBack}, nil
	}).Maybe()
	env.OnWorkflow(ContinuousDeliveryName, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in DeliveryInput) (Result, error) {
		p.delivered = append(p.delivered, in)
		return Result{Verdict: Promoted}, nil
	}).Maybe()
	return env
}

// look runs Monitor to its end.
func (p *production) look(t *testing.T, input MonitorInput) Result {
	t.Helper()
	env := p.environment(t)
	env.ExecuteWorkflow(MonitorName, input)
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Len(t, p.looks, 1, "one look, one verdict")
	require.Equal(t, string(p.looks[0].Verdict), string(result.Verdict), "what is recorded is what it ends with")
	return result
}

var (
	lookInput = MonitorInput{Pipeline: "loan-eligibility", AsOf: "2026-06-30"}
	drifted   = activities.DriftOutput{Findings: []monitor.Finding{{Kind: monitor.OfData, Feature: "income", Message: "income drifts"}}}
	better    = &monitor.Better{Version: 1, Policy: "policy", Basis: "labels", Message: "version 1 is better"}
	decayed   = monitor.Finding{Kind: monitor.OfPerformance, Message: "the champion does worse"}
)

func TestALookReadsWhatIsNewAndWhatHasBecomeOfApplicants(t *testing.T) {
	p := newProduction()
	result := p.look(t, lookInput)
	require.Equal(t, Nothing, result.Verdict)
	require.Equal(t, ModelRef{Name: "loan-eligibility", Version: 2, Digest: "digest-2"}, result.Model)
	require.Len(t, p.read, 2)
	require.Equal(t, []string{"2026-05-31", "2025-11-30"}, []string{p.read[0].After, p.read[1].After})
	for _, in := range p.read {
		require.Equal(t, []string{"2026-06-30", "2026-06-30"}, []string{in.AsOf, in.KnownAt})
	}
	require.Equal(t, "fresh", p.validated.Dataset.SHA256)
	require.Equal(t, []string{"judged", "reference", "fresh", "outcomes"}, []string{p.measured.Test.SHA256, p.measured.Reference.SHA256, p.measured.Fresh.SHA256, p.measured.Outcomes.SHA256})
	require.Len(t, p.measured.Contenders, 2, "the version before is scored as well")
	require.Equal(t, 3, p.measured.Nth)
	look := p.looks[0]
	require.Equal(t, []any{"2026-05-31", "2026-06-30", int64(700), int64(900), 2, true}, []any{look.After, look.AsOf, look.Rows, look.Matured, look.Champion, look.Enough})
	require.Empty(t, p.triggered)
	require.Empty(t, p.rolledBack)
}

func TestALookAtRowsOfTheirOwnReadsThemOnce(t *testing.T) {
	p := newProduction()
	p.reference.After, p.reference.JudgedUntil = "", ""
	p.look(t, MonitorInput{Pipeline: "loan-eligibility", AsOf: "2026-06-30", Data: "/data/2005.csv"})
	require.Len(t, p.read, 1)
	require.Equal(t, "/data/2005.csv", p.read[0].Data)
	require.Equal(t, "fresh", p.measured.Outcomes.SHA256)
}

func TestFewRowsWaitForTheNextLook(t *testing.T) {
	p := newProduction()
	p.fresh.Rows = 499
	result := p.look(t, lookInput)
	require.Equal(t, Nothing, result.Verdict)
	require.Contains(t, result.Reasons[0], "499 fresh rows, 500 are wanted")
	require.NotContains(t, p.steps, activities.MeasureDrift.Name)
	require.Contains(t, p.steps, activities.FindSchemaChanges.Name, "what the schema does not know needs few rows")
	require.Contains(t, p.steps, activities.MeasurePerformance.Name, "outcomes have matured all the same")
	require.False(t, p.looks[0].Enough, "the rows count in the next look")

	p = newProduction()
	p.fresh.Rows = 0
	require.Equal(t, Nothing, p.look(t, lookInput).Verdict)
	require.NotContains(t, p.steps, activities.ValidateData.Name)
}

func TestWithoutAChampionThereIsNothingToLookAt(t *testing.T) {
	p := newProduction()
	p.reference = activities.ReferenceOutput{}
	result := p.look(t, lookInput)
	require.Equal(t, Nothing, result.Verdict)
	require.Empty(t, p.read)
}

// A schema that waits for a person is reviewed, whatever else there is.
func TestASchemaThatWaitsIsForReview(t *testing.T) {
	p := newProduction()
	p.refused = "schema version 2 waits"
	result := p.look(t, lookInput)
	require.Equal(t, Review, result.Verdict)
	require.Contains(t, result.Reasons, "schema version 2 waits")
}

func TestWhatALookDoes(t *testing.T) {
	p := newProduction()
	p.drift = drifted
	result := p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Equal(t, drifted.Findings, result.Findings)
	require.Empty(t, p.triggered)

	p = newProduction()
	p.performance.Findings = []monitor.Finding{decayed}
	result = p.look(t, lookInput)
	require.Equal(t, Retrain, result.Verdict)
	require.Len(t, p.triggered, 1)
	require.Equal(t, []string{TrainingRun, "loan-eligibility", "monitor"}, []string{p.triggered[0].Run, p.triggered[0].Pipeline, string(p.triggered[0].Trigger)})
	require.Equal(t, p.looks[0].RunID, p.triggered[0].Cause, "the run says which look started it")
	require.Equal(t, lookInput.AsOf, p.triggered[0].AsOf, "a training knows no more than the look that started it")
	require.Contains(t, result.Reasons, "a training is started, see training-loan-eligibility")

	p = newProduction()
	p.performance.Findings, p.triggeredTo = []monitor.Finding{decayed}, TriggerKept
	require.Contains(t, p.look(t, lookInput).Reasons, "a training runs; another one follows it")

	p = newProduction()
	p.performance.Findings, p.reference.Held = []monitor.Finding{decayed}, "a monitor started one 1h ago"
	result = p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Empty(t, p.triggered, "the cooldown holds it back")
}

// A training that nothing but new data asks for says so; the cooldown holds it back as any other one of a monitor.
func TestALookTrainsOnNewData(t *testing.T) {
	enough := monitor.Finding{Kind: monitor.OfNewData, Statistic: "rows", Message: "900 rows are new"}
	p := newProduction()
	p.performance.Findings, p.drift = []monitor.Finding{enough}, drifted // of which people are told
	result := p.look(t, lookInput)
	require.Equal(t, Retrain, result.Verdict)
	require.Len(t, p.triggered, 1)
	require.Equal(t, TriggerInput{
		Run: TrainingRun, Pipeline: "loan-eligibility", Trigger: registry.ByNewData, Actor: "monitor", Cause: p.looks[0].RunID, AsOf: lookInput.AsOf,
	}, p.triggered[0])

	p = newProduction()
	p.performance.Findings = []monitor.Finding{decayed, enough}
	require.Equal(t, Retrain, p.look(t, lookInput).Verdict)
	require.Equal(t, registry.ByMonitor, p.triggered[0].Trigger)

	p = newProduction()
	p.performance.Findings, p.reference.Held = []monitor.Finding{enough}, "a monitor started one 1h ago"
	require.Equal(t, Alerted, p.look(t, lookInput).Verdict)
	require.Empty(t, p.triggered)
}

// What clients send and nobody takes is a finding as what the data bring is.
func TestALookHearsOfRefusedClients(t *testing.T) {
	p := newProduction()
	p.refusals = activities.RefusalsOutput{Findings: []monitor.Finding{{Kind: monitor.OfSchema, Feature: "purpose", Message: "refused"}}, Counts: []byte(`{"requests":9}`)}
	result := p.look(t, lookInput)
	require.Equal(t, Retrain, result.Verdict)
	require.Equal(t, "purpose", result.Findings[0].Feature)
	require.JSONEq(t, `{"requests":9}`, string(p.looks[0].Refusals), "the next look counts from there")

	p = newProduction()
	p.gatewayAway = true
	require.Equal(t, Nothing, p.look(t, lookInput).Verdict, "a gateway that is away is no reason not to look at all else")
}

func TestALookGoesBackToABetterVersion(t *testing.T) {
	p := newProduction()
	p.performance.Findings, p.performance.Better = []monitor.Finding{decayed}, better
	result := p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Len(t, p.rolledBack, 1)
	require.Equal(t, serving.Track{Version: 1, Policy: "policy"}, serving.Track{Version: p.rolledBack[0].Version, Policy: p.rolledBack[0].Policy})
	require.Contains(t, p.rolledBack[0].Reason, p.looks[0].RunID, "the serving record names the look")
	require.Contains(t, p.rolledBack[0].Reason, "version 1 is better")
	require.Contains(t, result.Reasons, "version 1 serves again")
	require.Empty(t, p.triggered)
	require.Empty(t, p.delivered)

	p = newProduction()
	p.performance.Findings, p.performance.Better, p.notRunning = []monitor.Finding{decayed}, better, true
	result = p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Equal(t, []DeliveryInput{{Model: "loan-eligibility", Version: 1, Policy: "policy", Trigger: "monitor", Actor: "monitor"}}, p.delivered)
	require.Contains(t, result.Reasons[len(result.Reasons)-1], "is being delivered, see delivery-loan-eligibility")
}

// What a person, or a training, has under way is no fault of a look.
func TestALookGivesWayToWhatIsUnderWay(t *testing.T) {
	p := newProduction()
	p.performance.Findings, p.performance.Better, p.taken = []monitor.Finding{decayed}, better, []string{RollbackID("loan-eligibility")}
	result := p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Contains(t, result.Reasons, "a rollback is under way; the next look tries again")
	require.Empty(t, p.rolledBack)
	require.Empty(t, p.delivered)

	p = newProduction()
	p.performance.Findings, p.performance.Better, p.notRunning, p.taken = []monitor.Finding{decayed}, better, true, []string{DeliveryID("loan-eligibility")}
	result = p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Contains(t, result.Reasons, "another delivery is under way; the next look tries again")
	require.Empty(t, p.delivered)
}

func TestMonitorRefusesWhatItCannotRead(t *testing.T) {
	env := newProduction().environment(t)
	env.ExecuteWorkflow(MonitorName, MonitorInput{})
	require.ErrorContains(t, env.GetWorkflowError(), `"pipeline" is missing`)
}
