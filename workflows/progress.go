package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

var (
	pipelineKey = temporal.NewSearchAttributeKeyKeyword(AttributePipeline)
	triggerKey  = temporal.NewSearchAttributeKeyKeyword(AttributeTrigger)
	stageKey    = temporal.NewSearchAttributeKeyKeyword(AttributeStage)
	versionKey  = temporal.NewSearchAttributeKeyInt64(AttributeModelVersion)
	verdictKey  = temporal.NewSearchAttributeKeyKeyword(AttributeVerdict)
)

// journal tells people how a run goes: the progress query, the Web UI's current details and the stage search attribute.
type journal struct {
	Progress
}

// begin marks a step as running, adding it where the plan did not foresee it.
func (j *journal) begin(ctx workflow.Context, name, stage string) {
	j.Stage = stage
	j.set(name, StepRunning, "")
	j.publish(ctx)
	_ = workflow.UpsertTypedSearchAttributes(ctx, stageKey.ValueSet(name))
}

// end marks a step with how it ended and a sentence about it.
func (j *journal) end(ctx workflow.Context, name string, state StepState, detail string) {
	j.set(name, state, detail)
	j.publish(ctx)
}

func (j *journal) set(name string, state StepState, detail string) {
	for i := range j.Steps {
		if j.Steps[i].Name == name {
			j.Steps[i].State, j.Steps[i].Detail = state, detail
			return
		}
	}
	j.Steps = append(j.Steps, ProgressStep{Name: name, State: state, Detail: detail})
}

// publish writes the steps as the Markdown table that the Web UI shows while a run is open and after.
func (j *journal) publish(ctx workflow.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n| step | state | |\n|---|---|---|\n", j.Stage)
	for _, step := range j.Steps {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", step.Name, step.State, strings.ReplaceAll(step.Detail, "|", "\\|"))
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// finish publishes the verdict.
func (j *journal) finish(ctx workflow.Context, result Result) {
	j.Verdict = result.Verdict
	j.Stage = string(result.Verdict)
	if len(result.Reasons) > 0 {
		j.Stage += ": " + strings.Join(result.Reasons, "; ")
	}
	j.publish(ctx)
	_ = workflow.UpsertTypedSearchAttributes(ctx, verdictKey.ValueSet(string(result.Verdict)))
}
