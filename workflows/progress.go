package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// People see how a run goes in the progress query, the Web UI's current details and the stage search attribute.

// begin marks a step as running, adding it where the plan did not foresee it.
func (r *run) begin(ctx workflow.Context, name, stage string) {
	r.Stage = stage
	r.set(name, StepRunning, "")
	r.publish(ctx)
	_ = workflow.UpsertTypedSearchAttributes(ctx, stageKey.ValueSet(name))
}

// end marks a step with how it ended and a sentence about it.
func (r *run) end(ctx workflow.Context, name string, state StepState, detail string) {
	r.set(name, state, detail)
	r.publish(ctx)
}

// skip marks steps that are not to be taken, and says why.
func (r *run) skip(ctx workflow.Context, why string, steps ...string) {
	for _, step := range steps {
		r.end(ctx, step, StepSkipped, why)
	}
}

func (r *run) set(name string, state StepState, detail string) {
	for i := range r.Steps {
		if r.Steps[i].Name == name {
			r.Steps[i].State, r.Steps[i].Detail = state, detail
			return
		}
	}
	r.Steps = append(r.Steps, ProgressStep{Name: name, State: state, Detail: detail})
}

// publish writes the steps as the Markdown table that the Web UI shows while a run is open and after.
func (r *run) publish(ctx workflow.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n| step | state | |\n|---|---|---|\n", r.Stage)
	for _, step := range r.Steps {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", step.Name, step.State, strings.ReplaceAll(step.Detail, "|", "\\|"))
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// finish publishes the verdict.
func (r *run) finish(ctx workflow.Context, result Result) {
	r.Verdict = result.Verdict
	r.Stage = string(result.Verdict)
	if len(result.Reasons) > 0 {
		r.Stage += ": " + strings.Join(result.Reasons, "; ")
	}
	r.publish(ctx)
	_ = workflow.UpsertTypedSearchAttributes(ctx, verdictKey.ValueSet(string(result.Verdict)))
}
