package workflows

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Rollback gives all traffic back to an earlier champion, within seconds, and lets Terraform follow. `loanops rollback` does the first part without
// a worker, and starts this for the second.
func Rollback(ctx workflow.Context, input RollbackInput) (Result, error) {
	if input.Model == "" {
		return Result{}, usage(`"model" is missing; give {"model":"loan-eligibility","reason":"why"}`)
	}
	if err := checkTexts("actor", input.Actor, "reason", input.Reason, "cause", input.Cause); err != nil {
		return Result{}, err
	}
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	input.Actor = cmp.Or(input.Actor, "operator")
	input.Reason = cmp.Or(input.Reason, "asked for by an operator")
	if input.Adopt > 0 {
		r := newRun(activities.Deliver, input.Model, input.Trigger, ofRollback, activities.FindRollback.Name, activities.AdoptRecord.Name)
		return r.execute(ctx, func(ctx workflow.Context) (Result, error) { return r.adopt(ctx, input.Adopt) })
	}
	ends := ofRollback
	if input.Trigger == registry.ByMonitor {
		ends = ofLooksRollback
	}
	r := newRun(activities.Deliver, input.Model, input.Trigger, ends, activities.ChooseRollback.Name, activities.RollBack.Name, activities.AdoptRecord.Name)
	r.cause = input.Cause
	return r.execute(ctx, func(ctx workflow.Context) (Result, error) { return r.rollBack(ctx, input) })
}

// rollBack chooses once and then sees it through: a record that is written, by whichever try, is followed.
func (r *run) rollBack(ctx workflow.Context, input RollbackInput) (Result, error) {
	chosen, err := insist(ctx, r, activities.ChooseRollback, "choosing the version to go back to",
		activities.ChooseRollbackInput{Model: input.Model, Wanted: input.Wanted, After: input.After}, inVain...)
	if err == nil {
		err = ctx.Err() // somebody's abort may have come together with the answer
	}
	if err != nil {
		return Result{}, err
	}
	r.concerns(ctx, chosen.Target.Version, chosen.Target.Digest)
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	r.committed = "the rollback is being recorded; traffic is then made to follow"
	done, err := insist(last, r, activities.RollBack, "rolling back", activities.RollBackInput{
		Model: input.Model, Target: chosen.Target, After: input.After, Author: serving.Author{
			Writer: writer(ctx), Actor: input.Actor, Reason: input.Reason, Operation: workflow.GetInfo(ctx).WorkflowExecution.RunID,
		},
	}, inVain...)
	if input.After == 0 && failedWith(err, fault.Overtaken) { // it was recorded, and its reply lost
		return r.followNewest(last, 0)
	}
	if err != nil {
		return Result{}, err
	}
	err = r.settle(last, activities.FollowInput{Model: input.Model, Generation: done.Generation}, done.Pending == "")
	if failedWith(err, fault.Overtaken) {
		return r.followNewest(last, done.Generation)
	}
	return r.result(RolledBack, done.Done), err
}

// adopt makes production follow a rollback that was recorded elsewhere.
func (r *run) adopt(ctx workflow.Context, generation int64) (Result, error) {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	r.committed = "the rollback is recorded; traffic is made to follow"
	return r.followNewest(last, generation)
}

// followNewest makes production follow the rollback of that generation, or the one that was recorded since: one run at a time follows a model's
// rollbacks, whichever it was started for. Any other record is followed by who wrote it.
func (r *run) followNewest(ctx workflow.Context, generation int64) (Result, error) {
	for {
		found, err := insist(ctx, r, activities.FindRollback, "finding the rollback that is to be followed",
			activities.FindRollbackInput{Model: r.Pipeline, Generation: generation}, inVain...)
		if err != nil {
			return Result{}, err
		}
		r.concerns(ctx, found.Version, found.Digest)
		err = r.settle(ctx, activities.FollowInput{Model: r.Pipeline, Generation: found.Generation}, false)
		if !failedWith(err, fault.Overtaken) {
			return r.result(RolledBack, fmt.Sprintf("production follows generation %d: version %d is champion", found.Generation, found.Version)), err
		}
	}
}
