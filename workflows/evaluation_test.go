package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
)

// measures runs Evaluation to its end; out is what the version measures.
func measures(t *testing.T, input EvaluationInput, out activities.EvaluateVersionOutput) (*platform, activities.EvaluateVersionInput, Result, error) {
	t.Helper()
	p := newPlatform()
	env := p.environment(t)
	spec := activities.PipelineOutput{
		Schema: activities.SchemaState{Version: 6}, Refused: "schema version 7 waits", // a proposed schema keeps nobody from looking
		Limits: pipeline.Limits{MaxRows: 7}, Outcomes: &pipeline.Outcomes{OutcomeColumns: pipeline.OutcomeColumns{KnownAt: "day"}},
	}
	spec.Source.Where = "amount > 0"
	on(p, env, activities.LoadPipeline, func(activities.PipelineInput) (activities.PipelineOutput, error) { return spec, nil })
	on(p, env, activities.FindVersion, func(in activities.VersionInput) (activities.VersionOutput, error) {
		require.Equal(t, input.Model, in.Model)
		return activities.VersionOutput{Version: 2, Digest: "digest-2", Bundle: artifact.Ref{SHA256: "digest-2"}, Schema: artifact.Ref{SHA256: "its schema"}, SchemaVersion: 5}, nil
	})
	on(p, env, activities.ExtractData, func(in activities.ExtractInput) (activities.ExtractOutput, error) {
		want := activities.ExtractInput{
			Schema: artifact.Ref{SHA256: "its schema"}, Version: 5, Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits,
			Data: input.Data, Uploads: input.Uploads, AsOf: input.AsOf, KnownAt: in.KnownAt,
		}
		require.Equal(t, want, in, "rows are read as the version reads them, from where the pipeline has them")
		require.True(t, input.AsOf == "" || in.KnownAt == input.AsOf)
		return activities.ExtractOutput{Dataset: artifact.Ref{SHA256: "dataset"}, Rows: 90, Refused: 3, Later: 2, Dropped: 1, Source: "new.csv"}, nil
	})
	var asked activities.EvaluateVersionInput
	on(p, env, activities.EvaluateVersion, func(in activities.EvaluateVersionInput) (activities.EvaluateVersionOutput, error) {
		asked = in
		return out, nil
	})
	env.ExecuteWorkflow(EvaluationName, input)
	require.True(t, env.IsWorkflowCompleted())
	if err := env.GetWorkflowError(); err != nil {
		return p, asked, Result{}, err
	}
	var result Result
	require.NoError(t, env.GetWorkflowResult(&result))
	return p, asked, result, nil
}

func TestEvaluationMeasuresAVersionOnNewData(t *testing.T) {
	input := EvaluationInput{Model: "loan-eligibility", Version: "@previous", Data: "new.csv", Uploads: map[string][]string{"new.csv": {"s3://b/new"}}, AsOf: "2026-03-31"}
	out := activities.EvaluateVersionOutput{
		Rows: 80, Positive: 20, Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.7}}, LeftOut: evaluate.LeftOut{Quarantined: 3, Immature: 10},
	}
	p, asked, result, err := measures(t, input, out)
	require.NoError(t, err)
	require.Equal(t, []string{
		activities.RecordRun.Name, activities.FindVersion.Name, activities.LoadPipeline.Name, activities.ExtractData.Name, activities.EvaluateVersion.Name, activities.RecordRun.Name,
	}, p.steps, "nothing is split, registered or delivered")
	require.Equal(t, activities.EvaluateVersionInput{
		Model: "loan-eligibility", Version: 2, Schema: artifact.Ref{SHA256: "its schema"}, Bundle: artifact.Ref{SHA256: "digest-2"}, Dataset: artifact.Ref{SHA256: "dataset"},
		Source: "new.csv", AsOf: "2026-03-31", KnownAt: "2026-03-31", LeftOut: evaluate.LeftOut{Later: 2, Dropped: 1, Quarantined: 3},
	}, asked)
	require.Equal(t, Evaluated, result.Verdict)
	require.Equal(t, []string{"3 rows break a rule of rows", "10 rows have an outcome that is not mature"}, result.Reasons)
	require.Equal(t, ModelRef{Name: "loan-eligibility", Version: 2, Digest: "digest-2"}, result.Model)
	require.Equal(t, &Measured{Rows: 80, Positive: 20, Metrics: out.Metrics, LeftOut: out.LeftOut}, result.Evaluation)
	require.Equal(t, string(Evaluated), p.runs[len(p.runs)-1].Verdict)
}

// Too few labels are a result.
func TestEvaluationOnTooFewLabelsIsRefused(t *testing.T) {
	_, _, result, err := measures(t, EvaluationInput{Model: "loan-eligibility", Data: "new.csv"},
		activities.EvaluateVersionOutput{Refused: "0 of 0 labels are positive", LeftOut: evaluate.LeftOut{Immature: 90}})
	require.NoError(t, err)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, []string{"0 of 0 labels are positive", "90 rows have an outcome that is not mature"}, result.Reasons)
}

func TestEvaluationSaysWhatIsMissing(t *testing.T) {
	for input, want := range map[string]EvaluationInput{`"model" is missing`: {Data: "new.csv"}, `"data" is missing`: {Model: "loan-eligibility"}} {
		_, _, _, err := measures(t, want, activities.EvaluateVersionOutput{})
		require.ErrorContains(t, err, input)
	}
}
