// Package workflows holds the durable DAGs. A workflow decides; activities do the I/O; domain packages compute.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Register adds every workflow under its pinned name.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(ContinuousTraining, workflow.RegisterOptions{Name: ContinuousTrainingName})
	r.RegisterWorkflowWithOptions(ContinuousDelivery, workflow.RegisterOptions{Name: ContinuousDeliveryName})
	r.RegisterWorkflowWithOptions(Rollback, workflow.RegisterOptions{Name: RollbackName})
	r.RegisterWorkflowWithOptions(Monitor, workflow.RegisterOptions{Name: MonitorName})
	r.RegisterWorkflowWithOptions(Trigger, workflow.RegisterOptions{Name: TriggerName})
	r.RegisterWorkflowWithOptions(Alert, workflow.RegisterOptions{Name: AlertName})
	r.RegisterWorkflowWithOptions(Cadence, workflow.RegisterOptions{Name: CadenceName})
	r.RegisterWorkflowWithOptions(Evaluation, workflow.RegisterOptions{Name: EvaluationName})
}
