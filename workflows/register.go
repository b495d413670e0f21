// Package workflows holds the durable DAGs. A workflow decides; activities do the I/O; domain packages compute.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register adds every workflow under its pinned name. A run ends on the build of the workers that it began with, see package workers, but for four that
// wait for long and must not wait for workers that have gone: their runs go on with the build that is current, whose histories are replayed before it
// is. A keeper's training then begins on the current build as well.
func Register(r worker.WorkflowRegistry) {
	for _, w := range []struct {
		name     string
		workflow any
		follows  workflow.VersioningBehavior
	}{
		{ContinuousTrainingName, ContinuousTraining, workflow.VersioningBehaviorPinned},
		{ContinuousDeliveryName, ContinuousDelivery, workflow.VersioningBehaviorPinned},
		{RollbackName, Rollback, workflow.VersioningBehaviorAutoUpgrade},
		{MonitorName, Monitor, workflow.VersioningBehaviorPinned},
		{TriggerName, Trigger, workflow.VersioningBehaviorAutoUpgrade},
		{AlertName, Alert, workflow.VersioningBehaviorAutoUpgrade},
		{EvaluationName, Evaluation, workflow.VersioningBehaviorPinned},
		{CadenceName, Cadence, workflow.VersioningBehaviorPinned},
		{ContinuousIntegrationName, ContinuousIntegration, workflow.VersioningBehaviorPinned},
		{PushName, Push, workflow.VersioningBehaviorAutoUpgrade},
		{TrialName, Trial, workflow.VersioningBehaviorPinned},
		{MaterializeName, Materialize, workflow.VersioningBehaviorPinned},
		{CheckFeaturesName, CheckFeatures, workflow.VersioningBehaviorPinned},
	} {
		r.RegisterWorkflowWithOptions(w.workflow, workflow.RegisterOptions{Name: w.name, VersioningBehavior: w.follows})
	}
}
