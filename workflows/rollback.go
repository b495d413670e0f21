package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
)

// Rollback gives all traffic back to the version before, within seconds. `loanops rollback` does the same without a worker.
func Rollback(ctx workflow.Context, input RollbackInput) (Result, error) {
	if input.Model == "" {
		return Result{}, usage(`"model" is missing; give {"model":"loan-eligibility","reason":"why"}`)
	}
	e := &execution{}
	if err := e.setup(ctx, input.Model, "manual", []string{activities.RollBack}); err != nil {
		return Result{}, err
	}
	return e.recorded(ctx, func(ctx workflow.Context) (Result, error) {
		var done activities.RollBackOutput
		reason := defaultTo(input.Reason, "asked for by an operator")
		err := e.step(ctx, quick, activities.RollBack, "rolling back", activities.RollBackInput{
			Model: input.Model, Version: input.Version, Actor: defaultTo(input.Actor, "operator"), Reason: reason,
			Operation: workflow.GetInfo(ctx).WorkflowExecution.RunID,
		}, &done, func() string { return fmt.Sprintf("from version %d to %d", done.From, done.To) })
		if err != nil {
			return e.result(""), err
		}
		e.Model = ModelRef{Name: input.Model, Version: done.To, Digest: done.Digest}
		return e.result(RolledBack, fmt.Sprintf("from version %d to %d: %s", done.From, done.To, reason)), nil
	})
}
