package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/pipelines"
)

// object is a reference as long as a real one.
func object(digit, extension, mediaType string) artifact.Ref {
	digest := strings.Repeat(digit, 64)
	return artifact.Ref{
		URI: "s3://loanops/artifacts/sha256/" + digest[:2] + "/" + digest + "." + extension, SHA256: digest, Bytes: 1_234_567, MediaType: mediaType,
	}
}

// measured is metrics as long as real ones.
func measured() map[string]evaluate.Metric {
	metrics := map[string]evaluate.Metric{}
	for _, name := range []string{"auc", "ks", "brier", "log_loss", "accuracy"} {
		metrics[name] = evaluate.Metric{Estimate: 0.7812345678901234, Lower: 0.7612345678901234, Upper: 0.8012345678901234}
	}
	return metrics
}

// differences are as long as real ones.
func differences() map[string]evaluate.Difference {
	all := map[string]evaluate.Difference{}
	for name := range measured() {
		all[name] = evaluate.Difference{Estimate: -0.0012345678901234, StandardError: 0.0012345678901234, Lower: -0.0112345678901234, Upper: 0.0112345678901234, P: 0.2512345678901234}
	}
	return all
}

// A history is read by people and kept for long: what goes into a training's steps is references and the few values that a step reads.
func TestInputsOfATrainingAreSmall(t *testing.T) {
	yaml, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err := pipeline.Parse("loan-eligibility.yaml", yaml)
	require.NoError(t, err)
	const rows, html = "application/vnd.loanops.dataset+json", "text/html; charset=utf-8"
	schema, dataset := object("0", "json", "application/json"), object("1", "json", rows)
	bundle, manifest := object("5", "model", "application/vnd.loanops.model"), object("9", "json", "application/json")

	trial := `{"l2":0.0001,"iterations":68,"validation_log_loss":0.35288228776539277}`
	hyperparameters := json.RawMessage(`{"l2":0.0001,"iterations":68,"trials":[` + strings.Join([]string{trial, trial, trial, trial}, ",") + `]}`)

	p := newPlatform()
	p.manifest = &manifest
	p.version.Digest = bundle.SHA256
	p.gates = activities.GateOutput{Passed: true, Checks: []string{
		"auc lower 0.7612 is at least 0.65", "brier 0.1234 is at most 0.2", "auc_drop -0.0012 is at most 0.02: the champion's AUC is 0.7800",
	}}
	env := p.environment(t)
	on(p, env, activities.LoadPipeline, func(activities.PipelineInput) (activities.PipelineOutput, error) {
		return activities.PipelineOutput{
			Digest: schema.SHA256, Schema: activities.SchemaState{Version: 1, Ref: schema, Declared: schema}, Source: spec.Source, Limits: spec.Limits, Split: spec.Split, Algorithm: spec.Algorithm, Gates: spec.Gates,
		}, nil
	})
	on(p, env, activities.ExtractData, func(activities.ExtractInput) (activities.ExtractOutput, error) {
		return activities.ExtractOutput{Dataset: dataset, Facts: object("6", "json", "application/json"), Rows: 20000, Source: "simulate: 20000 applications from 2024-01-01 to 2026-06-30, seed 20260630"}, nil
	})
	on(p, env, activities.SplitData, func(activities.SplitInput) (activities.SplitOutput, error) {
		return activities.SplitOutput{Train: object("2", "json", rows), Validation: object("3", "json", rows), Test: object("4", "json", rows)}, nil
	})
	on(p, env, activities.CheckSplit, func(activities.SplitCheckInput) (activities.SplitCheckOutput, error) {
		return activities.SplitCheckOutput{Entities: 14263}, nil
	})
	on(p, env, activities.TrainModel, func(activities.TrainInput) (activities.TrainOutput, error) {
		return activities.TrainOutput{Bundle: bundle, Hyperparameters: hyperparameters, Code: registry.Code{Version: "v0.9.0-0.20261128224229-0c622a7e2b44", Revision: trainedBy, Go: "go1.26.8"}}, nil
	})
	on(p, env, activities.FindChampion, func(activities.ChampionInput) (activities.ChampionOutput, error) {
		rival := activities.Rival{Version: 1, Bundle: object("8", "model", "application/vnd.loanops.model"), Label: pipeline.Label{Column: "defaulted", Positive: "1", Negative: "0", Meaning: pipeline.MeaningDefault, MaturesAfterDays: 180}}
		return activities.ChampionOutput{Champion: &rival, Previous: &rival, Algorithm: spec.Algorithm.Name, First: json.RawMessage(`{"l2":0.0001}`)}, nil
	})
	on(p, env, activities.EvaluateModel, func(activities.EvaluateInput) (activities.EvaluateOutput, error) {
		beside := &activities.Beside{Version: 1, Rows: 4000, Differences: differences()}
		return activities.EvaluateOutput{Metrics: measured(), Champion: beside, Previous: beside, HTML: object("7", "html", html)}, nil
	})
	var table strings.Builder
	total := 0
	env.SetOnActivityStartedListener(func(step *activity.Info, _ context.Context, args converter.EncodedValues) {
		var input json.RawMessage
		if step.WorkflowType.Name != ContinuousTrainingName {
			return
		}
		if err := args.Get(&input); err != nil {
			t.Error(err)
		}
		total += len(input)
		fmt.Fprintf(&table, "%-14s %5d bytes\n", step.ActivityType.Name, len(input))
	})
	env.ExecuteWorkflow(ContinuousTrainingName, trainingInput)
	require.NoError(t, env.GetWorkflowError())
	t.Logf("the inputs of a training's steps:\n%sin all %d bytes", table.String(), total)
	require.Less(t, total, 11<<10)
	require.Greater(t, total, 2<<10, "every step was counted")
}
