package workflows

import (
	"cmp"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/registry"
)

// Evaluation measures a registered version on new data: on all of their rows whose outcome is known and mature. It registers nothing and changes
// nothing of what serves.
func Evaluation(ctx workflow.Context, input EvaluationInput) (Result, error) {
	switch {
	case input.Model == "":
		return Result{}, usage(`"model" is missing; give {"model":"loan-eligibility","version":"@champion","data":"s3://bucket/key"}`)
	case input.Data == "":
		return Result{}, usage(`"data" is missing; give s3://bucket/key, or a path that the worker may read`)
	}
	if err := checkDay(input.AsOf); err != nil {
		return Result{}, err
	}
	input.Version = cmp.Or(input.Version, "@champion")
	e := &evaluation{input: input, run: newRun(activities.Data, input.Model, cmp.Or(input.Trigger, registry.ByHand), nil,
		activities.FindVersion.Name, activities.LoadPipeline.Name, activities.ExtractData.Name, activities.EvaluateVersion.Name)}
	return e.execute(ctx, e.evaluate)
}

// evaluation is the state of one run.
type evaluation struct {
	run
	input EvaluationInput
}

// evaluate reads the data as the version reads them: with its schema and its cleaning, from a source as the pipeline has it today.
func (e *evaluation) evaluate(ctx workflow.Context) (Result, error) {
	version, err := do(ctx, &e.run, activities.FindVersion, "finding the version", activities.VersionInput{Model: e.input.Model, Version: e.input.Version})
	if err != nil {
		return Result{}, err
	}
	e.concerns(ctx, version.Version, version.Digest)
	spec, err := do(ctx, &e.run, activities.LoadPipeline, "reading the pipeline spec", activities.PipelineInput{Pipeline: e.input.Model})
	if err != nil {
		return Result{}, err
	}
	known, err := knownOn(ctx, &spec.Source, e.input.Data, e.input.AsOf)
	if err != nil {
		return Result{}, err
	}
	read := spec.Extraction(e.input.Data, e.input.Uploads, e.input.AsOf, "", known)
	read.Schema, read.Version = version.Schema, version.SchemaVersion
	if read.Features, err = e.compute(ctx, version.Views); err != nil {
		return Result{}, err
	}
	extracted, err := do(ctx, &e.run, activities.ExtractData, "reading the raw data", read)
	if err != nil {
		return Result{}, err
	}
	measured, err := do(ctx, &e.run, activities.EvaluateVersion, "evaluating on the data", activities.EvaluateVersionInput{
		Model: e.input.Model, Version: version.Version, Schema: version.Schema, Bundle: version.Bundle, Dataset: extracted.Dataset, Source: extracted.Source,
		AsOf: e.input.AsOf, KnownAt: known,
		LeftOut: evaluate.LeftOut{Later: extracted.Later, Dropped: extracted.Dropped, Quarantined: extracted.Refused},
	})
	if err != nil {
		return Result{}, err
	}
	result := e.result(Evaluated, measured.LeftOut.Words()...)
	if measured.Refused != "" {
		result = e.result(Refused, append([]string{measured.Refused}, measured.LeftOut.Words()...)...)
	}
	result.Evaluation = &Measured{Rows: measured.Rows, Positive: measured.Positive, Metrics: measured.Metrics, LeftOut: measured.LeftOut}
	return result, nil
}
