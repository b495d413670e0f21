package workflows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
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
