package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/swapset"
)

// policyDiff is what another policy would do to the champion's decisions.
type policyDiff struct {
	Model   string `json:"model"`
	Version int    `json:"version"` // the champion's
	From    string `json:"from"`    // digest of the champion's policy
	To      string `json:"to"`      // digest of the file's
	// Cutoff is null where it stays.
	Cutoff *cutoffChange `json:"cutoff"`
	// Reasons are the fields whose texts differ, in order.
	Reasons []reasonChange `json:"reasons"`
	// Rows are the newest labelled ones that both decided.
	Rows int `json:"rows"`
	// LeftOut are those that the champion would refuse.
	LeftOut        int     `json:"left_out"`
	ApprovedBefore int     `json:"approved_before"`
	ApprovedAfter  int     `json:"approved_after"`
	ToApprove      int     `json:"to_approve"` // declined now, approved then
	ToDecline      int     `json:"to_decline"`
	Share          float64 `json:"changed_share"`
}

type cutoffChange struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

type reasonChange struct {
	Field string `json:"field"`
	From  string `json:"from"` // empty: the field's name is given
	To    string `json:"to"`
}

func (a *app) policyDiffCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "diff MODEL --pipeline FILE", Short: "Count the decisions that the policy in a spec file would change", Args: between(1, 1),
		Long: `diff decides the newest labelled rows as the champion does, under its own policy and under that of
the file, and counts how many verdicts would change, and which way. Nothing is registered.`,
		Example: "  loanops policy diff loan-eligibility --pipeline pipelines/loan-eligibility.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			data, err := readSpec(file)
			if err != nil {
				return err
			}
			spec, err := pipeline.Parse(file, data)
			if err != nil {
				return err
			}
			if spec.Name != args[0] {
				return fault.New(fault.Invalid, "%s is the spec of %s, not of %s", file, spec.Name, args[0])
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			store, err := objects(ctx, s)
			if err != nil {
				return err
			}
			diff, err := diffPolicy(ctx, reg, store, args[0], decision.PolicyOf(spec))
			if err != nil {
				return err
			}
			return a.print(diff, func() { a.describeDiff(diff) })
		},
	}
	c.Flags().StringVar(&file, "pipeline", "", "the spec `file` whose policy is compared")
	_ = c.MarkFlagRequired("pipeline")
	return c
}

// diffPolicy decides the test part of the newest version as the champion does, under both policies.
func diffPolicy(ctx context.Context, reg registry.Registry, store *artifact.Store, name string, to decision.Policy) (policyDiff, error) {
	serves, err := reg.Serving(ctx, name, serving.Production)
	if err != nil {
		return policyDiff{}, err
	}
	if serves.Champion == nil {
		return policyDiff{}, fault.New(fault.NotFound, "%s has no champion yet: there are no decisions that a policy could change", name)
	}
	registered, err := reg.Policy(ctx, name, serves.Champion.Policy)
	if err != nil {
		return policyDiff{}, err
	}
	from, err := registered.Read()
	if err != nil {
		return policyDiff{}, err
	}
	champion, err := reg.Version(ctx, name, serves.Champion.Version)
	if err != nil {
		return policyDiff{}, err
	}
	versions, err := reg.Versions(ctx, name)
	if err != nil {
		return policyDiff{}, err
	}
	bundle, err := store.Get(ctx, champion.Bundle)
	if err != nil {
		return policyDiff{}, err
	}
	m, err := model.Decode(bundle, champion.Digest)
	if err != nil {
		return policyDiff{}, err
	}
	rows, err := activities.ReadTable(ctx, store, versions[0].Artifacts[artifact.Test])
	if err != nil {
		return policyDiff{}, err
	}
	diff := policyDiff{Model: name, Version: champion.Version, From: registered.Digest, To: to.Digest(), Reasons: changedReasons(from.Reasons, to.Reasons)}
	if from.Cutoff != to.Cutoff {
		diff.Cutoff = &cutoffChange{from.Cutoff, to.Cutoff}
	}
	now := decision.Decider{Model: m, Meaning: champion.Meaning, Policy: from}
	then := now
	then.Policy = to
	decided, before, after, err := scoring.Both(rows, now, then)
	if err != nil {
		return policyDiff{}, err
	}
	diff.LeftOut = rows.Rows() - decided.Rows()
	err = diff.count(before, after)
	return diff, err
}

// count counts verdicts on the same rows.
func (d *policyDiff) count(before, after []decision.Decision) error {
	swapped, err := swapset.Compare(swapset.Rows{}, before, after)
	if err != nil {
		return err
	}
	d.Rows, d.ApprovedBefore, d.ApprovedAfter = swapped.Rows, swapped.Champion.Approved.Count, swapped.Challenger.Approved.Count
	d.ToApprove, d.ToDecline = swapped.SwappedIn.Rows.Count, swapped.SwappedOut.Rows.Count
	d.Share = float64(d.ToApprove+d.ToDecline) / float64(max(d.Rows, 1))
	return nil
}

func changedReasons(from, to map[string]string) []reasonChange {
	changes := []reasonChange{}
	for _, field := range sortedKeys(from) {
		if to[field] != from[field] {
			changes = append(changes, reasonChange{field, from[field], to[field]})
		}
	}
	for _, field := range sortedKeys(to) {
		if from[field] == "" {
			changes = append(changes, reasonChange{field, "", to[field]})
		}
	}
	slices.SortFunc(changes, func(a, b reasonChange) int { return cmp.Compare(a.Field, b.Field) })
	return changes
}

func (a *app) describeDiff(d policyDiff) {
	fmt.Fprintf(a.out, "%s version %d\npolicy %.12s to %.12s\n", d.Model, d.Version, d.From, d.To)
	if d.From == d.To {
		fmt.Fprintln(a.out, "the policies are the same")
		return
	}
	if d.Cutoff != nil {
		fmt.Fprintf(a.out, "cutoff %v to %v\n", d.Cutoff.From, d.Cutoff.To)
	}
	fmt.Fprintf(a.out, "\n%d of the %d newest labelled rows would be decided otherwise (%.1f %%):\n  %d declined now would be approved\n  %d approved now would be declined\napproved: %d now, %d then\n",
		d.ToApprove+d.ToDecline, d.Rows, 100*d.Share, d.ToApprove, d.ToDecline, d.ApprovedBefore, d.ApprovedAfter)
	if d.LeftOut > 0 {
		fmt.Fprintf(a.out, "%d rows that the champion would refuse are left out\n", d.LeftOut)
	}
	if len(d.Reasons) > 0 {
		fmt.Fprintln(a.out)
		table := [][]string{{"FIELD", "REASON NOW", "REASON THEN"}}
		for _, change := range d.Reasons {
			table = append(table, []string{change.Field, change.From, change.To})
		}
		a.table(table)
	}
}
