package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/serving"
)

// stepOf is the attempt at a step that ctx belongs to.
func stepOf(ctx context.Context) terraform.Step {
	if !activity.IsActivity(ctx) {
		return terraform.Step{}
	}
	info := activity.GetInfo(ctx)
	run := info.WorkflowExecution
	return terraform.Step{Workflow: run.ID, Run: run.RunID, Activity: info.ActivityID, Attempt: info.Attempt}
}

// breakLock takes a lock away that a dead worker left, and returns the record under which it may be done: a newer one than the
// holder followed. A person's lock and that of a step that may still be at work stand.
func (e *Environments) breakLock(ctx context.Context, record serving.Record, locked *terraform.LockedError) (serving.Record, error) {
	holder := locked.Lock.Holder
	if holder == nil {
		return record, locked
	}
	gone, err := e.Gone(ctx, holder.Step)
	if err != nil {
		return record, err
	}
	if !gone {
		return record, locked
	}
	if record.Generation <= holder.Generation {
		renewed, err := e.Registry.TakeGeneration(ctx, record.Renew(locked.Lock.ID))
		if err != nil {
			return record, e.overtaken(ctx, record, err)
		}
		record = renewed
	}
	say(ctx, "breaking the lock of "+holder.Workflow+"/"+holder.Run)
	return record, e.Workspace(record.Pipeline, record.Environment, stepOf(ctx)).BreakLock(ctx, locked.Lock)
}

// isNewest reports whether newest is the record of that generation, or but a renewal of it.
func isNewest(ctx context.Context, reg serving.Records, newest serving.Record, generation int64) (bool, error) {
	if newest.Generation <= generation || generation < 1 {
		return newest.Generation == generation, nil
	}
	history, err := reg.ServingHistory(ctx, newest.Pipeline, newest.Environment)
	if err != nil {
		return false, err
	}
	return newest.DoneBy(history[generation-1].Operation), nil
}
