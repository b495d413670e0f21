package workflows

import (
	"encoding/json"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/registry"
)

// ContinuousTraining takes a pipeline from raw data to a registered model and hands it to ContinuousDelivery. A refusal by
// validation or a gate is a result, not a failure.
func ContinuousTraining(ctx workflow.Context, input TrainingInput) (Result, error) {
	t, err := newTraining(ctx, input)
	if err != nil {
		return Result{}, err
	}
	return t.recorded(ctx, t.run)
}

// training is the state of one run.
type training struct {
	execution
	input     TrainingInput
	pipeline  activities.PipelineOutput
	extracted activities.ExtractOutput
	validated activities.ValidateOutput
	profiled  activities.ProfileOutput
	split     activities.SplitOutput
	trained   activities.TrainOutput
	evaluated activities.EvaluateOutput
	champion  activities.ResolveOutput
}

func newTraining(ctx workflow.Context, input TrainingInput) (*training, error) {
	if input.Pipeline == "" {
		return nil, usage(`"pipeline" is missing; give {"pipeline":"loan-eligibility"}`)
	}
	t := &training{input: input}
	t.input.Trigger = defaultTo(input.Trigger, "manual")
	t.input.Actor = defaultTo(input.Actor, "operator")
	err := t.setup(ctx, input.Pipeline, t.input.Trigger, []string{
		activities.LoadPipeline, activities.ExtractData, activities.ValidateData, activities.ProfileData, activities.SplitData,
		activities.TrainModel, activities.EvaluateModel, activities.CheckGates, activities.RegisterModel, ContinuousDeliveryName,
	})
	return t, err
}

// run is the story: each step is an activity of its own.
func (t *training) run(ctx workflow.Context) (Result, error) {
	if err := t.loadPipeline(ctx); err != nil {
		return t.result(""), err
	}
	if err := t.extract(ctx); err != nil {
		return t.result(""), err
	}
	if err := t.validate(ctx); err != nil {
		return t.result(""), err
	}
	if len(t.validated.Errors) > 0 {
		return t.result(Refused, t.validated.Errors...), nil
	}
	if err := t.profile(ctx); err != nil {
		return t.result(""), err
	}
	if err := t.splitData(ctx); err != nil {
		return t.result(""), err
	}
	if err := t.train(ctx); err != nil {
		return t.result(""), err
	}
	if err := t.evaluate(ctx); err != nil {
		return t.result(""), err
	}
	gates, err := t.checkGates(ctx)
	if err != nil {
		return t.result(""), err
	}
	if !gates.Passed {
		return t.result(Refused, gates.Refused...), nil
	}
	registered, err := t.register(ctx)
	if err != nil {
		return t.result(""), err
	}
	t.Model = ModelRef{Name: t.input.Pipeline, Version: registered.Version, Digest: registered.Digest}
	_ = workflow.UpsertTypedSearchAttributes(ctx, versionKey.ValueSet(int64(registered.Version)))
	if registered.Version == registered.Champion {
		return t.result(Nothing, fmt.Sprintf("version %d, the champion, is this very model", registered.Version)), nil
	}
	if t.input.RegisterOnly {
		return t.result(Registered, gates.Checks...), nil
	}
	return t.deliver(ctx)
}

func (t *training) loadPipeline(ctx workflow.Context) error {
	return t.step(ctx, quick, activities.LoadPipeline, "reading the pipeline spec",
		activities.PipelineInput{Pipeline: t.input.Pipeline}, &t.pipeline,
		func() string { return "spec " + short(t.pipeline.Digest) })
}

func (t *training) extract(ctx workflow.Context) error {
	return t.step(ctx, long, activities.ExtractData, "reading the raw data",
		activities.ExtractInput{Spec: t.pipeline.Spec, Data: t.input.Data, AsOf: t.input.AsOf}, &t.extracted,
		func() string {
			t.Artifacts["dataset"] = t.extracted.Dataset
			return fmt.Sprintf("%d rows, %d columns from %s%s", t.extracted.Rows, t.extracted.Columns, t.extracted.Source, cached(t.extracted.Cached))
		})
}

// dataset is the input of the steps that read the extracted table.
func (t *training) dataset() activities.DatasetInput {
	return activities.DatasetInput{Spec: t.pipeline.Spec, Dataset: t.extracted.Dataset, AsOf: t.input.AsOf}
}

func (t *training) validate(ctx workflow.Context) error {
	return t.step(ctx, long, activities.ValidateData, "checking the data against the spec", t.dataset(), &t.validated,
		func() string {
			t.Artifacts["validation_report"] = t.validated.Report
			return fmt.Sprintf("%d errors, %d warnings%s", len(t.validated.Errors), len(t.validated.Warnings), cached(t.validated.Cached))
		})
}

func (t *training) profile(ctx workflow.Context) error {
	return t.step(ctx, long, activities.ProfileData, "profiling the data", t.dataset(), &t.profiled,
		func() string {
			t.Artifacts["profile"], t.Artifacts["profile_html"] = t.profiled.JSON, t.profiled.HTML
			return "profile as JSON and HTML" + cached(t.profiled.Cached)
		})
}

func (t *training) splitData(ctx workflow.Context) error {
	return t.step(ctx, long, activities.SplitData, "splitting into train, validation and test", t.dataset(), &t.split,
		func() string {
			t.Artifacts["train"], t.Artifacts["validation"], t.Artifacts["test"] = t.split.Train, t.split.Validation, t.split.Test
			return fmt.Sprintf("train %d, validation %d, test %d rows%s", t.split.TrainRows, t.split.ValidationRows, t.split.TestRows, cached(t.split.Cached))
		})
}

func (t *training) train(ctx workflow.Context) error {
	return t.step(ctx, long, activities.TrainModel, "training",
		activities.TrainInput{Spec: t.pipeline.Spec, Train: t.split.Train, Validation: t.split.Validation}, &t.trained,
		func() string {
			t.Artifacts["bundle"] = t.trained.Bundle
			return t.trained.Summary + cached(t.trained.Cached)
		})
}

// evaluate asks for the champion first: it is scored on the same test rows.
func (t *training) evaluate(ctx workflow.Context) error {
	input := activities.EvaluateInput{Spec: t.pipeline.Spec, Bundle: t.trained.Bundle, Test: t.split.Test}
	err := workflow.ExecuteActivity(quick(ctx, "find the champion"), activities.FindChampion,
		activities.ResolveInput{Model: t.input.Pipeline}).Get(ctx, &t.champion)
	if err != nil {
		return err
	}
	if t.champion.Champion != nil {
		input.Champion = &t.champion.Champion.Bundle
	}
	return t.step(ctx, long, activities.EvaluateModel, "evaluating on the test set", input, &t.evaluated,
		func() string {
			t.Artifacts["evaluation"], t.Artifacts["evaluation_html"], t.Artifacts["golden"] = t.evaluated.JSON, t.evaluated.HTML, t.evaluated.Golden
			auc := t.evaluated.Metrics["auc"]
			return fmt.Sprintf("AUC %.4f (95 %% interval %.4f to %.4f)%s", auc.Estimate, auc.Lower, auc.Upper, cached(t.evaluated.Cached))
		})
}

func (t *training) checkGates(ctx workflow.Context) (activities.GateOutput, error) {
	var gates activities.GateOutput
	err := t.step(ctx, quick, activities.CheckGates, "checking the gates",
		activities.GateInput{Gates: t.pipeline.Spec.Gates, Metrics: t.evaluated.Metrics, Champion: t.evaluated.Champion}, &gates,
		func() string { return fmt.Sprintf("%d checks, %d refused", len(gates.Checks), len(gates.Refused)) })
	return gates, err
}

func (t *training) register(ctx workflow.Context) (activities.RegisterOutput, error) {
	var registered activities.RegisterOutput
	version := registry.ModelVersion{
		Name: t.input.Pipeline, Digest: t.trained.Bundle.SHA256, Bundle: t.trained.Bundle,
		Algorithm: t.pipeline.Spec.Algorithm.Name, Hyperparameters: json.RawMessage(t.trained.Hyperparameters),
		Metrics: t.evaluated.Metrics, Artifacts: t.Artifacts, RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID,
		Lineage: registry.Lineage{
			SpecDigest: t.pipeline.Digest, Dataset: t.extracted.Dataset.SHA256, Source: t.extracted.Source,
			AsOf: t.input.AsOf, Rows: t.extracted.Rows,
		},
	}
	err := t.step(ctx, quick, activities.RegisterModel, "registering the version", activities.RegisterInput{Version: version}, &registered,
		func() string { return fmt.Sprintf("version %d", registered.Version) })
	return registered, err
}

// deliver runs the delivery as a child and ends with its verdict.
func (t *training) deliver(ctx workflow.Context) (Result, error) {
	t.Delivery = DeliveryID(t.input.Pipeline)
	t.begin(ctx, ContinuousDeliveryName, fmt.Sprintf("delivering version %d, see %s", t.Model.Version, t.Delivery))
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: t.Delivery, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL, WaitForCancellation: true,
		StaticSummary: fmt.Sprintf("deliver %s version %d", t.Model.Name, t.Model.Version),
	})
	var delivered Result
	err := workflow.ExecuteChildWorkflow(child, ContinuousDeliveryName, DeliveryInput{
		Model: t.input.Pipeline, Version: t.Model.Version, RequireApproval: t.input.RequireApproval,
		Trigger: "training", Actor: t.input.Actor,
	}).Get(ctx, &delivered)
	var running *temporal.ChildWorkflowExecutionAlreadyStartedError
	if errors.As(err, &running) {
		reason := fmt.Sprintf("version %d is registered, but another delivery of %s is running; start ContinuousDelivery when it has ended", t.Model.Version, t.Model.Name)
		t.end(ctx, ContinuousDeliveryName, StepSkipped, reason)
		return t.result(Registered, reason), nil
	}
	if err != nil {
		t.end(ctx, ContinuousDeliveryName, StepFailed, "the delivery failed")
		return t.result(""), err
	}
	t.end(ctx, ContinuousDeliveryName, StepDone, string(delivered.Verdict))
	result := t.result(delivered.Verdict, delivered.Reasons...)
	merge(result.Artifacts, delivered.Artifacts)
	return result, nil
}

// merge adds artifacts; the order of a map does not matter for what is in it.
func merge(into, from map[string]artifact.Ref) {
	for _, role := range workflow.DeterministicKeys(from) {
		into[role] = from[role]
	}
}
