package workflows

import (
	"cmp"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/registry"
)

// Cadence finds how often a pipeline should be trained: how the performance of its versions, and of models that are trained now on the past, goes
// with their age. It registers nothing and changes nothing of what serves.
func Cadence(ctx workflow.Context, input CadenceInput) (Result, error) {
	if input.Pipeline == "" {
		return Result{}, usage(`"pipeline" is missing; give {"pipeline":"loan-eligibility"}`)
	}
	if input.Tolerance == 0 {
		input.Tolerance = performance.DefaultTolerance
	}
	if !(input.Tolerance > 0 && input.Tolerance < 1) {
		return Result{}, usage(`"tolerance" is %v; give how much AUC may be lost, above 0 and below 1, such as 0.01`, input.Tolerance)
	}
	if err := checkDay(input.AsOf); err != nil {
		return Result{}, err
	}
	c := &cadence{input: input, run: newRun(activities.Data, input.Pipeline, cmp.Or(input.Trigger, registry.ByHand), nil,
		activities.LoadPipeline.Name, activities.ExtractData.Name, activities.MeasureCadence.Name)}
	return c.execute(ctx, c.measure)
}

// cadence is the state of one run.
type cadence struct {
	run
	input CadenceInput
}

// measure reads all of the past, whatever the training's window: each model takes of it what its own would be.
func (c *cadence) measure(ctx workflow.Context) (Result, error) {
	spec, err := do(ctx, &c.run, activities.LoadPipeline, "reading the pipeline spec", activities.PipelineInput{Pipeline: c.input.Pipeline})
	if err != nil {
		return Result{}, err
	}
	known, err := knownOn(ctx, &spec.Source, c.input.Data, c.input.AsOf)
	if err != nil {
		return Result{}, err
	}
	read := spec.Extraction(c.input.Data, c.input.Uploads, c.input.AsOf, "", known)
	if read.Features, err = c.compute(ctx, spec.Views); err != nil {
		return Result{}, err
	}
	extracted, err := do(ctx, &c.run, activities.ExtractData, "reading the data of the past", read)
	if err != nil {
		return Result{}, err
	}
	measured, err := do(ctx, &c.run, activities.MeasureCadence, "measuring models of several ages", activities.CadenceInput{
		Pipeline: c.input.Pipeline, Schema: spec.Schema.Ref, Dataset: extracted.Dataset, Algorithm: spec.Algorithm, Split: spec.Split, Training: spec.Training,
		KnownAt: known, Tolerance: c.input.Tolerance,
	})
	if err != nil {
		return Result{}, err
	}
	verdict := Evaluated
	if measured.Refused() {
		verdict = Refused
	}
	result := c.result(verdict, measured.Note)
	result.Cadence = &Period{
		RecommendedDays: measured.RecommendedDays, AtLeast: measured.AtLeast, ExceededDays: measured.ExceededDays, Tolerance: c.input.Tolerance,
		LossPerMonth: measured.LossPerMonth, Waiting: measured.Waiting, Models: measured.Models, Points: measured.Points,
	}
	return result, nil
}
