package workflows

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// What comes with a run and goes into records is one line each: further lines would be read as lines of the record.
func TestTextsForRecordsAreOneLine(t *testing.T) {
	for name, text := range map[string]string{"two lines": "ada\nFORGED", "escapes": "\x1b[2J", "too long": strings.Repeat("x", 1001)} {
		for of, start := range map[string]func(*testsuite.TestWorkflowEnvironment){
			"actor of a training": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(ContinuousTraining, TrainingInput{Pipeline: "loans", Actor: text})
			},
			"cause of a training": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(ContinuousTraining, TrainingInput{Pipeline: "loans", Cause: text})
			},
			"actor of a delivery": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(ContinuousDelivery, DeliveryInput{Model: "loans", Actor: text})
			},
			"cause of a delivery": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(ContinuousDelivery, DeliveryInput{Model: "loans", Cause: text})
			},
			"actor of a rollback": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(Rollback, RollbackInput{Model: "loans", Actor: text})
			},
			"reason of a rollback": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(Rollback, RollbackInput{Model: "loans", Reason: text})
			},
			"cause of a rollback": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(Rollback, RollbackInput{Model: "loans", Cause: text})
			},
			"actor of a trigger": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(Trigger, TriggerInput{Run: TrainingRun, Pipeline: "loans", Actor: text})
			},
			"cause of a trigger": func(env *testsuite.TestWorkflowEnvironment) {
				env.ExecuteWorkflow(Trigger, TriggerInput{Run: TrainingRun, Pipeline: "loans", Cause: text})
			},
		} {
			t.Run(of+" "+name, func(t *testing.T) {
				env := newPlatform().environment(t)
				start(env)
				require.ErrorContains(t, env.GetWorkflowError(), "is not one line of UTF-8 of at most 1000 bytes")
				require.NotContains(t, env.GetWorkflowError().Error(), "FORGED")
			})
		}
		require.ErrorContains(t, Intervention{Actor: "ada", Reason: text}.validate(), `"reason" is not one line`, name)
		require.ErrorContains(t, Intervention{Actor: text, Reason: "why"}.validate(), `"actor" is not one line`, name)
	}
	require.ErrorContains(t, Intervention{Actor: "ada", Reason: " "}.validate(), "are needed")
	require.NoError(t, Intervention{Actor: "ada", Reason: "日本, reviewed"}.validate())
}

// A day that is none fails no step and alarms nobody: the run does not begin.
func TestDaysAreCheckedBeforeARunBegins(t *testing.T) {
	const no = "2099-13-01"
	for of, start := range map[string]func(*testsuite.TestWorkflowEnvironment){
		"training": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(ContinuousTraining, TrainingInput{Pipeline: "loan-eligibility", AsOf: no})
		},
		"look": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(Monitor, MonitorInput{Pipeline: "loan-eligibility", AsOf: no})
		},
		"evaluation": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(Evaluation, EvaluationInput{Model: "loan-eligibility", Data: "x.csv", AsOf: no})
		},
		"cadence": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(Cadence, CadenceInput{Pipeline: "loan-eligibility", AsOf: no})
		},
		"trigger": func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(Trigger, TriggerInput{Run: TrainingRun, Pipeline: "loan-eligibility", AsOf: no})
		},
	} {
		t.Run(of, func(t *testing.T) {
			p := newPlatform()
			env := p.environment(t)
			start(env)
			require.ErrorContains(t, env.GetWorkflowError(), `"as_of" is "2099-13-01"; a day such as 2026-06-30 is wanted`)
			require.Empty(t, p.runs, "no run is recorded, and no alert raised")
		})
	}
}

// Of a day to come labels would count that are not final. A run refuses it before it reads a row, and a trigger before it starts one; a simulated source has
// days of its own, but rows that are given in its place have none.
func TestDaysToComeAreRefused(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for of, test := range map[string]struct {
		start  func(env *testsuite.TestWorkflowEnvironment, asOf, data string)
		begins string // the step that is the next one; of a trigger it is a run
	}{
		"training": {func(env *testsuite.TestWorkflowEnvironment, asOf, data string) {
			env.ExecuteWorkflow(ContinuousTraining, TrainingInput{Pipeline: "loan-eligibility", AsOf: asOf, Data: data, RegisterOnly: true})
		}, activities.ExtractData.Name},
		"look": {func(env *testsuite.TestWorkflowEnvironment, asOf, data string) {
			env.ExecuteWorkflow(Monitor, MonitorInput{Pipeline: "loan-eligibility", AsOf: asOf, Data: data})
		}, activities.FindReference.Name},
		"evaluation": {func(env *testsuite.TestWorkflowEnvironment, asOf, data string) {
			env.ExecuteWorkflow(Evaluation, EvaluationInput{Model: "loan-eligibility", Data: cmp.Or(data, "x.csv"), AsOf: asOf})
		}, activities.ExtractData.Name},
		"cadence": {func(env *testsuite.TestWorkflowEnvironment, asOf, data string) {
			env.ExecuteWorkflow(Cadence, CadenceInput{Pipeline: "loan-eligibility", AsOf: asOf, Data: data})
		}, activities.ExtractData.Name},
		"trigger": {func(env *testsuite.TestWorkflowEnvironment, asOf, data string) {
			env.ExecuteWorkflow(Trigger, TriggerInput{Run: TrainingRun, Pipeline: "loan-eligibility", AsOf: asOf, Data: data})
		}, ""},
	} {
		run := func(t *testing.T, asOf, data string, source pipeline.Source) (bool, error) {
			t.Helper()
			p := newPlatform()
			p.loaded.Source = source
			env := p.environment(t)
			env.SetStartTime(noon)
			on(p, env, activities.FindVersion, func(activities.VersionInput) (activities.VersionOutput, error) {
				return activities.VersionOutput{Version: 1}, nil
			})
			begun := false
			on(p, env, activities.FindReference, func(activities.ReferenceInput) (activities.ReferenceOutput, error) {
				return activities.ReferenceOutput{}, nil
			})
			on(p, env, activities.RecordLook, func(activities.LookInput) (activities.LookOutput, error) { return activities.LookOutput{}, nil })
			on(p, env, activities.EvaluateVersion, func(activities.EvaluateVersionInput) (activities.EvaluateVersionOutput, error) {
				return activities.EvaluateVersionOutput{}, nil
			})
			on(p, env, activities.MeasureCadence, func(activities.CadenceInput) (activities.CadenceOutput, error) {
				return activities.CadenceOutput{}, nil
			})
			if of == "trigger" {
				env.OnWorkflow(ContinuousTrainingName, mock.Anything, mock.Anything).Return(func(workflow.Context, TrainingInput) (Result, error) {
					begun = true
					return Result{}, nil
				}).Maybe()
			}
			test.start(env, asOf, data)
			return begun || slices.Contains(p.steps, test.begins), env.GetWorkflowError()
		}
		t.Run(of, func(t *testing.T) {
			begun, err := run(t, "2026-11-30", "", pipeline.Source{})
			require.ErrorContains(t, err, `"as_of" is 2026-11-30, which is yet to come`)
			require.True(t, failedWith(err, fault.Invalid))
			require.False(t, begun)
			begun, err = run(t, "2026-11-29", "", pipeline.Source{})
			require.NoError(t, err)
			require.True(t, begun)
			to := pipeline.Date{Time: noon.AddDate(1, 0, 0)}
			if of != "evaluation" { // which is of rows that are given
				begun, err = run(t, "2027-11-29", "", pipeline.Source{Simulate: &pipeline.Simulate{To: to}})
				require.NoError(t, err)
				require.True(t, begun)
			}
			begun, err = run(t, "2026-11-30", "rows.csv", pipeline.Source{Simulate: &pipeline.Simulate{To: to}})
			require.ErrorContains(t, err, `"as_of" is 2026-11-30, which is yet to come`)
			require.False(t, begun)
			if of != "trigger" { // which reads no spec for a day that it is not told
				begun, err = run(t, "", "", pipeline.Source{KnownAt: &to})
				require.ErrorContains(t, err, "source.known_at is 2027-11-29, which is yet to come")
				require.False(t, begun)
			}
		})
	}
}
