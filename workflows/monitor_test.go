package workflows

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
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
	skew        activities.SkewOutput
	performance activities.PerformanceOutput

	looks       []registry.Look
	triggered   []TriggerInput
	rolledBack  []RollbackInput
	delivered   []DeliveryInput
	rollback    func(workflow.Context) (Result, error) // in place of Rollback; nil leaves that to itself
	trigger     func(workflow.Context) error
	taken       []string // IDs of children under which others run already
	triggeredTo TriggerOutcome
}

func newProduction() *production {
	p := &production{platform: newPlatform(), triggeredTo: TriggerStarted}
	known := pipeline.Date{Time: time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)} // as lookInput says
	p.loaded.Source.KnownAt = &known
	p.loaded.Monitor = pipeline.Monitor{MinRows: 500, MaxPSI: 0.2, On: pipeline.MonitorOn{
		Schema: pipeline.ReactRetrain, DataDrift: pipeline.ReactAlert, PredictionDrift: pipeline.ReactRollBack, Performance: pipeline.ReactRollBack,
		NewData: pipeline.ReactRetrain, Requests: pipeline.ReactAlert,
	}}
	p.rollback = func(workflow.Context) (Result, error) {
		return Result{Verdict: RolledBack, Model: ModelRef{Version: 1}}, nil
	}
	p.trigger = func(workflow.Context) error { return nil }
	p.reference = activities.ReferenceOutput{
		Contenders: []activities.Contender{{Track: second, Bundle: artifact.Ref{SHA256: "digest-2"}}, {Track: first}}, Memory: activities.Memory{Nth: 3},
		Dataset: artifact.Ref{SHA256: "reference"}, Test: artifact.Ref{SHA256: "judged"}, After: "2026-05-31", JudgedUntil: "2025-11-30",
		Refusals: []byte(`{"requests":7}`), Generation: 7,
	}
	p.fresh = activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "fresh"}, Rows: 700}
	p.outcomes = activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "outcomes"}, Rows: 4000}
	p.performance = activities.PerformanceOutput{Matured: 900}
	return p
}

func (p *production) environment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := p.platform.environment(t)
	patient(env, &realTerms{taken: p.taken})
	on(p.platform, env, activities.FindReference, func(activities.ReferenceInput) (activities.ReferenceOutput, error) { return p.reference, nil })
	on(p.platform, env, activities.ExtractData, func(activities.ExtractInput) (activities.ExtractOutput, error) { return p.fresh, nil })
	on(p.platform, env, activities.ExtractOutcomes, func(activities.ExtractInput) (activities.OutcomesOutput, error) {
		return activities.OutcomesOutput{ExtractOutput: p.outcomes}, nil
	})
	on(p.platform, env, activities.ValidateData, func(activities.ValidateInput) (activities.ValidateOutput, error) { return p.validation, nil })
	on(p.platform, env, activities.FindSchemaChanges, func(activities.SchemaLookInput) (activities.FindingsOutput, error) { return p.schema, nil })
	on(p.platform, env, activities.FindRefusals, func(activities.RefusalsInput) (activities.RefusalsOutput, error) {
		if p.gatewayAway {
			return activities.RefusalsOutput{}, temporal.NewApplicationError("the gateway does not answer", string(fault.Unavailable))
		}
		return p.refusals, nil
	})
	on(p.platform, env, activities.CheckSkew, func(activities.SkewInput) (activities.SkewOutput, error) { return p.skew, nil })
	on(p.platform, env, activities.MeasureDrift, func(activities.DriftInput) (activities.DriftOutput, error) { return p.drift, nil })
	on(p.platform, env, activities.MeasurePerformance, func(activities.PerformanceInput) (activities.PerformanceOutput, error) { return p.performance, nil })
	on(p.platform, env, activities.RecordLook, func(in activities.LookInput) (activities.LookOutput, error) {
		if err := p.fails(activities.RecordLook.Name); err != nil {
			return activities.LookOutput{}, err
		}
		p.looks = append(p.looks, in.Look)
		return activities.LookOutput{}, nil
	})
	env.OnWorkflow(TriggerName, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, in TriggerInput) (Triggered, error) {
		p.triggered = append(p.triggered, in)
		return Triggered{Outcome: p.triggeredTo, WorkflowID: TrainingID(in.Pipeline)}, p.trigger(ctx)
	}).Maybe()
	if p.rollback != nil {
		env.OnWorkflow(RollbackName, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, in RollbackInput) (Result, error) {
			p.rolledBack = append(p.rolledBack, in)
			return p.rollback(ctx)
		}).Maybe()
	}
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
	better    = &monitor.Better{Track: serving.Track{Version: 1, Policy: "policy"}, Basis: "labels", Message: "version 1 is better"}
	decayed   = monitor.Finding{Kind: monitor.OfPerformance, Message: "the champion does worse"}
)

// notRunning is a rollback to what is in no slot.
func notRunning(workflow.Context) (Result, error) {
	return Result{}, temporal.NewNonRetryableApplicationError("version 1 does not run in production any more", string(fault.Refused), nil)
}

// withBetter is a production whose older version is better.
func withBetter() *production {
	p := newProduction()
	p.performance.Findings, p.performance.Better = []monitor.Finding{decayed}, better
	return p
}

// Whatever a step is not given it cannot look at.
func TestALookGivesEachStepWhatItNeeds(t *testing.T) {
	p := newProduction()
	p.reference.Tested, p.reference.NthMeasured = []byte(`{"looks":2}`), 2
	p.fresh.Facts, p.fresh.Last = artifact.Ref{SHA256: "facts"}, "2026-06-28"
	p.validation = activities.ValidateOutput{Report: artifact.Ref{SHA256: "report"}, Change: &activities.SchemaChange{Words: []string{"1 new category"}}}
	p.drift = activities.DriftOutput{Tested: []byte(`{"looks":3}`), JSON: artifact.Ref{SHA256: "drift"}}
	p.performance.JSON = artifact.Ref{SHA256: "performance"}
	p.refusals.Counts = []byte(`{"requests":9}`)
	result := p.look(t, MonitorInput{Pipeline: "loan-eligibility", AsOf: "2026-06-30", Uploads: map[string][]string{"new.csv": {"s3://b/new"}}})
	require.Equal(t, Nothing, result.Verdict)
	require.Equal(t, ModelRef{Name: "loan-eligibility", Version: 2, Digest: "digest-2"}, result.Model)

	spec := p.loaded
	asked := given(p.platform, activities.FindReference)
	require.Equal(t, []activities.ReferenceInput{{
		Pipeline: "loan-eligibility", AsOf: "2026-06-30", Now: asked[0].Now, Monitor: spec.Monitor, Delivery: "delivery-loan-eligibility",
	}}, asked)
	require.False(t, asked[0].Now.IsZero())
	rows := activities.ExtractInput{
		Schema: spec.Schema.Ref, Version: 1, Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits, Uploads: map[string][]string{"new.csv": {"s3://b/new"}},
		AsOf: "2026-06-30", After: "2026-05-31", KnownAt: "2026-06-30",
	}
	require.Equal(t, []activities.ExtractInput{rows}, given(p.platform, activities.ExtractData))
	rows.After = "2025-11-30"
	require.Equal(t, []activities.ExtractInput{rows}, given(p.platform, activities.ExtractOutcomes), "what the champion was judged on says nothing new")
	require.Equal(t, []activities.ValidateInput{{
		Schema: spec.Schema.Ref, Unused: spec.Schema.Unused, Dataset: p.fresh.Dataset, Facts: p.fresh.Facts, Quarantine: spec.Quarantine, Evolve: spec.Evolve, Rules: spec.Rules,
		KnownAt: "2026-06-30", Young: true,
	}}, given(p.platform, activities.ValidateData), "nobody expects labels of rows that are new")
	require.Equal(t, []activities.SchemaLookInput{{Report: p.validation.Report, Change: p.validation.Change}}, given(p.platform, activities.FindSchemaChanges))
	require.Equal(t, []activities.DriftInput{{
		Schema: spec.Schema.Ref, Reference: p.reference.Dataset, Fresh: p.fresh.Dataset, Champion: p.reference.Contenders[0].Bundle, Monitor: spec.Monitor, Tested: p.reference.Tested,
	}}, given(p.platform, activities.MeasureDrift))
	refused := given(p.platform, activities.FindRefusals)
	require.Len(t, refused, 1)
	require.False(t, refused[0].Now.IsZero())
	require.Equal(t, []activities.RefusalsInput{{Pipeline: "loan-eligibility", Before: p.reference.Refusals, Now: refused[0].Now}}, refused)
	require.Equal(t, []activities.PerformanceInput{{
		Pipeline: "loan-eligibility", Schema: spec.Schema.Ref, Test: p.reference.Test, Reference: p.reference.Dataset, Fresh: p.fresh.Dataset, Outcomes: p.outcomes.Dataset,
		Contenders: p.reference.Contenders, KnownAt: "2026-06-30", Monitor: spec.Monitor, Nth: 3, NthMeasured: 2,
	}}, given(p.platform, activities.MeasurePerformance), "the version before is scored as well")
	recorded := given(p.platform, activities.RecordLook)
	require.Equal(t, []activities.LookInput{{
		Look: registry.Look{
			RunID: recorded[0].Look.RunID, Pipeline: "loan-eligibility", After: "2026-05-31", AsOf: "2026-06-30", Until: "2026-06-28", Dataset: "fresh", Outcomes: "outcomes",
			Rows: 700, Matured: 900, Champion: 2, Days: &monitor.Days{Dated: 700}, Enough: true, Verdict: monitor.Nothing, Reasons: result.Reasons, Tested: p.drift.Tested, Refusals: p.refusals.Counts,
		},
		Drift: &p.drift.JSON, Performance: &p.performance.JSON,
	}}, recorded)
	require.NotEmpty(t, recorded[0].Look.RunID)
	require.Empty(t, p.triggered)
	require.Empty(t, p.rolledBack)
}

// Where the champion reads features of the store, both halves of that are compared: of its versions of views, whatever the spec reads by now.
func TestALookComparesTheFeatureStores(t *testing.T) {
	t.Parallel()
	p := newProduction()
	require.Equal(t, Nothing, p.look(t, lookInput).Verdict)
	require.NotContains(t, p.steps, activities.CheckSkew.Name, "the champion reads none")

	p = newProduction()
	p.loaded.Monitor.On.Skew = pipeline.ReactAlert
	p.reference.Views = []string{"bureau@2", "payments@1"}
	p.skew = activities.SkewOutput{JSON: artifact.Ref{SHA256: "skew"}, Findings: []monitor.Finding{{Kind: monitor.OfSkew, Feature: "bureau@2", Message: "bureau is old"}}}
	result := p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Contains(t, result.Reasons, "bureau is old")
	asked := given(p.platform, activities.CheckSkew)
	require.Len(t, asked, 1)
	require.Equal(t, p.reference.Views, asked[0].Views)
	require.Positive(t, asked[0].Now)
	require.Equal(t, &p.skew.JSON, given(p.platform, activities.RecordLook)[0].Skew)
}

// What the end of a look says of its pipeline, row by row.
func TestWhatTheEndOfALookSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verdict Verdict
		stands  monitor.Verdict
		failure error
		want    []alert.State
	}{
		{verdict: Nothing, want: []alert.State{alert.OK}},
		{verdict: Alerted, want: []alert.State{"alert"}},
		{verdict: Alerted, stands: monitor.Retrain, want: []alert.State{"retrain"}},
		{verdict: Retrain, want: []alert.State{"retrain"}},
		{verdict: RolledBack, want: []alert.State{"rolled_back"}},
		{verdict: Review, want: []alert.State{"review"}},
		{verdict: Aborted},
		{failure: errAway, want: []alert.State{alert.Failed}},
	} {
		m := &monitoring{did: acted{stands: test.stands}}
		var said []alert.State
		for _, raised := range m.standing(test.verdict, test.failure) {
			require.Equal(t, alert.Monitor, raised.Subject)
			said = append(said, raised.State)
		}
		require.Equal(t, test.want, said, "%s %s %v", test.verdict, test.stands, test.failure)
	}
}

// Of a look that fails people are told.
func TestALookThatFailsIsTold(t *testing.T) {
	p := newProduction()
	env := p.environment(t)
	on(p.platform, env, activities.FindReference, func(activities.ReferenceInput) (activities.ReferenceOutput, error) {
		return activities.ReferenceOutput{}, temporal.NewNonRetryableApplicationError("the record was altered", string(fault.Refused), nil)
	})
	env.ExecuteWorkflow(MonitorName, lookInput)
	require.ErrorContains(t, env.GetWorkflowError(), "the record was altered")
	require.Equal(t, []string{"alert-monitor-failed"}, p.started)
}

func TestALookAtRowsOfTheirOwnReadsThemOnce(t *testing.T) {
	p := newProduction()
	p.reference.After, p.reference.JudgedUntil = "", ""
	p.look(t, MonitorInput{Pipeline: "loan-eligibility", AsOf: "2026-06-30", Data: "/data/2005.csv"})
	read := given(p.platform, activities.ExtractData)
	require.Len(t, read, 1)
	require.Equal(t, "/data/2005.csv", read[0].Data)
	require.NotContains(t, p.steps, activities.ExtractOutcomes.Name)
	require.Equal(t, "/data/2005.csv", given(p.platform, activities.FindReference)[0].Data, "all of them are new")
	require.Equal(t, "fresh", given(p.platform, activities.MeasurePerformance)[0].Outcomes.SHA256)
	require.Equal(t, "/data/2005.csv", p.looks[0].Data)
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
	require.NotContains(t, p.steps, activities.ExtractData.Name)
}

// A schema that waits for a person is reviewed, whatever else there is.
func TestASchemaThatWaitsIsForReview(t *testing.T) {
	p := newProduction()
	p.refused = "schema version 2 waits"
	result := p.look(t, lookInput)
	require.Equal(t, Review, result.Verdict)
	require.Contains(t, result.Reasons, "schema version 2 waits")
}

// The steps are shown before they are taken, in that order.
func TestALookIsPlannedAsItGoes(t *testing.T) {
	p := newProduction()
	p.loaded.Source.KnownAt = nil
	p.reference.Views = []string{"bureau@1"}
	env := p.environment(t)
	env.ExecuteWorkflow(MonitorName, MonitorInput{Pipeline: "loan-eligibility"})
	require.NoError(t, env.GetWorkflowError())
	var planned, taken []string
	for _, step := range progressOf(t, env).Steps {
		planned = append(planned, step.Name)
	}
	for _, step := range p.steps {
		if step != activities.RecordRun.Name {
			taken = append(taken, step)
		}
	}
	require.Equal(t, planned, taken)
}

// aboutOf are findings by kind and feature.
func aboutOf(findings []monitor.Finding) (things []string) {
	for _, f := range findings {
		things = append(things, strings.TrimSpace(string(f.Kind)+" "+f.Feature))
	}
	return things
}

func TestWhatALookDoes(t *testing.T) {
	p := newProduction()
	p.drift = drifted
	result := p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Equal(t, drifted.Findings, result.Findings)
	require.Empty(t, p.triggered)
	require.Equal(t, aboutOf(drifted.Findings), p.found[len(p.found)-1].States[0].About, "another finding is another alert")

	p = newProduction()
	p.performance.Findings = []monitor.Finding{decayed}
	result = p.look(t, lookInput)
	require.Equal(t, Retrain, result.Verdict)
	require.Len(t, p.triggered, 1)
	require.Equal(t, []string{string(TrainingRun), "loan-eligibility", "monitor"}, []string{string(p.triggered[0].Run), p.triggered[0].Pipeline, string(p.triggered[0].Trigger)})
	require.Equal(t, p.looks[0].RunID, p.triggered[0].Cause, "the run says which look started it")
	require.Equal(t, lookInput.AsOf, p.triggered[0].AsOf, "a training knows no more than the look that started it")
	require.Contains(t, result.Reasons, "a training is started, see training-loan-eligibility")
	require.Equal(t, monitor.Started, p.looks[0].Done)
	require.Equal(t, p.looks[0].Reasons, result.Reasons)

	p = newProduction()
	p.performance.Findings, p.triggeredTo = []monitor.Finding{decayed}, TriggerKept
	require.Contains(t, p.look(t, lookInput).Reasons, "a training runs; another one follows it")
	require.Equal(t, monitor.Kept, p.looks[0].Done)

	p = newProduction()
	p.performance.Findings, p.reference.Held = []monitor.Finding{decayed}, "a monitor started one 1h ago"
	result = p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Empty(t, p.triggered, "the cooldown holds it back")
	require.Equal(t, monitor.HeldBack, p.looks[0].Done)
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

// What clients send and nobody takes is told to people.
func TestALookHearsOfRefusedClients(t *testing.T) {
	p := newProduction()
	p.refusals = activities.RefusalsOutput{Findings: []monitor.Finding{{Kind: monitor.OfRequests, Feature: "purpose", Message: "refused"}}, Counts: []byte(`{"requests":9}`)}
	result := p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict, "whoever has a key makes nothing train")
	require.Empty(t, p.triggered)
	require.Equal(t, "purpose", result.Findings[0].Feature)
	require.JSONEq(t, `{"requests":9}`, string(p.looks[0].Refusals), "the next look counts from there")

	p = newProduction()
	p.gatewayAway = true
	require.Equal(t, Nothing, p.look(t, lookInput).Verdict, "a gateway that is away is no reason not to look at all else")
}

// The gateway tells of today: of a day long ago, or of rows of their own, it knows nothing.
func TestALookAtThePastHearsOfNoClients(t *testing.T) {
	for _, input := range []MonitorInput{{Pipeline: "loan-eligibility", AsOf: "2020-01-31"}, {Pipeline: "loan-eligibility", Data: "rows.csv"}} {
		p := newProduction()
		p.fresh.Rows, p.outcomes.Rows = 0, 0
		p.refusals = activities.RefusalsOutput{Findings: []monitor.Finding{{Kind: monitor.OfSchema, Feature: "purpose", Message: "refused"}}}
		require.Equal(t, Nothing, p.look(t, input).Verdict)
		require.NotContains(t, p.steps, activities.FindRefusals.Name)
		require.Empty(t, p.triggered)
	}
}

// Of a day that goes on a part of the rows is there. They are looked at when all of them are, and what is remembered is the last day that was seen.
func TestALookTakesWholeDays(t *testing.T) {
	p := newProduction()
	p.loaded.Source.KnownAt = nil
	p.fresh.Last, p.fresh.Dataset.SHA256 = "2026-06-28", "fresh"
	env := p.environment(t)
	env.SetStartTime(time.Date(2026, 6, 30, 2, 0, 0, 0, time.UTC))
	env.ExecuteWorkflow(MonitorName, MonitorInput{Pipeline: "loan-eligibility"})
	require.NoError(t, env.GetWorkflowError())
	for _, in := range append(given(p.platform, activities.ExtractData), given(p.platform, activities.ExtractOutcomes)...) {
		require.Equal(t, []string{"2026-06-29", "2026-06-30"}, []string{in.AsOf, in.KnownAt})
	}
	look := p.looks[0]
	require.Equal(t, []string{"2026-06-30", "2026-06-28", "fresh", "outcomes"}, []string{look.AsOf, look.Until, look.Dataset, look.Outcomes})
	require.Contains(t, p.steps, activities.FindRefusals.Name, "it is of today")
}

// Another look on the same day spends of the level what is left, unless it is at the very same rows.
func TestALookKnowsThoseOfItsDay(t *testing.T) {
	for _, test := range []struct {
		before activities.SameDay
		nth    int
		tested string
	}{
		{activities.SameDay{Dataset: "fresh", Outcomes: "outcomes", Rows: 600, Tested: []byte(`"since"`)}, 3, `"before"`},
		{activities.SameDay{Dataset: "others", Outcomes: "others", Rows: 99}, 3, `"before"`},
		{activities.SameDay{Dataset: "fresh", Outcomes: "others", Rows: 600, Tested: []byte(`"since"`)}, 4, `"before"`},
		{activities.SameDay{Dataset: "others", Outcomes: "outcomes", Rows: 600, Tested: []byte(`"since"`)}, 4, `"since"`},
	} {
		p := newProduction()
		p.reference.Tested, p.reference.SameDay = []byte(`"before"`), []activities.SameDay{test.before}
		p.look(t, lookInput)
		require.Equal(t, test.nth, given(p.platform, activities.MeasurePerformance)[0].Nth)
		require.Equal(t, test.tested, string(given(p.platform, activities.MeasureDrift)[0].Tested))
	}
}

// Rows of no day may be all that is new. Slips are not; and of rows of their own all are read.
func TestRowsOfNoDayAreForReview(t *testing.T) {
	looked := func(undated int64, accepted float64, input MonitorInput) (Result, *production) {
		p := newProduction()
		p.reference.Time, p.reference.Days = "applied_at", monitor.Days{Dated: 20_000, Undated: 39}
		p.loaded.Quarantine.MaxShare = accepted
		p.fresh.Rows, p.fresh.Earlier, p.fresh.Undated = 0, 20_000, undated
		return p.look(t, input), p
	}
	result, p := looked(79, 0, lookInput)
	require.Equal(t, Review, result.Verdict)
	require.Equal(t, monitor.UndatedRows, result.Findings[0].Statistic)
	require.Equal(t, &monitor.Days{Dated: 20_000, Undated: 79}, p.looks[0].Days, "the next look counts from there")
	result, _ = looked(79, 1, lookInput)
	require.Equal(t, Nothing, result.Verdict, "the spec accepts them")
	result, _ = looked(43, 0, lookInput)
	require.Equal(t, Nothing, result.Verdict, "four are slips")
	result, p = looked(79, 0, MonitorInput{Pipeline: "loan-eligibility", Data: "rows.csv"})
	require.Equal(t, Nothing, result.Verdict)
	require.Nil(t, p.looks[0].Days)
}

// Rows of their own, and a past that was looked at before, are not what serves now: its state stays as it is.
func TestALookAtSomethingElseSaysNothingOfWhatServes(t *testing.T) {
	for _, later := range []string{"", "2026-07-31"} {
		p := newProduction()
		p.states["monitor"] = "review"
		p.reference.Later = later
		input := lookInput
		if later == "" {
			input.Data = "rows.csv"
		}
		p.look(t, input)
		require.EqualValues(t, "review", p.states["monitor"])
		require.Empty(t, p.started)
	}
}

// A look that fails is told, also of a day before that of another one; not one at rows of its own.
func TestAFailedLookAtAPastIsTold(t *testing.T) {
	m := &monitoring{input: lookInput}
	m.ref.Later = "2026-07-31"
	told := m.standing("", errors.New("the store is away"))
	require.Len(t, told, 1)
	require.EqualValues(t, "failed", told[0].State)
	m.input.Data = "rows.csv"
	require.Empty(t, m.standing("", errors.New("the store is away")))
}

// The same trouble day after day is told once, whether or not a training may start for it.
func TestWhatIsHeldBackIsToldOnce(t *testing.T) {
	p := newProduction()
	p.performance.Findings = []monitor.Finding{decayed}
	for day := range 6 {
		p.reference.Held, p.looks = "", nil
		if day%2 == 1 {
			p.reference.Held = "a monitor started one"
		}
		p.look(t, lookInput)
	}
	require.Equal(t, []string{"alert-monitor-retrain"}, p.started)
}

func TestALookGoesBackToABetterVersion(t *testing.T) {
	p := withBetter()
	result := p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Len(t, p.rolledBack, 1)
	in := p.rolledBack[0]
	require.Equal(t, serving.Track{Version: 1, Policy: "policy"}, serving.Track{Version: in.Version, Policy: in.Policy})
	require.EqualValues(t, 7, in.After, "of what the look has seen, and no other")
	require.Contains(t, in.Reason, p.looks[0].RunID, "the serving record names the look")
	require.Contains(t, in.Reason, "version 1 is better")
	require.Equal(t, []any{registry.ByMonitor, p.looks[0].RunID}, []any{in.Trigger, in.Cause})
	require.Contains(t, result.Reasons, "version 1 serves again")
	require.Equal(t, []any{monitor.WentBack, 1}, []any{p.looks[0].Done, p.looks[0].BackTo})
	require.Equal(t, []string{"performance", "version 1"}, p.found[len(p.found)-1].States[0].About)
	require.Empty(t, p.triggered)
	require.Empty(t, p.delivered)
}

// One that does not run any more is not back before its delivery has ended, and the record says so. It is not delivered by every look.
func TestALookDeliversABetterVersionThatDoesNotRun(t *testing.T) {
	p := withBetter()
	p.rollback = notRunning
	result := p.look(t, lookInput)
	require.Equal(t, RolledBack, result.Verdict)
	require.Equal(t, []DeliveryInput{{Model: "loan-eligibility", Version: 1, Policy: "policy", Trigger: "monitor", Actor: "monitor", Cause: p.looks[0].RunID}}, p.delivered)
	require.Contains(t, result.Reasons[len(result.Reasons)-1], "version 1 does not serve yet: it does not run any more and is being delivered, see delivery-loan-eligibility")
	require.Equal(t, []any{monitor.Delivering, 1}, []any{p.looks[0].Done, p.looks[0].BackTo})

	p = withBetter()
	p.rollback, p.reference.Delivered = notRunning, []int{1}
	result = p.look(t, lookInput)
	require.Equal(t, Alerted, result.Verdict)
	require.Contains(t, result.Reasons[len(result.Reasons)-1], "within the cooldown")
	require.Empty(t, p.delivered)
	require.Equal(t, []any{monitor.HeldBack, 0}, []any{p.looks[0].Done, p.looks[0].BackTo})
}

// That the version does not run any more is what the look wants to know before it delivers. Nothing has failed, and no promotion would have to end it. A
// person who asked for the rollback is told, and so is everybody of one whose record is written.
func TestALookThatDeliversTellsOfNoFailedRollback(t *testing.T) {
	refused := func(why string) error {
		return temporal.NewNonRetryableApplicationError(why, string(fault.Refused), nil)
	}
	p := withBetter()
	p.rollback = nil
	env := p.environment(t)
	on(p.platform, env, activities.ChooseRollback, func(activities.ChooseRollbackInput) (activities.ChooseRollbackOutput, error) {
		return activities.ChooseRollbackOutput{}, refused("version 1 does not run in production any more")
	})
	env.ExecuteWorkflow(MonitorName, lookInput)
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, p.delivered, 1)
	require.Equal(t, []string{"alert-monitor-rolled_back"}, p.started)

	require.Empty(t, ofLooksRollback("", refused("version 1 does not run in production any more")))
	require.Equal(t, alert.Failed, ofLooksRollback(RolledBack, refused("it is recorded, and production does not follow"))[0].State)
	require.Equal(t, alert.Failed, ofLooksRollback("", errAway)[0].State)
	require.Equal(t, alert.RolledBack, ofLooksRollback(RolledBack, nil)[0].State)
	require.Equal(t, alert.Failed, ofRollback("", refused("version 1 does not run in production any more"))[0].State, "somebody waits for it")
}

// What a look wanted to do and did not is an alert that says why, whatever kept it: people are told of what was found.
func TestALookSaysWhatItCouldNotDo(t *testing.T) {
	fails := func(workflow.Context) (Result, error) {
		return Result{}, temporal.NewNonRetryableApplicationError("the record was altered", string(fault.Internal), nil)
	}
	for _, test := range []struct {
		name  string
		world func(*production)
		done  monitor.Done
		says  string
	}{
		{"a rollback is under way", func(p *production) { p.taken = []string{RollbackID("loan-eligibility")} }, monitor.Overtaken, "another rollback is under way"},
		{"a person's rollback takes its place", func(p *production) {
			p.rollback = func(workflow.Context) (Result, error) { return Result{}, &temporal.TerminatedError{} }
		}, monitor.Overtaken, "another rollback took the place"},
		{"somebody aborts it", func(p *production) {
			p.rollback = func(workflow.Context) (Result, error) {
				return Result{Verdict: Aborted, Reasons: []string{"aborted by grace: it must stay"}, Model: ModelRef{Version: 1}}, nil
			}
		}, monitor.Overtaken, "version 1 is not brought back: aborted by grace"},
		{"another version is back", func(p *production) {
			p.rollback = func(workflow.Context) (Result, error) {
				return Result{Verdict: RolledBack, Reasons: []string{"version 3 is champion"}, Model: ModelRef{Version: 3}}, nil
			}
		}, monitor.Overtaken, "version 1 is not brought back: version 3 is champion"},
		{"it fails", func(p *production) { p.rollback = fails }, monitor.Failed, "the rollback to version 1 has failed, see rollback-loan-eligibility: the record was altered"},
		{"a delivery is under way", func(p *production) {
			p.rollback, p.taken = notRunning, []string{DeliveryID("loan-eligibility")}
		}, monitor.Overtaken, "another delivery is under way"},
		{"a delivery is known to be under way", func(p *production) { p.reference.Changing = "a delivery is under way" }, monitor.HeldBack, "not brought back now: a delivery is under way"},
		{"the trigger fails", func(p *production) {
			p.performance.Better = nil
			p.trigger = func(workflow.Context) error {
				return temporal.NewNonRetryableApplicationError("no such queue", string(fault.Internal), nil)
			}
		}, monitor.Failed, "no training could be started: no such queue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := withBetter()
			test.world(p)
			result := p.look(t, lookInput)
			require.Equal(t, Alerted, result.Verdict)
			require.Contains(t, strings.Join(result.Reasons, "; "), test.says)
			require.NotContains(t, result.Reasons, "version 1 serves again")
			require.Equal(t, []any{test.done, 0}, []any{p.looks[0].Done, p.looks[0].BackTo})
			require.Equal(t, result.Reasons, p.looks[0].Reasons)
			require.Contains(t, p.started, "alert-monitor-alert", "people are told")
			require.Empty(t, p.delivered)
		})
	}
}

// From the verdict on nobody stops a look: what is done is recorded, and what is recorded is done.
func TestALookIsNotAbortedOnceItActs(t *testing.T) {
	for _, better := range []*monitor.Better{nil, better} {
		p := withBetter()
		p.performance.Better = better
		env := p.environment(t)
		p.rollback = func(ctx workflow.Context) (Result, error) {
			last, release := workflow.NewDisconnectedContext(ctx)
			defer release()
			return Result{Verdict: RolledBack, Model: ModelRef{Version: 1}}, workflow.Sleep(last, time.Hour)
		}
		p.trigger = func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) }
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(AbortUpdate, "late", rejected(t, "it is too late to abort: what was found is being acted upon"), Intervention{Actor: "grace", Reason: "not now"})
			env.CancelWorkflow()
		}, time.Minute)
		env.ExecuteWorkflow(MonitorName, lookInput)
		require.NoError(t, env.GetWorkflowError())
		var result Result
		require.NoError(t, env.GetWorkflowResult(&result))
		require.Len(t, p.looks, 1)
		require.Equal(t, string(p.looks[0].Verdict), string(result.Verdict))
		require.Contains(t, []Verdict{Retrain, RolledBack}, result.Verdict)
		require.Len(t, p.found, 1)
	}
}

// Before it nothing is done: an abort that comes with the last answer counts.
func TestALookIsAbortedBeforeItActs(t *testing.T) {
	p := withBetter()
	env := p.environment(t)
	on(p.platform, env, activities.MeasurePerformance, func(activities.PerformanceInput) (activities.PerformanceOutput, error) {
		env.CancelWorkflow()
		return p.performance, nil
	})
	env.ExecuteWorkflow(MonitorName, lookInput)
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Aborted, result.Verdict)
	require.Empty(t, p.looks)
	require.Empty(t, p.rolledBack)
}

// A registry that is away is waited for: what was done is not forgotten.
func TestALookIsRecordedInTheEnd(t *testing.T) {
	p := withBetter()
	p.failures[activities.RecordLook.Name] = 9
	require.Equal(t, RolledBack, p.look(t, lookInput).Verdict)
	require.Len(t, p.rolledBack, 1)
}

func TestMonitorRefusesWhatItCannotRead(t *testing.T) {
	env := newProduction().environment(t)
	env.ExecuteWorkflow(MonitorName, MonitorInput{})
	require.ErrorContains(t, env.GetWorkflowError(), `"pipeline" is missing`)
}

// Who reads the result of a look finds its findings, also where there are none.
func TestALookTellsThatItFoundNothing(t *testing.T) {
	data, err := json.Marshal(newProduction().look(t, lookInput))
	require.NoError(t, err)
	require.Contains(t, string(data), `"findings":[]`)
	data, err = json.Marshal(Result{})
	require.NoError(t, err)
	require.NotContains(t, string(data), "findings", "other runs find nothing, and do not say so")
}
