package cli

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/workflows"
)

// checks is a platform whose worker answers so.
func checks(t *testing.T, answer activities.CheckQueriesOutput, failing error) *mocks.Client {
	t.Helper()
	c, run := &mocks.Client{}, &mocks.WorkflowRun{}
	run.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		*args.Get(1).(*activities.CheckQueriesOutput) = answer //nolint:forcetypeassert // what the check gives
	}).Return(failing)
	c.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return o.ID == "check-features-0123" && o.WorkflowIDConflictPolicy == enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING && o.WorkflowExecutionTimeout == checkLimit
	}), workflows.CheckFeaturesName, workflows.CheckFeaturesInput{Queries: artifact.Ref{SHA256: "0123"}}).Return(run, nil)
	return c
}

func TestQueriesThatAWorkerChecks(t *testing.T) {
	queries := artifact.Ref{SHA256: "0123"}
	found := activities.CheckQueriesOutput{Checked: 1, Problems: []activities.QueryProblem{{View: "both", Text: "no"}}}
	out, err := checked(t.Context(), checks(t, found, nil), queries)
	require.NoError(t, err)
	require.Equal(t, found, out)

	_, err = checked(t.Context(), checks(t, found, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil)), queries)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "no worker of the role data has answered; nothing is registered")

	_, err = checked(t.Context(), checks(t, found, temporal.NewNonRetryableApplicationError("this worker has no feature store", string(fault.Invalid), nil)), queries)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))

	away := &mocks.Client{}
	away.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, errors.New("refused"))
	_, err = checked(t.Context(), away, queries)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// An editor can jump to what a worker found.
func TestWhereQueriesAreWrong(t *testing.T) {
	folder, err := feature.Read([]feature.File{{Name: "features/a.yaml", Data: []byte(`entities: [{name: applicant, keys: [applicant_id]}]
views:
  - {name: bureau, entity: applicant, events: true, features: [{name: score, type: integer, reason: low}]}
`)}, {Name: "features/b.yaml", Data: []byte(`views:
  - name: both
    entity: applicant
    sql:
      dialect: duckdb
      from: [bureau]
      query: |
        SELECT applicant_id,
          scor AS twice FROM bureau
    features: [{name: twice, type: integer, reason: low}]
`)}}, nil)
	require.NoError(t, err)
	require.NoError(t, wrongQueries(folder, nil))
	err = wrongQueries(folder, []activities.QueryProblem{{View: "both", Line: 2, Column: 3, Text: "no column scor"}, {View: "both", Text: "gives no column"}})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.EqualError(t, err, "features/b.yaml:9:11: the query of view \"both\": no column scor\nfeatures/b.yaml:7:14: the query of view \"both\": gives no column")
}

// Without a worker nothing is registered, and not even planned: what a query reads is not known.
func TestViewsInSQLAreNotRegisteredUnchecked(t *testing.T) {
	p := newFakePlatform(t)
	dir := definitions(t, map[string]string{"a.yaml": bureauFeatures, "b.yaml": `views:
  - {name: both, entity: applicant, sql: {dialect: duckdb, from: [bureau], query: SELECT 1}, features: [{name: twice, type: integer, reason: low}]}
`})
	for _, args := range [][]string{{}, {"--dry-run"}, {"--stage"}} {
		stdout, stderr, code := p.run(t, append([]string{"features", "apply", dir}, args...)...)
		require.Equal(t, exitFault, code, stderr)
		require.Empty(t, stdout)
	}
	stdout, _, _ := p.run(t, "features", "list")
	require.Contains(t, stdout, "nothing is declared", "nothing is half-written")
}
