package cli

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// registration is what registering a spec came to.
type registration struct {
	Pipeline string `json:"pipeline"`
	Digest   string `json:"digest"`
	Changed  bool   `json:"changed"` // it is another spec than the one registered before, or the first
	// Triggered is the workflow ID of the trigger that starts a training under it; empty: none is.
	Triggered string `json:"triggered"`
	Reason    string `json:"reason"`

	trigger client.WorkflowRun // nil without one
}

// registrar registers specs, and has what they change trained.
type registrar struct {
	registry  registry.Registry
	schedules schedule.Schedules
	// bring stores the local files that a training under the spec is to read, see app.bringSpec.
	bring func(context.Context, pipeline.Spec) (data string, uploads map[string][]string, err error)
	// start starts a Trigger under an ID, or finds the one that was.
	start func(ctx context.Context, id string, input workflows.TriggerInput) (client.WorkflowRun, error)
	actor string
}

// register registers a spec. Where a training makes another thing of it than of the one before, it triggers one.
func (r registrar) register(ctx context.Context, spec pipeline.Spec, as registry.PipelineSpec) (registration, error) {
	out := registration{Pipeline: as.Name, Digest: as.Digest}
	var trains bool
	var err error
	if out.Changed, trains, out.Reason, err = r.change(ctx, spec, as); err != nil {
		return out, err
	}
	input := workflows.TriggerInput{Run: workflows.TrainingRun, Pipeline: as.Name, Trigger: registry.BySpec, Actor: r.actor, Cause: "spec " + as.Digest[:12]}
	if trains {
		if input.Data, input.Uploads, err = r.bring(ctx, spec); err != nil {
			return out, err
		}
	}
	if err := r.schedules.Register(ctx, r.registry, as); err != nil || !trains {
		return out, err
	}
	registered, err := r.registry.Pipeline(ctx, as.Name)
	if err != nil {
		return out, err
	}
	out.trigger, err = r.start(ctx, workflows.SpecTriggerID(as.Name, registered.CreatedAt), input)
	if err != nil {
		return out, fault.Wrap(fault.CodeOf(err), err, "the spec of %s is registered, but no training under it was started; start one with: loanops ct start %s", as.Name, as.Name)
	}
	out.Triggered = out.trigger.GetID()
	return out, nil
}

// change says whether the spec is another one than the registered one, whether it is to be trained, and why, or why not.
func (r registrar) change(ctx context.Context, spec pipeline.Spec, as registry.PipelineSpec) (changed, trains bool, reason string, err error) {
	before, err := r.registry.Pipeline(ctx, as.Name)
	isNew := fault.CodeOf(err) == fault.NotFound
	if err != nil && !isNew {
		return false, false, "", err
	}
	if !isNew && before.Digest == as.Digest {
		return false, false, "it is registered already", nil
	}
	serves, err := r.registry.Serving(ctx, as.Name, serving.Production)
	switch {
	case err != nil:
		return false, false, "", err
	case serves.Champion == nil:
		return true, false, fmt.Sprintf("no version of %s serves yet; train the first with: loanops ct start %s", as.Name, as.Name), nil
	case spec.Training.OnChange == pipeline.ReactNothing:
		return true, false, "the spec says so: training.on_change is nothing", nil
	}
	was, err := pipeline.Parse(as.Name+".yaml", before.YAML)
	if fault.CodeOf(err) == fault.Invalid { // another release wrote it
		return true, true, "the spec before cannot be read any more, so that it cannot be told whether this one trains otherwise", nil
	}
	if err != nil {
		return false, false, "", err
	}
	keys := spec.Retrains(was)
	if len(keys) == 0 {
		return true, false, "a training makes the same of it", nil
	}
	return true, true, "a training makes another thing of it, for it differs in " + strings.Join(keys, ", "), nil
}

// registrar is that of a running platform.
func (a *app) registrar(reg registry.Registry, temporal client.Client, bring func(context.Context, pipeline.Spec) (string, map[string][]string, error)) registrar {
	return registrar{
		registry: reg, schedules: schedules(temporal), bring: bring, actor: actor(),
		start: func(ctx context.Context, id string, input workflows.TriggerInput) (client.WorkflowRun, error) {
			run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
				ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: "train " + input.Pipeline + ", whose spec changed",
				// Whoever registers the same spec at the same time means the same training.
				WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
				TypedSearchAttributes: workflows.About(input.Pipeline, input.Trigger),
			}, workflows.TriggerName, input)
			return run, fault.Wrap(fault.Unavailable, err, "starting %s", id)
		},
	}
}
