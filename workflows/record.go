package workflows

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// writer names the run in the serving record, see serving.Author.
func writer(ctx workflow.Context) string {
	execution := workflow.GetInfo(ctx).WorkflowExecution
	return serving.RunWriter(execution.ID, execution.RunID)
}

// record keeps the run in the registry, with what it finds at this moment (nil: nothing), has people told of what is a change, and returns the
// manifest of its artifacts, once it has ended and made some. It is best effort: a registry that is away must not change how a run ends.
func (r *run) record(ctx workflow.Context, result Result, failure error, status registry.RunStatus, found *activities.Raising) *artifact.Ref {
	info := workflow.GetInfo(ctx)
	row := registry.Run{
		ID: info.WorkflowExecution.RunID, WorkflowID: info.WorkflowExecution.ID, Type: info.WorkflowType.Name,
		Pipeline: r.Pipeline, Trigger: r.trigger, Cause: r.cause, Status: status, StartedAt: info.WorkflowStartTime, Verdict: string(result.Verdict),
	}
	if info.ParentWorkflowExecution != nil {
		row.ParentID = info.ParentWorkflowExecution.RunID
	}
	if status != registry.RunRunning {
		row.EndedAt = workflow.Now(ctx)
		row.Result, _ = json.Marshal(result)
	}
	if failure != nil {
		row.Error = failure.Error()
	}
	recorded, err := call(ctx, activities.RecordRun.On(r.role), "keep the run's record", activities.RunInput{Run: row, Raising: found})
	if err != nil {
		workflow.GetLogger(ctx).Warn("the run's record was not kept", "error", err)
	}
	for _, id := range recorded.Alerts {
		tell(ctx, AlertInput{ID: id, Pipeline: r.Pipeline})
	}
	return recorded.Manifest
}
