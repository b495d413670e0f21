package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/registry"
)

// ContinuousDelivery brings a registered version to production: a plan held against what the model needs, staging with smoke and
// latency tests, then a canary in weighted steps, or all traffic at once when there is no champion yet.
func ContinuousDelivery(ctx workflow.Context, input DeliveryInput) (Result, error) {
	d, err := newDelivery(ctx, input)
	if err != nil {
		return Result{}, err
	}
	return d.recorded(ctx, d.run)
}

// delivery is the state of one run.
type delivery struct {
	execution
	approval
	input    DeliveryInput
	resolved activities.ResolveOutput
	plan     activities.PlanOutput
	demand   capacity.Demand
	staging  activities.ApplyOutput
}

func newDelivery(ctx workflow.Context, input DeliveryInput) (*delivery, error) {
	if input.Model == "" {
		return nil, usage(`"model" is missing; give {"model":"loan-eligibility","version":2}`)
	}
	if input.Version < 0 {
		return nil, usage(`"version" is %d; give a registered version, or leave it out for the newest`, input.Version)
	}
	if _, err := drill.Parse(input.Drill); err != nil {
		return nil, usage("%s", err)
	}
	d := &delivery{input: input}
	d.input.Trigger = defaultTo(input.Trigger, "manual")
	d.input.Actor = defaultTo(input.Actor, "operator")
	d.waiting = &d.WaitingForApproval
	err := d.setup(ctx, input.Model, d.input.Trigger, []string{
		activities.ResolveModel, activities.PlanStaging, activities.MeasureModel, activities.CheckCapacity, activities.ApplyStaging,
		activities.SmokeTest, activities.LatencyTest,
	})
	if err != nil {
		return nil, err
	}
	return d, d.handle(ctx)
}

// run is the story: each step is an activity of its own.
func (d *delivery) run(ctx workflow.Context) (Result, error) {
	if err := d.resolve(ctx); err != nil {
		return d.result(""), err
	}
	if d.resolved.Champion != nil && d.resolved.Champion.Version == d.resolved.Version.Version {
		return d.result(Nothing, fmt.Sprintf("version %d is champion already", d.resolved.Version.Version)), nil
	}
	if err := d.planStaging(ctx); err != nil {
		return d.result(""), err
	}
	if err := d.measure(ctx); err != nil {
		return d.result(""), err
	}
	if misfits, err := d.checkCapacity(ctx); err != nil || len(misfits) > 0 {
		return d.result(Refused, misfits...), err
	}
	if err := d.applyStaging(ctx); err != nil {
		return d.result(""), err
	}
	if failures, err := d.test(ctx, activities.SmokeTest, "asking staging for golden predictions"); err != nil || len(failures) > 0 {
		return d.result(Refused, failures...), err
	}
	if failures, err := d.test(ctx, activities.LatencyTest, "measuring latency in staging"); err != nil || len(failures) > 0 {
		return d.result(Refused, failures...), err
	}
	if d.input.RequireApproval || d.resolved.Spec.Deploy.Approval == "required" {
		if denied, err := d.await(ctx, &d.journal); err != nil || denied != "" {
			return d.result(Rejected, denied), err
		}
	}
	if d.resolved.Champion == nil {
		return d.bootstrap(ctx)
	}
	return d.canary(ctx)
}

func (d *delivery) resolve(ctx workflow.Context) error {
	return d.step(ctx, quick, activities.ResolveModel, "finding the model version",
		activities.ResolveInput{Model: d.input.Model, Version: d.input.Version}, &d.resolved,
		func() string {
			v := d.resolved.Version
			d.Model = ModelRef{Name: d.input.Model, Version: v.Version, Digest: v.Digest}
			_ = workflow.UpsertTypedSearchAttributes(ctx, versionKey.ValueSet(int64(v.Version)))
			if d.resolved.Champion == nil {
				return fmt.Sprintf("version %d; there is no champion yet", v.Version)
			}
			return fmt.Sprintf("version %d against champion %d", v.Version, d.resolved.Champion.Version)
		})
}

// environment is the input of a plan or apply with the challenger at weight.
func (d *delivery) environment(name string, weight int) activities.EnvironmentInput {
	in := activities.EnvironmentInput{Spec: d.resolved.Spec, Environment: name, Version: d.resolved.Version, Weight: weight}
	if name == contract.Production {
		in.Champion, in.Drill = d.resolved.Champion, d.input.Drill
	}
	return in
}

func (d *delivery) planStaging(ctx workflow.Context) error {
	return d.step(ctx, long, activities.PlanStaging, "planning staging", d.environment(contract.Staging, 100), &d.plan,
		func() string {
			return fmt.Sprintf("%d changes, %d MiB and %d millicores planned", len(d.plan.Summary.Changes), d.plan.Planned.MemoryMiB, d.plan.Planned.CPUMillis)
		})
}

func (d *delivery) measure(ctx workflow.Context) error {
	return d.step(ctx, long, activities.MeasureModel, "measuring what the model needs",
		activities.MeasureInput{Spec: d.resolved.Spec, Version: d.resolved.Version}, &d.demand,
		func() string {
			return fmt.Sprintf("loads in %.0f ms, %.0f MiB resident, %.0f µs of CPU per decision", d.demand.LoadMillis, d.demand.ResidentMiB, d.demand.CPUMicrosPerDecision)
		})
}

func (d *delivery) checkCapacity(ctx workflow.Context) ([]string, error) {
	var fit activities.CapacityOutput
	err := d.step(ctx, quick, activities.CheckCapacity, "holding the plan against the measurement",
		activities.CapacityInput{Planned: d.plan.Planned, Demand: d.demand, TargetRate: d.resolved.Spec.Deploy.TargetRate}, &fit,
		func() string {
			if len(fit.Misfits) > 0 {
				return fit.Misfits[0]
			}
			return "the model fits the plan"
		})
	return fit.Misfits, err
}

func (d *delivery) applyStaging(ctx workflow.Context) error {
	return d.step(ctx, long, activities.ApplyStaging, "applying staging", d.environment(contract.Staging, 100), &d.staging,
		func() string { return "answers at " + d.staging.URL })
}

// test asks the predictor in staging; failures refuse the version.
func (d *delivery) test(ctx workflow.Context, name, stage string) ([]string, error) {
	var seen activities.EndpointOutput
	err := d.step(ctx, long, name, stage,
		activities.EndpointInput{Spec: d.resolved.Spec, URL: d.staging.URL, Version: d.resolved.Version}, &seen,
		func() string { return seen.Summary })
	return seen.Failures, err
}

// bootstrap gives the first version all traffic once golden requests pass in production: there is nothing to compare with.
func (d *delivery) bootstrap(ctx workflow.Context) (Result, error) {
	var plan activities.PlanOutput
	var applied activities.ApplyOutput
	var smoke activities.EndpointOutput
	in := d.environment(contract.Production, 100)
	if err := d.step(ctx, long, activities.PlanProduction, "planning production", in, &plan,
		func() string { return fmt.Sprintf("%d changes", len(plan.Summary.Changes)) }); err != nil {
		return d.result(""), err
	}
	if err := d.step(ctx, long, activities.ApplyProduction, "applying production", in, &applied,
		func() string { return "answers at " + applied.URL }); err != nil {
		return d.result(""), err
	}
	err := d.step(ctx, long, activities.SmokeTestProduction, "asking production for golden predictions",
		activities.EndpointInput{Spec: d.resolved.Spec, URL: applied.URL, Version: d.resolved.Version}, &smoke,
		func() string { return smoke.Summary })
	if err != nil || len(smoke.Failures) > 0 {
		return d.result(Refused, smoke.Failures...), err
	}
	reason := "the first version passed staging and golden requests in production"
	err = d.moveAliases(ctx, activities.PromoteModel, "making it champion", reason,
		registry.AliasChange{Alias: registry.Champion, Version: d.Model.Version})
	return d.result(Bootstrapped, reason), err
}

// moveAliases changes aliases together. The operation's ID makes a retry harmless.
func (d *delivery) moveAliases(ctx workflow.Context, name, stage, reason string, changes ...registry.AliasChange) error {
	operation := registry.AliasOperation{
		ID:   workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + name,
		Name: d.Model.Name, Actor: d.actor(d.input.Actor), Reason: reason, Changes: changes,
	}
	return d.step(ctx, quick, name, stage, activities.AliasInput{Operation: operation}, nil, func() string { return reason })
}
