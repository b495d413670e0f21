package workflows

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/registry"
)

// canary gives the challenger a growing share of production, judged between the steps. Whatever ends it early (a failed
// analysis, a fault, the abort update, a cancellation), the champion takes all traffic again.
func (d *delivery) canary(ctx workflow.Context) (Result, error) {
	if err := d.moveAliases(ctx, activities.MoveAliases, "naming the challenger", "the canary begins",
		registry.AliasChange{Alias: registry.Challenger, Version: d.Model.Version}); err != nil {
		return d.result(""), err
	}
	reasons, err := d.observe(ctx)
	if err == nil && len(reasons) == 0 {
		return d.promote(ctx)
	}
	if temporal.IsCanceledError(err) {
		reasons, err = []string{d.whyAborted()}, nil
	} else if err != nil {
		reasons = []string{"the canary could not go on: " + cause(err)}
	}
	if abortErr := d.abortCanary(ctx, reasons); abortErr != nil {
		return d.result(""), abortErr
	}
	return d.result(Aborted, reasons...), err
}

// observe walks through the steps and gives the challenger all traffic after the last. Reasons say why the canary must be
// aborted; none means that all steps passed.
func (d *delivery) observe(ctx workflow.Context) ([]string, error) {
	cfg := d.resolved.Spec.Deploy.Canary
	status := canary.Start(cfg)
	applied := -1
	for seq := 1; status.Phase == canary.Progressing; seq++ {
		if applied != status.Weight {
			if err := d.applyWeight(ctx, status.Weight); err != nil {
				return nil, err
			}
			applied = status.Weight
		}
		var seen activities.CanaryOutput
		var verdict canary.Verdict
		var reasons []string
		err := d.step(ctx, long, activities.AnalyseCanary, fmt.Sprintf("observing the canary at %d %%", status.Weight),
			activities.CanaryInput{Spec: d.resolved.Spec, Version: d.resolved.Version, Champion: *d.resolved.Champion, Weight: status.Weight}, &seen,
			func() string {
				status, verdict, reasons = canary.Decide(cfg, status, seen.Observation)
				return fmt.Sprintf("%d %%: %s, %s", applied, verdict, strings.Join(reasons, "; "))
			})
		if err != nil {
			return nil, err
		}
		if err := d.keepCheck(ctx, seq, applied, seen.Observation, verdict, reasons); err != nil {
			return nil, err
		}
		if status.Phase == canary.Aborted {
			return reasons, nil
		}
	}
	return nil, d.applyWeight(ctx, 100)
}

func (d *delivery) applyWeight(ctx workflow.Context, weight int) error {
	var applied activities.ApplyOutput
	return d.step(ctx, long, activities.ApplyCanaryWeight, fmt.Sprintf("giving the canary %d %%", weight),
		d.environment(contract.Production, weight), &applied, func() string {
			d.CanaryWeight = weight
			return fmt.Sprintf("%d %% in slot %s", weight, applied.Slot)
		})
}

func (d *delivery) keepCheck(ctx workflow.Context, seq, weight int, seen canary.Observation, verdict canary.Verdict, reasons []string) error {
	tracks, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	check := registry.CanaryCheck{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Seq: seq, Model: d.Model.Name, Version: d.Model.Version,
		Weight: weight, At: workflow.Now(ctx), Tracks: tracks, Verdict: string(verdict), Reasons: reasons,
	}
	return workflow.ExecuteActivity(quick(ctx, "keep the canary's verdict"), activities.RecordCanaryCheck, activities.CheckInput{Check: check}).Get(ctx, nil)
}

// promote makes the challenger, which has all traffic now, champion. The old champion keeps running with weight 0. Nothing
// cancels this: traffic and registry must agree.
func (d *delivery) promote(ctx workflow.Context) (Result, error) {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	reason := "every canary step passed"
	err := d.moveAliases(last, activities.PromoteModel, "promoting", reason,
		registry.AliasChange{Alias: registry.Champion, Version: d.Model.Version},
		registry.AliasChange{Alias: registry.Previous, Version: d.resolved.Champion.Version},
		registry.AliasChange{Alias: registry.Challenger, Version: 0})
	return d.result(Promoted, reason), err
}

// abortCanary runs even when the workflow was cancelled.
func (d *delivery) abortCanary(ctx workflow.Context, reasons []string) error {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	in := d.environment(contract.Production, 0)
	in.RemoveChallenger = true
	var applied activities.ApplyOutput
	if err := d.step(last, long, activities.AbortCanary, "giving all traffic back to the champion", in, &applied,
		func() string { d.CanaryWeight = 0; return "the champion serves alone" }); err != nil {
		return err
	}
	// The alias is moved under a name of its own, since the operation's ID contains it.
	return d.moveAliases(last, activities.ClearChallenger, "clearing the challenger", strings.Join(reasons, "; "),
		registry.AliasChange{Alias: registry.Challenger, Version: 0})
}
