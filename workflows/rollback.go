package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/serving"
)

// Rollback gives all traffic back to an earlier champion, within seconds, and lets Terraform follow. `loanops rollback` does the first part without
// a worker, and starts this for the second.
func Rollback(ctx workflow.Context, input RollbackInput) (Result, error) {
	if input.Model == "" {
		return Result{}, usage(`"model" is missing; give {"model":"loan-eligibility","reason":"why"}`)
	}
	input.Actor = defaultTo(input.Actor, "operator")
	input.Reason = defaultTo(input.Reason, "asked for by an operator")
	r := newRun(activities.Deliver, input.Model, "manual", activities.RollBack.Name, activities.AdoptRecord.Name)
	return r.play(ctx, func(ctx workflow.Context) (Result, error) {
		if input.Adopt > 0 {
			return r.adopt(ctx, input.Adopt)
		}
		execution := workflow.GetInfo(ctx).WorkflowExecution
		done, err := insist(ctx, &r, activities.RollBack, "rolling back", activities.RollBackInput{
			Model: input.Model, Version: input.Version, Author: serving.Author{
				Writer: execution.ID + "/" + execution.RunID, Actor: input.Actor, Reason: input.Reason, Operation: execution.RunID,
			},
		})
		if err != nil {
			return Result{}, err
		}
		r.concerns(ctx, done.To, done.Digest)
		last, release := workflow.NewDisconnectedContext(ctx)
		defer release()
		r.committed = "the rollback is recorded; traffic is made to follow"
		err = r.settle(last, activities.FollowInput{Model: input.Model, Generation: done.Generation}, done.Pending == "")
		return r.result(RolledBack, done.Done), err
	})
}

// adopt makes production follow a rollback that was recorded elsewhere.
func (r *run) adopt(ctx workflow.Context, generation int64) (Result, error) {
	r.set(activities.RollBack.Name, StepSkipped, fmt.Sprintf("recorded already as generation %d", generation))
	err := r.settle(ctx, activities.FollowInput{Model: r.Pipeline, Generation: generation}, false)
	return r.result(RolledBack, fmt.Sprintf("production follows generation %d", generation)), err
}
