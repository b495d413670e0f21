package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/registry"
)

var (
	pipelineKey = temporal.NewSearchAttributeKeyKeyword("LoanOpsPipeline")
	triggerKey  = activities.TriggerKey
	stageKey    = temporal.NewSearchAttributeKeyKeyword("LoanOpsStage")
	versionKey  = temporal.NewSearchAttributeKeyInt64("LoanOpsModelVersion")
	verdictKey  = temporal.NewSearchAttributeKeyKeyword("LoanOpsVerdict")
)

// SearchAttributes are what operators filter runs by in the Web UI, with their types: a namespace must have all of them.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{pipelineKey, triggerKey, stageKey, versionKey, verdictKey}
}

// About are the search attributes of what works on a pipeline, and why.
func About(pipeline string, trigger registry.Trigger) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(pipelineKey.ValueSet(pipeline), triggerKey.ValueSet(string(trigger)))
}
