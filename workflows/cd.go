package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// ContinuousDelivery brings a registered version to production: its contract of requests and its decisions held against the champion's, a plan held
// against what the model needs, staging with smoke and latency tests, then a canary of copies, of weighted steps and of a bake, or all traffic at once when
// there is no champion yet. Whoever changes what serves
// meanwhile overtakes it: it then writes nothing more and ends as aborted.
func ContinuousDelivery(ctx workflow.Context, input DeliveryInput) (Result, error) {
	if input.Model == "" {
		return Result{}, usage(`"model" is missing; give {"model":"loan-eligibility","version":2}`)
	}
	if input.Version < 0 {
		return Result{}, usage(`"version" is %d; give a registered version, or leave it out for the newest`, input.Version)
	}
	if err := checkTexts("actor", input.Actor, "cause", input.Cause); err != nil {
		return Result{}, err
	}
	if _, err := drill.Parse(input.Drill); err != nil {
		return Result{}, usage("%s", err)
	}
	expires, err := expiry(input.ApprovalExpires)
	if err != nil {
		return Result{}, err
	}
	digest := input.Digest() // as it was signed: before defaults
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	input.Actor = cmp.Or(input.Actor, "operator")
	d := &delivery{input: input, asked: digest, expires: expires, run: newRun(activities.Deliver, input.Model, input.Trigger, ofDelivery,
		activities.ResolveModel.Name, activities.CheckContract.Name, activities.PredictShift.Name, activities.PlanStaging.Name, activities.MeasureModel.Name, activities.CheckCapacity.Name,
		activities.ApplyStaging.Name, activities.SmokeTest.Name, activities.LatencyTest.Name)}
	d.cause = input.Cause
	if input.Signed != nil {
		d.set(activities.VerifyStart.Name, StepPending, "")
	}
	if err := d.acceptApproval(ctx); err != nil {
		return Result{}, err
	}
	return d.execute(ctx, d.deliver)
}

// delivery is the state of one run.
type delivery struct {
	run
	input    DeliveryInput
	asked    string        // digest of the input as it came
	expires  time.Duration // of the waiting for approval
	resolved activities.ResolveOutput
	// approvals are those that count.
	approvals []Intervention
	// generation is the newest of production's record that this run knows.
	generation int64
	// breaks are how the candidate breaks the contract of requests, as its spec allows.
	breaks []string
	// status is where the canary is, shared whether the challenger has got copies or a share yet, checks how many analyses were kept.
	status canary.Status
	shared bool
	checks int
	// changes is what a person approves: how the approval rate would go, and where the page of the swap set is.
	changes string
	// prediction is what the canary may expect.
	prediction *canary.Prediction
}

// deliver takes one step after the other, each an activity of its own.
func (d *delivery) deliver(ctx workflow.Context) (Result, error) {
	var err error
	d.resolved, err = do(ctx, &d.run, activities.ResolveModel, "finding the model version, and what serves",
		activities.ResolveInput{Model: d.input.Model, Version: d.input.Version, Policy: d.input.Policy})
	if err != nil {
		return Result{}, err
	}
	candidate := d.resolved.Candidate
	d.generation = d.resolved.Generation
	d.concerns(ctx, candidate.Version, d.resolved.Digest)
	if d.input.Signed != nil || d.resolved.Approval == pipeline.ApprovalSecondPerson {
		refused, err := d.verifyStart(ctx, activities.StartInput{Signed: d.input.Signed, Version: candidate.Version, Input: d.asked})
		if err != nil {
			return Result{}, err
		}
		if refused != "" {
			return d.result(Refused, refused), nil
		}
		d.input.Actor = cmp.Or(d.started.By, d.input.Actor)
	}
	if d.resolved.OutOfSync != "" {
		err := d.restore(ctx)
		if temporal.IsCanceledError(err) {
			return d.result(Aborted, d.whyAborted(), notRestored+d.resolved.OutOfSync), nil
		}
		if failedWith(err, inVain...) {
			return Result{}, temporal.NewNonRetryableApplicationError("production cannot be brought back to what its record says: "+cause(err)+
				"; mend that, or roll back to a version that runs", string(fault.Refused), nil)
		}
		if err != nil {
			return Result{}, err
		}
	}
	if serving.Is(d.resolved.Champion, &candidate.Track) {
		if d.resolved.OutOfSync != "" {
			return d.result(Restored, fmt.Sprintf("version %d is champion and serves as recorded again; it did not: %s", candidate.Version, d.resolved.OutOfSync)), nil
		}
		return d.result(Nothing, fmt.Sprintf("version %d is champion already and serves as recorded", candidate.Version)), nil
	}
	failures, err := d.compare(ctx)
	if err == nil && len(failures) == 0 {
		failures, err = d.stage(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	if len(failures) > 0 {
		return d.result(Refused, failures...), nil
	}
	if d.asksForApproval() {
		denied, err := d.awaitApproval(ctx)
		if err != nil {
			return Result{}, err
		}
		if denied != "" {
			return d.result(Rejected, denied), nil
		}
	}
	if d.resolved.Champion == nil {
		return d.bootstrap(ctx)
	}
	return d.canary(ctx)
}

// notRestored begins the reason of a delivery that was aborted before production was what its record says.
const notRestored = "production was not as recorded, and may not be yet: "

// restore brings production back to what its record says, before anything is changed. The agent is told what was recorded, ten times where it has
// to be, whoever aborts meanwhile. The rest is waited for as long as nobody aborts, and not where it cannot be brought up.
func (d *delivery) restore(ctx workflow.Context) error {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	in := d.change(ctx, activities.RestoreTraffic.Name, "production did not serve as recorded: "+d.resolved.OutOfSync)
	restored, err := insist(last, &d.run, activities.RestoreTraffic, "writing anew what serves, to bring it back", in, inVain...)
	if err != nil {
		return err
	}
	d.generation = restored.Generation
	moved := restored.Pending == ""
	if !moved {
		_, err := do(last, &d.run, activities.ShiftTraffic, "telling the agent what serves", d.follow())
		if failedWith(err, fault.Overtaken) {
			return err
		}
		moved = err == nil
	}
	return d.settle(ctx, d.follow(), moved, inVain...)
}

// compare holds the candidate against the champion, where there is one, before anything else is tried. What it finds wrong refuses the version.
func (d *delivery) compare(ctx workflow.Context) (failures []string, err error) {
	if d.resolved.Champion == nil {
		d.skip(ctx, "there is no champion to compare with", activities.CheckContract.Name, activities.PredictShift.Name)
		d.changes = "the first version"
		return nil, nil
	}
	in := activities.ComparisonInput{Candidate: d.resolved.Candidate, Champion: *d.resolved.Champion}
	held, err := do(ctx, &d.run, activities.CheckContract, "holding the contract of requests against the champion's", in)
	if err != nil || len(held.Refused()) > 0 {
		return held.Refused(), err
	}
	d.breaks = held.Breaks
	predicted, err := do(ctx, &d.run, activities.PredictShift, "predicting what changes for applicants", in)
	if err != nil {
		return nil, err
	}
	d.prediction, d.changes = predicted.Prediction, fmt.Sprintf("%s; the swap set: %s", predicted.Change, predicted.HTML.URI)
	if refused := predicted.Refused(); refused != "" && !d.asksForApproval() {
		return []string{refused}, nil
	}
	return nil, nil
}

// asksForApproval reports whether a person approves before production, who then sees what changes.
func (d *delivery) asksForApproval() bool {
	return d.input.RequireApproval || d.resolved.Approval != pipeline.ApprovalAutomatic
}

// stage tries the version before production. What it finds wrong refuses the version.
func (d *delivery) stage(ctx workflow.Context) (failures []string, err error) {
	candidate := d.resolved.Candidate
	plan, err := do(ctx, &d.run, activities.PlanStaging, "planning staging", activities.PlanInput{Candidate: candidate, Environment: serving.Staging})
	if err != nil {
		return nil, err
	}
	measured, err := do(ctx, &d.run, activities.MeasureModel, "measuring what the model needs", activities.MeasureInput{Candidate: candidate})
	if err != nil {
		return nil, err
	}
	fit, err := do(ctx, &d.run, activities.CheckCapacity, "holding the plan against the measurement",
		activities.CapacityInput{Planned: plan.Planned, Demand: measured.Demand, TargetRate: d.resolved.TargetRate})
	if err != nil || len(fit.Misfits) > 0 {
		return fit.Misfits, err
	}
	_, err = do(ctx, &d.run, activities.ApplyStaging, "applying staging", d.change(ctx, activities.ApplyStaging.Name, "to be tested"))
	if err != nil {
		return nil, err
	}
	endpoint := activities.EndpointInput{Candidate: candidate, Environment: serving.Staging}
	smoke, err := do(ctx, &d.run, activities.SmokeTest, "asking staging for golden predictions", endpoint)
	if err != nil || len(smoke.Failures) > 0 {
		return smoke.Failures, err
	}
	latency, err := do(ctx, &d.run, activities.LatencyTest, "measuring latency in staging", endpoint)
	return latency.Failures, err
}

// change is the input of a step that takes a generation after the one that this run knows. operation makes its repetition harmless.
func (d *delivery) change(ctx workflow.Context, operation, reason string) activities.ChangeInput {
	return activities.ChangeInput{
		Candidate: d.resolved.Candidate, After: d.generation, Drill: d.input.Drill,
		Author: serving.Author{
			Writer: writer(ctx), Actor: d.answerable(), Reason: reason,
			Operation: workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + operation,
		},
	}
}

// meant is a reason that says beside it which run asked for the delivery, who approved with a signature, and which breaks of the contract of requests the
// spec allowed: the record keeps who was to know.
func (d *delivery) meant(reason string) string {
	if d.cause != "" {
		reason += "; asked for by run " + d.cause
	}
	if len(d.approvals) > 0 && d.approvals[0].Signed != nil {
		reason += "; signed and " + d.whoApproved()
	}
	switch most := 3; {
	case len(d.breaks) == 0:
		return reason
	case len(d.breaks) > most:
		return fmt.Sprintf("%s; breaks the contract of requests, as the spec allows: %s and %d more", reason, strings.Join(d.breaks[:most], ", "), len(d.breaks)-most)
	}
	return reason + "; breaks the contract of requests, as the spec allows: " + strings.Join(d.breaks, ", ")
}

// follow names the record that production is to follow.
func (d *delivery) follow() activities.FollowInput {
	return activities.FollowInput{Model: d.input.Model, Generation: d.generation, Spec: d.resolved.Candidate.Spec}
}

// bootstrap brings the first version up without traffic and gives it all of it once golden requests pass: there is nothing to compare
// with. Whatever ends it before leaves nothing routed and nothing running.
func (d *delivery) bootstrap(ctx workflow.Context) (Result, error) {
	candidate := d.resolved.Candidate
	failures, err := d.prepare(ctx)
	if failedWith(err, fault.Overtaken) {
		return Result{}, err
	}
	if err == nil {
		err = ctx.Err() // somebody's abort may have come together with the last step's answer
	}
	var result Result
	switch {
	case err == nil && len(failures) == 0 && d.input.Drill == "":
		return d.promote(ctx, Bootstrapped, "the first version passed staging and golden requests in production")
	case err == nil && len(failures) == 0:
		result = d.result(Aborted, fmt.Sprintf("the drill was not noticed: golden requests passed although version %d runs under %s", candidate.Version, d.input.Drill))
	case err == nil:
		result = d.result(Refused, failures...)
	default:
		result, err = d.stopped(err, "the version could not be brought up in production", nil)
	}
	if abortErr := d.giveUp(ctx, result.Reasons); abortErr != nil {
		return Result{}, abortErr
	}
	return result, err
}

// prepare brings the first version up without traffic and asks it for golden predictions.
func (d *delivery) prepare(ctx workflow.Context) (failures []string, err error) {
	candidate := d.resolved.Candidate
	_, err = do(ctx, &d.run, activities.PlanProduction, "planning production", activities.PlanInput{Candidate: candidate, Environment: serving.Production})
	if err != nil {
		return nil, err
	}
	prepared, err := do(ctx, &d.run, activities.ApplyProduction, "bringing the version up in production, without traffic",
		d.change(ctx, activities.ApplyProduction.Name, "the first version is asked golden requests before it is routed"))
	if err != nil {
		return nil, err
	}
	d.generation = prepared.Generation
	smoke, err := do(ctx, &d.run, activities.SmokeTestProduction, "asking production for golden predictions",
		activities.EndpointInput{Candidate: candidate, Environment: serving.Production})
	if failedWith(err, fault.Unavailable) {
		return []string{"golden requests could not be asked in production: " + cause(err)}, nil
	}
	return smoke.Failures, err
}
