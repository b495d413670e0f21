package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// ages runs Cadence to its end; out is what the step measures.
func ages(t *testing.T, input CadenceInput, out activities.CadenceOutput) (*platform, activities.CadenceInput, Result, error) {
	t.Helper()
	p := newPlatform()
	p.refused = "schema version 2 waits" // a proposed schema keeps nobody from looking
	env := p.environment(t)
	var asked activities.CadenceInput
	on(p, env, activities.MeasureCadence, func(in activities.CadenceInput) (activities.CadenceOutput, error) {
		asked = in
		return out, nil
	})
	env.ExecuteWorkflow(CadenceName, input)
	require.True(t, env.IsWorkflowCompleted())
	if err := env.GetWorkflowError(); err != nil {
		return p, asked, Result{}, err
	}
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return p, asked, result, nil
}

func TestCadenceEndsWithAPeriod(t *testing.T) {
	input := CadenceInput{Pipeline: "loan-eligibility", Data: "past.csv", Uploads: map[string][]string{"past.csv": {"s3://b/past"}}, AsOf: "2026-03-31"}
	late := 200.0
	out := activities.CadenceOutput{
		RecommendedDays: 90, ExceededDays: &late, LossPerMonth: &evaluate.Metric{Estimate: 0.002, Lower: 0.001, Upper: 0.003},
		Waiting: []performance.Waiting{{Days: 30, Metric: evaluate.Metric{Estimate: 0.002}}}, Models: 5, Points: 40, Note: "up to 90 days",
	}
	p, asked, result, err := ages(t, input, out)
	require.NoError(t, err)
	require.Equal(t, []string{
		activities.RecordRun.Name, activities.LoadPipeline.Name, activities.ExtractData.Name, activities.MeasureCadence.Name, activities.RecordRun.Name,
	}, p.steps, "nothing is registered or delivered")
	spec := p.loaded
	require.Equal(t, []activities.ExtractInput{{
		Schema: spec.Schema.Ref, Version: 1, Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits, Data: input.Data, Uploads: input.Uploads,
		AsOf: "2026-03-31", KnownAt: "2026-03-31",
	}}, given(p, activities.ExtractData), "all of the past, whatever the window")
	require.Equal(t, activities.CadenceInput{
		Pipeline: "loan-eligibility", Schema: spec.Schema.Ref, Dataset: artifact.Ref{SHA256: "dataset"}, Algorithm: spec.Algorithm, Split: spec.Split, Training: spec.Training,
		KnownAt: "2026-03-31", Tolerance: 0.01,
	}, asked)
	require.Equal(t, Evaluated, result.Verdict)
	require.Equal(t, []string{"up to 90 days"}, result.Reasons)
	require.Equal(t, &Period{
		RecommendedDays: 90, ExceededDays: &late, Tolerance: 0.01, LossPerMonth: out.LossPerMonth, Waiting: out.Waiting, Models: 5, Points: 40,
	}, result.Cadence)
	require.Equal(t, string(Evaluated), p.runs[len(p.runs)-1].Verdict)
}

// Too short a past is a result.
func TestCadenceOfTooLittleIsRefused(t *testing.T) {
	_, asked, result, err := ages(t, CadenceInput{Pipeline: "loan-eligibility", Tolerance: 0.02}, activities.CadenceOutput{Note: "not enough data: 3 vintages"})
	require.NoError(t, err)
	require.InDelta(t, 0.02, asked.Tolerance, 0)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{"not enough data: 3 vintages"}, result.Reasons)
}

func TestCadenceSaysWhatIsWrong(t *testing.T) {
	for says, input := range map[string]CadenceInput{
		`"pipeline" is missing`: {}, `"tolerance" is -1`: {Pipeline: "p", Tolerance: -1}, `"tolerance" is 1;`: {Pipeline: "p", Tolerance: 1},
	} {
		_, _, _, err := ages(t, input, activities.CadenceOutput{})
		require.ErrorContains(t, err, says)
	}
}
