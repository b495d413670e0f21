package workflows

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// canary gives the challenger a growing share of production, judged between the steps. Whatever ends it early (a failed
// analysis, a fault, the abort update, a cancellation), the champion takes all traffic again; whoever took over has seen to that.
func (d *delivery) canary(ctx workflow.Context) (Result, error) {
	reasons, err := d.observe(ctx)
	if failedWith(err, fault.Overtaken) {
		return Result{}, err
	}
	if err == nil {
		err = ctx.Err() // somebody's abort may have come together with the last step's answer
	}
	if err == nil && len(reasons) == 0 && d.input.Drill != "" {
		reasons = []string{fmt.Sprintf("the drill was not noticed: every canary step passed although version %d runs under %s", d.Model.Version, d.input.Drill)}
	}
	if err == nil && len(reasons) == 0 {
		return d.promote(ctx, Promoted, "every canary step passed")
	}
	result := d.result(Aborted, reasons...)
	if err != nil {
		result, err = d.interrupted(err, "the canary could not go on")
	}
	if abortErr := d.giveUp(ctx, result.Reasons); abortErr != nil {
		return Result{}, abortErr
	}
	return result, err
}

// interrupted is how a run ends whose candidate is to be taken away since err: aborted where somebody asked for that, else failed.
func (d *delivery) interrupted(err error, what string) (Result, error) {
	if temporal.IsCanceledError(err) {
		return d.result(Aborted, d.whyAborted()), nil
	}
	return d.result(Aborted, what+": "+cause(err)), err
}

// observe walks through the steps. Reasons say why the canary must be aborted; none means that all steps passed.
func (d *delivery) observe(ctx workflow.Context) ([]string, error) {
	cfg := d.resolved.Canary
	status := canary.Start(cfg)
	for seq := 1; status.Phase == canary.Progressing; seq++ {
		if d.CanaryWeight != status.Weight {
			if err := d.weigh(ctx, status.Weight); err != nil {
				return nil, err
			}
		}
		seen, err := do(ctx, &d.run, activities.AnalyseCanary, fmt.Sprintf("observing the canary at %d %%", d.CanaryWeight), activities.CanaryInput{
			Candidate: d.resolved.Candidate, Champion: *d.resolved.Champion, Weight: d.CanaryWeight, Generation: d.generation,
		})
		if err != nil {
			return nil, err
		}
		var verdict canary.Verdict
		var reasons []string
		status, verdict, reasons = canary.Decide(cfg, status, seen.Observation)
		d.end(ctx, activities.AnalyseCanary.Name, StepDone, fmt.Sprintf("%d %%: %s, %s", d.CanaryWeight, verdict, strings.Join(reasons, "; ")))
		if err := d.keepCheck(ctx, seq, seen.Observation, verdict, reasons); err != nil {
			return nil, err
		}
		if status.Phase == canary.Aborted {
			return reasons, nil
		}
	}
	return nil, nil
}

// weigh gives the challenger its share.
func (d *delivery) weigh(ctx workflow.Context, weight int) error {
	in := d.change(ctx, fmt.Sprintf("%s/%d", activities.ApplyCanaryWeight.Name, weight), fmt.Sprintf("the canary gets %d %%", weight))
	in.Weight = weight
	taken, err := do(ctx, &d.run, activities.ApplyCanaryWeight, in.Reason, in)
	if err != nil {
		return err
	}
	d.generation, d.CanaryWeight = taken.Generation, weight
	return nil
}

// keepCheck keeps what an analysis saw and said. While the database is away nothing can be changed in production: it waits.
func (d *delivery) keepCheck(ctx workflow.Context, seq int, seen canary.Observation, verdict canary.Verdict, reasons []string) error {
	tracks, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	_, err = insist(ctx, &d.run, activities.RecordCanaryCheck, "keeping the canary's verdict", activities.CheckInput{Check: registry.CanaryCheck{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Seq: seq, Model: d.Model.Name, Version: d.Model.Version,
		Weight: d.CanaryWeight, At: workflow.Now(ctx), Tracks: tracks, Verdict: string(verdict), Reasons: reasons,
	}}, inVain...)
	return err
}

// promote makes the challenger champion: in the record first, which waits without end for the database, then in production. The old
// champion keeps running without traffic. Nothing cancels this: a rollback is for what is regretted.
func (d *delivery) promote(ctx workflow.Context, verdict Verdict, reason string) (Result, error) {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	d.committed = fmt.Sprintf("version %d is being promoted; roll back when it has ended", d.Model.Version)
	taken, err := insist(last, &d.run, activities.PromoteModel, "making it champion", d.change(ctx, activities.PromoteModel.Name, reason), inVain...)
	if err != nil {
		return Result{}, err
	}
	d.generation, d.CanaryWeight = taken.Generation, 0
	// Terraform moves the traffic of a delivery; where it cannot, the agent does, and Terraform follows when it can.
	_, err = do(last, &d.run, activities.AdoptRecord, "giving the champion all traffic", d.follow())
	if err != nil && !failedWith(err, fault.Overtaken) {
		err = d.settle(last, d.follow(), false)
	}
	return d.result(verdict, reason), err
}

// giveUp takes the candidate away and gives all traffic to the champion, where there is one. It runs even when the run was cancelled.
func (d *delivery) giveUp(ctx workflow.Context, reasons []string) error {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	in := d.change(ctx, activities.AbortCanary.Name, strings.Join(reasons, "; "))
	in.Ours = true
	taken, err := insist(last, &d.run, activities.AbortCanary, "giving all traffic back to the champion", in, inVain...)
	if err != nil {
		return err
	}
	d.generation, d.CanaryWeight = taken.Generation, 0
	return d.settle(last, d.follow(), taken.Pending == "")
}
