package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

var trainingInput = TrainingInput{Pipeline: "loan-eligibility"}

// train runs ContinuousTraining to its end.
func train(t *testing.T, p *platform, input TrainingInput) Result {
	t.Helper()
	env := p.environment(t)
	env.ExecuteWorkflow(ContinuousTrainingName, input)
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return result
}

// trainingSteps is the DAG's order: data are checked before they are used, the gate stands before the registry, and the
// registry before any deployment.
var trainingSteps = []string{
	activities.RecordRun.Name, activities.LoadPipeline.Name, activities.ExtractData.Name, activities.ValidateData.Name, activities.ProfileData.Name,
	activities.SplitData.Name, activities.CheckSplit.Name, activities.CheckLeakage.Name, activities.FindChampion.Name, activities.TrainModel.Name, activities.EvaluateModel.Name, activities.CheckGates.Name,
	activities.RegisterModel.Name,
}

func TestTrainingRunsItsStepsInOrderAndDelivers(t *testing.T) {
	p := newPlatform()
	p.manifest = &artifact.Ref{URI: "s3://loanops/manifest.json", SHA256: "manifest"}
	result := train(t, p, trainingInput)
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, ModelRef{Name: "loan-eligibility", Version: 2, Digest: "digest-2"}, result.Model)
	require.Equal(t, map[string]artifact.Ref{artifact.Manifest: *p.manifest}, result.Artifacts, "what the run made is one reference")
	require.Equal(t, trainingSteps, p.steps[:len(trainingSteps)])
	require.Equal(t, []int{2}, p.champions())
}

// Whatever a step is not given it cannot use.
func TestTrainingGivesEachStepWhatItNeeds(t *testing.T) {
	p := newPlatform()
	p.validation.Report = artifact.Ref{SHA256: "report"}
	input := TrainingInput{Pipeline: "loan-eligibility", Data: "rows.csv", Uploads: map[string][]string{"rows.csv": {"s3://b/rows"}}, AsOf: "2026-06-30", RegisterOnly: true}
	require.Equal(t, Registered, train(t, p, input).Verdict)
	spec := p.loaded
	dataset, facts := artifact.Ref{SHA256: "dataset"}, artifact.Ref{SHA256: "facts"}
	parts := activities.SplitOutput{Train: artifact.Ref{SHA256: "train"}, Validation: artifact.Ref{SHA256: "validation"}, Test: artifact.Ref{SHA256: "test"}}
	metrics := map[string]evaluate.Metric{"auc": {Estimate: 0.78}}
	require.Equal(t, []activities.ExtractInput{{
		Schema: spec.Schema.Ref, Version: 1, Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits, Data: "rows.csv", Uploads: input.Uploads,
		AsOf: "2026-06-30", After: "2025-06-30", KnownAt: "2026-06-30",
	}}, given(p, activities.ExtractData), "the window is 365 days")
	require.Equal(t, []activities.ValidateInput{{
		Schema: spec.Schema.Ref, Unused: spec.Schema.Unused, Dataset: dataset, Facts: facts, Quarantine: spec.Quarantine, Evolve: spec.Evolve, Rules: spec.Rules, KnownAt: "2026-06-30",
	}}, given(p, activities.ValidateData))
	require.Equal(t, []activities.ProfileInput{{Facts: facts, Report: p.validation.Report}}, given(p, activities.ProfileData))
	require.Equal(t, []activities.SplitInput{{Schema: spec.Schema.Ref, Dataset: dataset, Split: spec.Split, KnownAt: "2026-06-30"}}, given(p, activities.SplitData))
	require.Equal(t, []activities.SplitCheckInput{{
		Schema: spec.Schema.Ref, Train: parts.Train, Validation: parts.Validation, Test: parts.Test, Split: spec.Split,
	}}, given(p, activities.CheckSplit))
	require.Equal(t, []activities.LeakageInput{{
		Schema: spec.Schema.Ref, Dataset: dataset, Train: parts.Train, Validation: parts.Validation, Test: parts.Test, Leakage: spec.Leakage, KnownAt: "2026-06-30",
	}}, given(p, activities.CheckLeakage))
	require.Equal(t, []activities.ChampionInput{{Model: "loan-eligibility"}}, given(p, activities.FindChampion))
	require.Equal(t, []activities.TrainInput{{
		Schema: spec.Schema.Ref, Algorithm: spec.Algorithm, Train: parts.Train, Validation: parts.Validation, First: []byte(`{"l2":0.01}`),
	}}, given(p, activities.TrainModel), "the champion's penalty is tried first; training reads nothing of the test part")
	require.Equal(t, []activities.EvaluateInput{{
		Schema: spec.Schema.Ref, Bundle: artifact.Ref{SHA256: "digest-2"}, Test: parts.Test, Champion: &activities.Rival{Version: 1}, Previous: &activities.Rival{Version: 9},
	}}, given(p, activities.EvaluateModel), "evaluation reads the test part only")
	require.Equal(t, []activities.GateInput{{
		Gates: spec.Gates, Against: spec.Training.AgainstChampion, Metrics: metrics, Champion: &activities.Beside{Version: 1, Rows: 400},
	}}, given(p, activities.CheckGates))
	registered := given(p, activities.RegisterModel)
	require.Equal(t, []activities.RegisterInput{{
		RunID: registered[0].RunID, Model: "loan-eligibility", Algorithm: "logistic", Hyperparameters: []byte(`{}`), Metrics: metrics, SpecDigest: "spec-digest", SchemaVersion: 1,
		Source: "simulate", AsOf: "2026-06-30", Rows: 1000, Code: registry.Code{Revision: trainedBy},
	}}, registered, "the program that trained is lineage")
	require.NotEmpty(t, registered[0].RunID)
}

// What another algorithm found says nothing of this one.
func TestTrainingKnowsNothingOfAnotherAlgorithm(t *testing.T) {
	p := newPlatform()
	p.trainedBy = "boosted trees"
	require.Equal(t, Registered, train(t, p, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true}).Verdict)
	require.Empty(t, given(p, activities.TrainModel)[0].First)
}

func TestTrainingRefusedByValidationDoesNotTrain(t *testing.T) {
	p := newPlatform()
	p.validation.Errors = []string{"column income: 12 values below 0"}
	result := train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, p.validation.Errors, result.Reasons)
	require.NotContains(t, p.steps, activities.TrainModel.Name)
}

// What the data bring is recorded first; then they are read again, under the schema that has it.
func TestTrainingReadsAgainUnderTheSchemaThatGrew(t *testing.T) {
	p := newPlatform()
	p.change = &activities.SchemaChange{Words: []string{"column \"purpose\": 1 new category"}}
	result := train(t, p, trainingInput)
	require.Equal(t, Promoted, result.Verdict)
	require.Equal(t, []int{1, 2}, p.versions)
	require.Contains(t, p.steps, activities.RecordSchema.Name)
}

func TestTrainingDoesNotReadForEver(t *testing.T) {
	p := newPlatform()
	p.change, p.restless = &activities.SchemaChange{Words: []string{"column \"purpose\": 1 new category"}}, true
	result := train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{activities.TooManySchemas}, result.Reasons)
	require.Len(t, p.versions, activities.MaxSchemas)
}

func TestTrainingStopsUntilASchemaIsAccepted(t *testing.T) {
	p := newPlatform()
	p.change = &activities.SchemaChange{Breaking: true}
	p.validation.Errors = []string{"column \"purpose\" is missing"}
	result := train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{"column \"purpose\" is missing", "schema version 2 waits"}, result.Reasons)
	require.Contains(t, p.steps, activities.ProfileData.Name, "a person wants to see the data")

	p = newPlatform()
	p.refused = "schema version 2 waits"
	result = train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.NotContains(t, p.steps, activities.ExtractData.Name)
}

func TestTrainingRefusedForALeakDoesNotTrain(t *testing.T) {
	p := newPlatform()
	p.leaks.Vetoes = []string{"column term: its AUC alone is 0.94"}
	result := train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, p.leaks.Vetoes, result.Reasons)
	require.NotContains(t, p.steps, activities.TrainModel.Name)
}

// No spec can allow it, so it is no result but a failure.
func TestTrainingFailsWhereSomethingCrossesTheSplit(t *testing.T) {
	p := newPlatform()
	p.crossing = temporal.NewNonRetryableApplicationError("2 entities of the test part are in the train part as well", string(fault.Refused), nil)
	env := p.environment(t)
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	require.ErrorContains(t, env.GetWorkflowError(), "2 entities of the test part are in the train part as well")
	require.Contains(t, p.steps, activities.CheckSplit.Name)
	require.NotContains(t, p.steps, activities.CheckLeakage.Name)
	require.NotContains(t, p.steps, activities.TrainModel.Name)
}

// The day on which data are known is fixed when the run begins, where neither the run nor the spec says it.
func TestTrainingFixesTheDayOnWhichDataAreKnown(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	env.SetStartTime(time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC))
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	require.Equal(t, "2026-11-27", p.knownAt)

	input := trainingInput
	input.AsOf = "2026-03-31"
	train(t, p, input)
	require.Equal(t, "2026-03-31", p.knownAt)
}

// What becomes of an application is known on the day on which its rows are, not on that of the rows in whose place they are given. A desk says the same.
func TestTheDayIsThatOfTheRowsThatAreRead(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	simulated := func(to time.Time) pipeline.Source {
		return pipeline.Source{Simulate: &pipeline.Simulate{To: pipeline.Date{Time: to}}}
	}
	said := pipeline.Source{KnownAt: &pipeline.Date{Time: noon.AddDate(0, 0, -9)}}
	for _, test := range []struct {
		name   string
		source pipeline.Source
		data   string
		want   string
	}{
		{"simulated rows of a past", simulated(noon.AddDate(0, -5, 1)), "", "2026-06-30"},
		{"simulated rows of days to come", simulated(noon.AddDate(0, 7, 1)), "", "2027-06-30"},
		{"rows in place of those of a past", simulated(noon.AddDate(0, -5, 1)), "rows.csv", "2026-11-29"},
		{"rows in place of those of days to come", simulated(noon.AddDate(0, 7, 1)), "rows.csv", "2026-11-29"},
		{"the spec says it, of whatever rows", said, "rows.csv", "2026-11-20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for of, start := range map[string]func(*testsuite.TestWorkflowEnvironment){
				"training": func(env *testsuite.TestWorkflowEnvironment) {
					env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{Pipeline: "loan-eligibility", Data: test.data, RegisterOnly: true})
				},
				"look": func(env *testsuite.TestWorkflowEnvironment) {
					env.ExecuteWorkflow(MonitorName, MonitorInput{Pipeline: "loan-eligibility", Data: test.data})
				},
				"cadence": func(env *testsuite.TestWorkflowEnvironment) {
					env.ExecuteWorkflow(CadenceName, CadenceInput{Pipeline: "loan-eligibility", Data: test.data})
				},
				"evaluation": func(env *testsuite.TestWorkflowEnvironment) {
					env.ExecuteWorkflow(EvaluationName, EvaluationInput{Model: "loan-eligibility", Data: test.data})
				},
			} {
				if of == "evaluation" && test.data == "" {
					continue // of the source's own rows there is none
				}
				p := newPlatform()
				p.loaded.Source = test.source
				env := p.environment(t)
				env.SetStartTime(noon)
				on(p, env, activities.FindVersion, func(activities.VersionInput) (activities.VersionOutput, error) {
					return activities.VersionOutput{Version: 1}, nil
				})
				on(p, env, activities.FindReference, func(in activities.ReferenceInput) (activities.ReferenceOutput, error) {
					require.Equal(t, test.want, in.AsOf)
					return activities.ReferenceOutput{Contenders: []activities.Contender{{Track: serving.Track{Version: 1}}}}, nil
				})
				start(env)
				require.Equal(t, test.want, p.knownAt, of)
			}
			if test.data != "" {
				checked, err := activities.Desk{Cache: activities.StepCache{Objects: artifact.Folder(t.TempDir())}}.Check(t.Context(), pipeline.Spec{Source: test.source}, test.data, noon)
				require.Equal(t, fault.NotFound, fault.CodeOf(err), "there are no such rows here")
				require.Equal(t, test.want, checked.KnownAt)
			}
		})
	}
}

// Of a day that goes on a part of the rows is there. They are left to the next look, which begins after the last day of the champion's.
func TestTrainingTakesWholeDays(t *testing.T) {
	day := pipeline.Date{Time: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		name  string
		input TrainingInput
		knows *pipeline.Date
		want  string
	}{
		{"rows go on coming", TrainingInput{}, nil, "2026-11-27"},
		{"of a day that is over", TrainingInput{AsOf: "2026-11-26"}, nil, ""},
		{"the spec says what is known", TrainingInput{}, &day, ""},
		{"rows that a person names are all there", TrainingInput{Data: "rows.csv"}, nil, ""},
	} {
		p := newPlatform()
		p.loaded.Source.KnownAt = test.knows
		env := p.environment(t)
		env.SetStartTime(time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC))
		test.input.Pipeline, test.input.RegisterOnly = trainingInput.Pipeline, true
		env.ExecuteWorkflow(ContinuousTrainingName, test.input)
		require.NoError(t, env.GetWorkflowError(), test.name)
		require.Equal(t, test.want, p.partial, test.name)
	}
}

// Whoever begins with a source that is of today alone is told what is missing: whole days.
func TestTrainingSaysThatNoDayIsOver(t *testing.T) {
	for _, test := range []struct {
		name        string
		input       TrainingInput
		rows, later int64
		says        string
	}{
		{"all rows are of today", TrainingInput{}, 0, 500, "500 of 500 rows are left out: they are of 2026-11-27, and more of that day may come"},
		{"most are", TrainingInput{}, 20, 500, "500 of 520 rows are left out"},
		{"few are", TrainingInput{}, 500, 20, ""},
		{"rows of after a day that is over", TrainingInput{AsOf: "2026-11-26"}, 0, 500, ""},
		{"a file of no rows", TrainingInput{Data: "rows.csv"}, 0, 0, ""},
	} {
		p := newPlatform()
		p.extracted.Rows, p.extracted.Later = test.rows, test.later
		p.validation.Errors = []string{"the data have no rows"}
		env := p.environment(t)
		env.SetStartTime(time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC))
		test.input.Pipeline, test.input.RegisterOnly = trainingInput.Pipeline, true
		env.ExecuteWorkflow(ContinuousTrainingName, test.input)
		var result Result
		require.NoError(t, env.GetWorkflowResult(&result), test.name)
		require.Equal(t, Refused, result.Verdict, test.name)
		require.Equal(t, "the data have no rows", result.Reasons[len(result.Reasons)-1], test.name)
		require.Equal(t, test.says != "", len(result.Reasons) == 2, test.name)
		require.Contains(t, result.Reasons[0], test.says, test.name)
	}
}

func TestTrainingRefusedByAGateRegistersNothing(t *testing.T) {
	p := newPlatform()
	p.gates = activities.GateOutput{Passed: false, Refused: []string{"auc 0.51 is below 0.70"}}
	result := train(t, p, trainingInput)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{"auc 0.51 is below 0.70"}, result.Reasons)
	require.NotContains(t, p.steps, activities.RegisterModel.Name)
	require.Empty(t, p.champions())
}

// That the champion was trained again says nothing about what serves: the delivery looks.
func TestTrainingOfTheChampionAgain(t *testing.T) {
	p := newPlatform()
	p.record.Champion, p.version.Created = &second, false
	require.Equal(t, Nothing, train(t, p, trainingInput).Verdict)
	require.Empty(t, p.records)

	p.outOfSync, p.pending = "version 2 does not run", "version 2 does not run"
	require.Equal(t, Restored, train(t, p, trainingInput).Verdict)
	require.Equal(t, []bool{true}, p.shifts)

	p = newPlatform()
	p.record.Champion = &serving.Track{Version: 2, Policy: "the one before"}
	require.Equal(t, Promoted, train(t, p, trainingInput).Verdict, "another policy is delivered")
}

func TestTrainingRegisterOnly(t *testing.T) {
	p := newPlatform()
	require.Equal(t, Registered, train(t, p, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true}).Verdict)
	require.Empty(t, p.weights)
}

func TestTrainingEndsWithTheDeliverysVerdict(t *testing.T) {
	p := newPlatform()
	p.observe = func(int) (canary.Observation, error) { return broken(), nil }
	result := train(t, p, trainingInput)
	require.Equal(t, Aborted, result.Verdict)
	require.Contains(t, result.Reasons[0], "failed: 5000 of 10000")
	require.Equal(t, canary.Failed, result.FoundBy.Check)
	require.Empty(t, p.champions())
}

func TestTrainingNeedsAPipeline(t *testing.T) {
	env := newPlatform().environment(t)
	env.ExecuteWorkflow(ContinuousTrainingName, TrainingInput{})
	var fault *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &fault)
	require.True(t, fault.NonRetryable())
	require.Contains(t, fault.Error(), `{"pipeline":"loan-eligibility"}`)
}

func TestTrainingIsRecordedAtItsBeginningAndEnd(t *testing.T) {
	p := newPlatform()
	train(t, p, TrainingInput{Pipeline: "loan-eligibility", RegisterOnly: true, Trigger: "schedule"})
	require.Len(t, p.runs, 2)
	require.Equal(t, registry.RunRunning, p.runs[0].Status)
	require.Equal(t, registry.RunCompleted, p.runs[1].Status)
	require.Equal(t, "registered", p.runs[1].Verdict)
	require.Equal(t, registry.BySchedule, p.runs[1].Trigger)
	require.False(t, p.runs[1].EndedAt.IsZero())
}

func TestTrainingAbortedByAnUpdateLeavesTheChampion(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	p.observe = func(int) (canary.Observation, error) { return healthy(), nil }
	on(p, env, activities.TrainModel, func(activities.TrainInput) (activities.TrainOutput, error) {
		return activities.TrainOutput{}, temporal.NewApplicationError("a dependency is away", "unavailable")
	})
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(AbortUpdate, "abort-1", accepted(t), Intervention{Actor: "ada", Reason: "wrong data"})
	}, 3e9)
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	var result Result
	require.NoError(t, env.GetWorkflowError())
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Aborted, result.Verdict)
	require.Equal(t, []string{"aborted by ada: wrong data"}, result.Reasons)
	require.NotContains(t, p.steps, activities.RegisterModel.Name)
}

// The abort may be in the first workflow task, before anything was recorded.
func TestAbortBeforeTheFirstRecord(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(AbortUpdate, "abort-1", accepted(t), Intervention{Actor: "ada", Reason: "wrong data"})
	}, 0)
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	var result Result
	require.NoError(t, env.GetWorkflowError())
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, Aborted, result.Verdict)
}

// Where nothing could be compared with the champion a person lets the version go on.
func TestAVersionThatNobodyCouldCompareWaitsForAPerson(t *testing.T) {
	p := newPlatform()
	p.gates.NotComparable = true
	env := p.environment(t)
	waited := false
	env.OnWorkflow(ContinuousDeliveryName, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in DeliveryInput) (Result, error) {
		waited = in.RequireApproval
		return Result{Verdict: Rejected}, nil
	})
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	require.NoError(t, env.GetWorkflowError())
	require.True(t, waited)
}
