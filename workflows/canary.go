package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// canary gives the challenger copies of production's requests and then a growing share of them, judged all the time, and makes it
// champion. Whatever ends it early (a failed analysis, a fault, the abort update, a cancellation), the champion takes all traffic again; whoever
// took over has seen to that.
func (d *delivery) canary(ctx workflow.Context) (Result, error) {
	d.status = canary.Start(d.resolved.Canary)
	reasons, err := d.observe(ctx)
	if failedWith(err, fault.Overtaken) {
		return Result{}, err
	}
	if err == nil && len(reasons) == 0 && d.input.Drill != "" {
		reasons = []string{fmt.Sprintf("the drill was not noticed: every canary step passed although version %d runs under %s", d.Model.Version, d.input.Drill)}
	}
	if err == nil && len(reasons) == 0 {
		return d.promoteAndBake(ctx)
	}
	result, err := d.stopped(err, "the canary could not go on", reasons)
	if abortErr := d.giveUp(ctx, result.Reasons); abortErr != nil {
		return Result{}, abortErr
	}
	return result, err
}

// stopped is how a run ends whose candidate is to be taken away: aborted for reasons, or because somebody asked for that, else failed by err.
func (d *delivery) stopped(err error, what string, reasons []string) (Result, error) {
	switch {
	case err == nil:
		result := d.result(Aborted, reasons...)
		result.FoundBy = d.status.Ended
		return result, nil
	case temporal.IsCanceledError(err):
		return d.result(Aborted, d.whyAborted()), nil
	}
	return d.result(Aborted, what+": "+cause(err)), err
}

// observe walks through the mirror and the steps, or through the bake. Reasons say why the canary must be aborted; none means that all has passed.
func (d *delivery) observe(ctx workflow.Context) ([]string, error) {
	for d.status.Observing() {
		if d.status.Phase != canary.Baking && (d.CanaryWeight != d.status.Weight || !d.shared) {
			if err := d.weigh(ctx, d.status.Weight); err != nil {
				return nil, err
			}
		}
		seen, err := d.analyse(ctx)
		if err != nil {
			return nil, err
		}
		before := d.status
		var verdict canary.Verdict
		var reasons []string
		d.status, verdict, reasons = canary.Decide(d.resolved.Canary, d.prediction, before, seen.Observation)
		d.end(ctx, activities.AnalyseCanary.Name, StepDone, fmt.Sprintf("%s: %s, %s", phase(before), verdict, strings.Join(reasons, "; ")))
		if err := d.keepCheck(ctx, before, seen.Observation, verdict, reasons); err != nil {
			return nil, err
		}
		if d.status.Phase == canary.Aborted {
			return reasons, nil
		}
	}
	return nil, ctx.Err() // somebody's abort may have come together with the last answer
}

// analyse observes for a window. While the gateway or the database is away nothing is known for or against the challenger: it waits.
func (d *delivery) analyse(ctx workflow.Context) (activities.CanaryOutput, error) {
	for n := 0; ; n++ {
		seen, err := do(ctx, &d.run, activities.AnalyseCanary, d.observing(), activities.CanaryInput{
			Candidate: d.resolved.Candidate, Champion: *d.resolved.Champion, Weight: d.status.Weight, Generation: d.generation,
			Seconds: canary.Window(d.resolved.Canary, d.prediction, d.status), Window: d.checks + 1,
			Enough: canary.Enough(d.resolved.Canary, d.prediction, d.status),
		})
		var failure *temporal.ApplicationError
		if err == nil || temporal.IsCanceledError(err) || errors.As(err, &failure) && failure.NonRetryable() {
			return seen, err
		}
		if err := d.sleep(ctx, waiting(d.observing(), err), n, err); err != nil {
			return seen, err
		}
	}
}

// observing says what the next analysis looks at.
func (d *delivery) observing() string { return "observing the canary: " + phase(d.status) }

// phase is where a canary is, for people.
func phase(s canary.Status) string {
	switch s.Phase {
	case canary.Mirroring:
		return "mirror"
	case canary.Baking:
		return "bake"
	}
	return fmt.Sprintf("%d %%", s.Weight)
}

// weigh gives the challenger its share; without one, copies of requests.
func (d *delivery) weigh(ctx workflow.Context, weight int) error {
	reason := fmt.Sprintf("the canary gets %d %%", weight)
	if weight == 0 {
		reason = "the canary gets copies of requests"
	}
	in := d.change(ctx, fmt.Sprintf("%s/%d", activities.ApplyCanaryWeight.Name, weight), d.meant(reason))
	in.Weight = weight
	taken, err := do(ctx, &d.run, activities.ApplyCanaryWeight, reason, in)
	if err != nil {
		return err
	}
	d.generation, d.CanaryWeight, d.shared = taken.Generation, weight, true
	return nil
}

// keepCheck keeps what an analysis saw and said. While the database is away nothing can be changed in production: it waits.
func (d *delivery) keepCheck(ctx workflow.Context, at canary.Status, seen canary.Observation, verdict canary.Verdict, reasons []string) error {
	tracks, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	d.checks++
	_, err = insist(ctx, &d.run, activities.RecordCanaryCheck, "keeping the canary's verdict", activities.CheckInput{Check: registry.CanaryCheck{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Seq: d.checks, Model: d.Model.Name, Version: d.Model.Version, Phase: string(at.Phase),
		Weight: at.Weight, At: workflow.Now(ctx), Tracks: tracks, Verdict: string(verdict), Reasons: reasons,
	}}, inVain...)
	return err
}

// promote makes the challenger champion: in the record first, which waits without end for the database, then in production. The old
// champion keeps running without traffic. Nothing cancels this: a rollback is for what is regretted.
func (d *delivery) promote(ctx workflow.Context, verdict Verdict, reason string) (Result, error) {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	d.committed = fmt.Sprintf("version %d is being promoted; roll back when it has ended", d.Model.Version)
	taken, err := insist(last, &d.run, activities.PromoteModel, "making it champion", d.change(ctx, activities.PromoteModel.Name, d.meant(reason)), inVain...)
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

// promoteAndBake makes the challenger champion and goes on judging it while the old champion is warm in its slot. What fails then gives traffic
// back as a rollback does.
func (d *delivery) promoteAndBake(ctx workflow.Context) (Result, error) {
	reason := "every canary step passed"
	if d.status.OnSynthetic {
		reason += ", on synthetic requests where clients were too few"
	}
	result, err := d.promote(ctx, Promoted, reason)
	if err != nil {
		return result, err
	}
	d.status = d.status.Bake(d.resolved.Canary)
	d.committed = "" // from here on it can be aborted again
	reasons, err := d.observe(ctx)
	if failedWith(err, fault.Overtaken) {
		return Result{}, err
	}
	if err == nil && len(reasons) == 0 {
		return result, nil
	}
	result, err = d.stopped(err, "the bake could not go on", reasons)
	if backErr := d.giveBack(ctx, result.Reasons); backErr != nil {
		return Result{}, backErr
	}
	return result, err
}

// giveBack gives all traffic back to the champion of before, by the primitive of every rollback. It runs even when the run was cancelled.
func (d *delivery) giveBack(ctx workflow.Context, reasons []string) error {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	d.committed = "traffic is being given back to the champion of before"
	author := d.change(ctx, activities.RollBack.Name, strings.Join(reasons, "; ")).Author
	done, err := insist(last, &d.run, activities.RollBack, "giving all traffic back to the champion of before", activities.RollBackInput{
		Model: d.input.Model, Target: shift.Target{Track: *d.resolved.Champion, Digest: d.resolved.ChampionDigest}, After: d.generation, Down: true, Author: author,
	}, inVain...)
	if err != nil {
		return err
	}
	d.generation = done.Generation
	return d.settle(last, d.follow(), done.Pending == "")
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
