package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// What the worker finds is what comes back; what it cannot read is a fault, and not definitions without mistakes.
func TestCheckFeatures(t *testing.T) {
	queries := artifact.Ref{SHA256: "queries"}
	found := activities.CheckQueriesOutput{Checked: 2, Problems: []activities.QueryProblem{{View: "both", Line: 2, Column: 8, Text: "syntax error"}}}
	for name, test := range map[string]struct {
		input   artifact.Ref
		failing error
		says    string
	}{
		"mistakes are a result":    {input: queries},
		"without queries":          {says: `"queries" is missing`},
		"without a feature store":  {input: queries, failing: temporal.NewNonRetryableApplicationError("this worker has no feature store", string(fault.Invalid), nil), says: "no feature store"},
		"tried again after a loss": {input: queries, failing: temporal.NewApplicationError("the store is away", string(fault.Unavailable))},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform()
			env := p.environment(t)
			tries := 0
			on(p, env, activities.CheckQueries, func(activities.CheckQueriesInput) (activities.CheckQueriesOutput, error) {
				if tries++; tries == 1 && test.failing != nil {
					return activities.CheckQueriesOutput{}, test.failing
				}
				return found, nil
			})
			env.ExecuteWorkflow(CheckFeaturesName, CheckFeaturesInput{Queries: test.input})
			require.True(t, env.IsWorkflowCompleted())
			if test.says != "" {
				require.ErrorContains(t, env.GetWorkflowError(), test.says)
				return
			}
			require.NoError(t, env.GetWorkflowError())
			var out activities.CheckQueriesOutput
			require.NoError(t, env.GetWorkflowResult(&out))
			require.Equal(t, found, out)
			require.Equal(t, activities.CheckQueriesInput{Queries: queries}, given(p, activities.CheckQueries)[0])
		})
	}
}

// Somebody waits for a check: it is given up before a step's tries are.
func TestACheckIsGivenUpSoon(t *testing.T) {
	p := newPlatform()
	env := p.environment(t)
	on(p, env, activities.CheckQueries, func(activities.CheckQueriesInput) (activities.CheckQueriesOutput, error) {
		return activities.CheckQueriesOutput{}, temporal.NewApplicationError("the store is away", string(fault.Unavailable))
	})
	began := env.Now()
	env.ExecuteWorkflow(CheckFeaturesName, CheckFeaturesInput{Queries: artifact.Ref{SHA256: "queries"}})
	require.Error(t, env.GetWorkflowError())
	require.LessOrEqual(t, env.Now().Sub(began), checkLimit)
}

func TestWhoAsksForTheSameCheckMeetsIt(t *testing.T) {
	require.Equal(t, "check-features-0123456789abcdef", CheckFeaturesID("0123456789abcdef0123"))
	require.Equal(t, "check-features-01", CheckFeaturesID("01"))
}
