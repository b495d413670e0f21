package workflows

import (
	"cmp"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// ContinuousTraining takes a pipeline from raw data to a registered model and hands it to ContinuousDelivery. A refusal by
// validation or a gate is a result, not a failure.
func ContinuousTraining(ctx workflow.Context, input TrainingInput) (Result, error) {
	if input.Pipeline == "" {
		return Result{}, usage(`"pipeline" is missing; give {"pipeline":"loan-eligibility"}`)
	}
	if err := checkDay(input.AsOf); err != nil {
		return Result{}, err
	}
	if err := checkTexts("actor", input.Actor, "cause", input.Cause); err != nil {
		return Result{}, err
	}
	if _, err := expiry(input.ApprovalExpires); err != nil {
		return Result{}, err
	}
	digest := input.Digest() // as it was signed: before defaults
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	input.Actor = cmp.Or(input.Actor, "operator")
	planned := []string{
		activities.LoadPipeline.Name, activities.ExtractData.Name, activities.ValidateData.Name, activities.RecordSchema.Name, activities.ProfileData.Name,
		activities.SplitData.Name, activities.CheckSplit.Name, activities.CheckLeakage.Name, activities.TrainModel.Name, activities.EvaluateModel.Name, activities.CheckGates.Name,
		activities.RegisterModel.Name, ContinuousDeliveryName,
	}
	if input.Signed != nil {
		planned = append([]string{activities.VerifyStart.Name}, planned...)
	}
	t := &training{input: input, asked: digest}
	t.run = newRun(activities.Data, input.Pipeline, input.Trigger, t.ended, planned...)
	t.cause = input.Cause
	return t.execute(ctx, t.train)
}

// training is the state of one run.
type training struct {
	run
	input TrainingInput
	asked string // digest of the input as it came
	// features are what the offline store holds of the views of the spec's features.
	features []artifact.Ref
}

// ended is what its end says of its pipeline.
func (t *training) ended(verdict Verdict, failure error) []alert.Raise {
	return ofTraining(t.Delivery != "", verdict, failure)
}

// train takes one step after the other, each an activity of its own.
func (t *training) train(ctx workflow.Context) (Result, error) {
	if t.input.Signed != nil {
		refused, err := t.verifyStart(ctx, activities.StartInput{Signed: t.input.Signed, Input: t.asked})
		if err != nil {
			return Result{}, err
		}
		if refused != "" {
			return t.result(Refused, refused), nil
		}
		t.input.Actor = t.started.By
	}
	spec, err := do(ctx, &t.run, activities.LoadPipeline, "reading the pipeline spec", activities.PipelineInput{Pipeline: t.input.Pipeline})
	if err != nil {
		return Result{}, err
	}
	if spec.Refused != "" {
		return t.result(Refused, spec.Refused), nil
	}
	t.features, err = t.compute(ctx, spec.Views)
	if failedWith(err, fault.Refused) { // of a view no feed was ever taken
		return t.result(Refused, cause(err)), nil
	}
	if err != nil {
		return Result{}, err
	}
	known, err := knownOn(ctx, &spec.Source, t.input.Data, t.input.AsOf)
	if err != nil {
		return Result{}, err
	}
	partial := "" // the day of which rows go on coming: whole, it is of the next look
	if t.input.Data == "" && spec.Source.Whole(known, workflow.Now(ctx)) != known {
		partial = known
	}
	extracted, validated, refused, err := t.read(ctx, &spec, known, partial)
	if err != nil {
		return Result{}, err
	}
	_, err = do(ctx, &t.run, activities.ProfileData, "profiling the data",
		activities.ProfileInput{Facts: extracted.Facts, Report: validated.Report})
	if err != nil {
		return Result{}, err
	}
	if len(refused) > 0 {
		return t.result(Refused, append(unfinished(extracted, partial), refused...)...), nil
	}
	parts, err := do(ctx, &t.run, activities.SplitData, "splitting into train, validation and test",
		activities.SplitInput{Schema: spec.Schema.Ref, Dataset: extracted.Dataset, Split: spec.Split, KnownAt: known})
	if err != nil {
		return Result{}, err
	}
	_, err = do(ctx, &t.run, activities.CheckSplit, "checking that nothing crosses the split", activities.SplitCheckInput{
		Schema: spec.Schema.Ref, Train: parts.Train, Validation: parts.Validation, Test: parts.Test, Split: spec.Split,
	})
	if err != nil {
		return Result{}, err
	}
	leaks, err := do(ctx, &t.run, activities.CheckLeakage, "looking for leaks of the label", activities.LeakageInput{
		Schema: spec.Schema.Ref, Dataset: extracted.Dataset, Train: parts.Train, Validation: parts.Validation, Test: parts.Test,
		Leakage: spec.Leakage, KnownAt: known,
	})
	if err != nil {
		return Result{}, err
	}
	if len(leaks.Vetoes) > 0 {
		return t.result(Refused, leaks.Vetoes...), nil
	}
	before, err := call(ctx, activities.FindChampion, "find the champion", activities.ChampionInput{Model: t.input.Pipeline})
	if err != nil {
		return Result{}, err
	}
	wanted := activities.TrainInput{Schema: spec.Schema.Ref, Algorithm: spec.Algorithm, Train: parts.Train, Validation: parts.Validation}
	if before.Algorithm == spec.Algorithm.Name {
		wanted.First = before.First
	}
	trained, err := do(ctx, &t.run, activities.TrainModel, "training", wanted)
	if err != nil {
		return Result{}, err
	}
	evaluated, err := do(ctx, &t.run, activities.EvaluateModel, "evaluating on the test set", activities.EvaluateInput{
		Schema: spec.Schema.Ref, Bundle: trained.Bundle, Test: parts.Test, Champion: before.Champion, Previous: before.Previous,
	})
	if err != nil {
		return Result{}, err
	}
	gates, err := do(ctx, &t.run, activities.CheckGates, "checking the gates",
		activities.GateInput{Gates: spec.Gates, Against: spec.Training.AgainstChampion, Metrics: evaluated.Metrics, Champion: evaluated.Champion})
	if err != nil {
		return Result{}, err
	}
	if !gates.Passed {
		return t.result(Refused, gates.Refused...), nil
	}
	registered, err := do(ctx, &t.run, activities.RegisterModel, "registering the version", activities.RegisterInput{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Model: t.input.Pipeline, Algorithm: spec.Algorithm.Name,
		Hyperparameters: trained.Hyperparameters, Metrics: evaluated.Metrics,
		SpecDigest: spec.Digest, PipelineVersion: spec.Version, SchemaVersion: spec.Schema.Version, Source: extracted.Source, AsOf: t.input.AsOf, Rows: extracted.Rows,
		Code: trained.Code,
	})
	if err != nil {
		return Result{}, err
	}
	t.concerns(ctx, registered.Version, registered.Digest)
	if t.input.RegisterOnly {
		return t.result(Registered, gates.Checks...), nil
	}
	return t.deliver(ctx, gates.NotComparable) // of the champion as well: whether it serves as recorded, under which policy, is known there
}

// unfinished says what is missing where most rows, or all, are of the day that goes on: a new source may have no other day yet.
func unfinished(rows activities.ExtractOutput, partial string) []string {
	if partial == "" || rows.Later <= rows.Rows+rows.Refused {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d rows are left out: they are of %s, and more of that day may come; train when it is over, or now with source.known_at: %s in the spec where none will come, or with rows that are given (--data)",
		rows.Later, rows.Later+rows.Rows+rows.Refused, partial, partial)}
}

// read extracts the data and holds them against the schema. What they bring that it can take in becomes its next version, under which they are
// read again. refused says why nothing may be trained on them.
func (t *training) read(ctx workflow.Context, spec *activities.PipelineOutput, known, partial string) (extracted activities.ExtractOutput, validated activities.ValidateOutput, refused []string, err error) {
	for nth := range activities.MaxSchemas {
		reading := spec.Extraction(t.input.Data, t.input.Uploads, t.input.AsOf, spec.Training.After(known), known)
		reading.Partial, reading.Features = partial, t.features
		extracted, err = do(ctx, &t.run, activities.ExtractData, "reading the raw data", reading)
		if err != nil {
			return extracted, validated, nil, err
		}
		validated, err = do(ctx, &t.run, activities.ValidateData, "checking the data against the schema", spec.Validation(extracted, known))
		if err != nil {
			return extracted, validated, nil, err
		}
		if validated.Change == nil {
			if nth == 0 {
				t.end(ctx, activities.RecordSchema.Name, StepSkipped, "the data are as the schema says")
			}
			return extracted, validated, validated.Errors, nil
		}
		recorded, err := do(ctx, &t.run, activities.RecordSchema, "recording what is new in the data", activities.RecordSchemaInput{
			Pipeline: t.input.Pipeline, State: spec.Schema, Change: *validated.Change, RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID,
		})
		if err != nil {
			return extracted, validated, nil, err
		}
		if recorded.Refused != "" {
			return extracted, validated, append(validated.Errors, recorded.Refused), nil
		}
		spec.Schema = recorded.State
	}
	return extracted, validated, []string{activities.TooManySchemas}, nil
}

// deliver runs the delivery as a child and ends with its verdict. Where nothing could be compared with the champion a person lets it go on.
func (t *training) deliver(ctx workflow.Context, notComparable bool) (Result, error) {
	t.Delivery = DeliveryID(t.input.Pipeline)
	t.begin(ctx, ContinuousDeliveryName, fmt.Sprintf("delivering version %d, see %s", t.Model.Version, t.Delivery))
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: t.Delivery, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL, WaitForCancellation: true,
		StaticSummary: fmt.Sprintf("deliver %s version %d", t.Model.Name, t.Model.Version),
	})
	var delivered Result
	err := workflow.ExecuteChildWorkflow(child, ContinuousDeliveryName, DeliveryInput{
		Model: t.input.Pipeline, Version: t.Model.Version, RequireApproval: t.input.RequireApproval || notComparable, ApprovalExpires: t.input.ApprovalExpires,
		Trigger: registry.ByTraining, Actor: t.input.Actor, Signed: t.input.Signed,
	}).Get(ctx, &delivered)
	if alreadyRuns(err) {
		reason := fmt.Sprintf("version %d is registered, but another delivery of %s is running; start ContinuousDelivery when it has ended", t.Model.Version, t.Model.Name)
		t.end(ctx, ContinuousDeliveryName, StepSkipped, reason)
		return t.result(Registered, reason), nil
	}
	if err != nil {
		t.end(ctx, ContinuousDeliveryName, StepFailed, "the delivery failed")
		return Result{}, err
	}
	t.end(ctx, ContinuousDeliveryName, StepDone, string(delivered.Verdict))
	result := t.result(delivered.Verdict, delivered.Reasons...)
	result.FoundBy = delivered.FoundBy
	return result, nil
}
