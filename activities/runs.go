package activities

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/history"
	"github.com/loanops/loanops/internal/registry"
)

// Histories reads workflow histories, see client.Client.
type Histories interface {
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator
}

// Runs keeps what workflows did.
type Runs struct {
	Registry  registry.Registry
	Histories Histories
}

// Record writes a run with its steps as the workflow's own history tells them.
func (r *Runs) Record(ctx context.Context, in RunInput) (bool, error) {
	events := r.Histories.GetWorkflowHistory(ctx, in.Run.WorkflowID, in.Run.ID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	steps, err := history.Steps(events)
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, err, "reading the history of %s", in.Run.WorkflowID)
	}
	in.Run.Steps = steps[:0]
	for _, step := range steps {
		if step.Name != RecordRun {
			in.Run.Steps = append(in.Run.Steps, step)
		}
	}
	err = r.Registry.PutRun(ctx, in.Run)
	return err == nil, err
}
