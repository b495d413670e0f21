package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/namespace"
	"github.com/loanops/loanops/internal/prune"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/store/featuredb"
)

func (a *app) pruneCommand() *cobra.Command {
	var age string
	var really bool
	c := &cobra.Command{
		Use: "prune", Short: "Remove objects that nothing needs any more; without --delete, say which", Args: between(0, 0),
		Example: "  loanops prune --older-than 90d\n  loanops prune --older-than 90d --delete --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			limit, err := parseAge(age)
			if err != nil {
				return err
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
			temporal, name, err := dialNamed(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			here, err := namespace.Describe(ctx, temporal.WorkflowService(), name)
			if err != nil {
				return err
			}
			features, err := prunedFeatures(ctx, s)
			if err != nil {
				return err
			}
			pruner := prune.Pruner{Registry: reg, Objects: store, Namespace: here.ID, Before: time.Now().UTC().Add(-limit)}
			if features != nil {
				defer features.Close()
				pruner.Features = features
			}
			pruner.Open = func(ctx context.Context) (prune.Open, error) { return openRuns(ctx, temporal) }
			done, err := pruner.Run(ctx, really)
			if err != nil {
				return err
			}
			return a.print(done, func() { a.describePruned(done) })
		},
	}
	c.Flags().StringVar(&age, "older-than", "", "`age` from which objects may go, such as 90d; at least 1d")
	c.Flags().BoolVar(&really, "delete", false, "remove them")
	_ = c.MarkFlagRequired("older-than")
	return c
}

// prunedFeatures is the feature database, nil where none is named. One that is named and not there is fault.NotFound: what it would say is needed is not known.
func prunedFeatures(ctx context.Context, s settings.Settings) (feature.Store, error) {
	if s.FeaturesDatabase == "" {
		return nil, nil
	}
	return featuredb.OpenExisting(ctx, s.FeaturesDatabase)
}

// parseAge reads a number of days or a duration.
func parseAge(text string) (time.Duration, error) {
	age, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		n = min(n, 36_500) // a century: more of them are no duration
		age = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || age < prune.LeastAge {
		return 0, fault.New(fault.Invalid, "--older-than is %q; an age of at least 1d is wanted, such as 90d or 36h", text)
	}
	return age, nil
}

func (a *app) describePruned(p prune.Result) {
	said, hint := "would be removed", "; with --delete it is done"
	if p.Deleted {
		said, hint = "are removed", ""
	}
	fmt.Fprintf(a.out, "%d objects of %d bytes from before %s %s, and %d cached steps%s\n", p.Total.Objects, p.Total.Bytes, p.Before.Format(timeLayout), said, p.CachedSteps, hint)
	a.countTable("KIND", p.Objects)
	a.countTable("KEPT FOR", p.Kept)
	fmt.Fprintf(a.out, "\n%d other objects of the bucket are left alone\n", p.Others)
}

func (a *app) countTable(title string, counts map[string]retention.Count) {
	if len(counts) == 0 {
		return
	}
	rows := [][]string{{title, "OBJECTS", "BYTES"}}
	for _, name := range sortedKeys(counts) {
		rows = append(rows, []string{name, strconv.Itoa(counts[name].Objects), strconv.FormatInt(counts[name].Bytes, 10)})
	}
	fmt.Fprintln(a.out)
	a.table(rows)
}
