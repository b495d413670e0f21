package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

func (a *app) monitorStartCommand() *cobra.Command {
	var input workflows.MonitorInput
	var wait bool
	c := &cobra.Command{
		Use: "start PIPELINE", Short: "Look at what serves, and do what that comes to", Args: between(1, 1),
		Long: `Looks at the rows that are new since the champion was made, or since the last look, and at
outcomes that have matured: schema, drift of features and scores, performance. Champion, previous
and older versions are scored on the same rows. It ends with one verdict.

Exit codes with --wait: 0 nothing, 3 alert, retrain or review, 4 rolled back.`,
		Example: "  loanops monitor start loan-eligibility --wait\n  loanops monitor start loan-eligibility --as-of 2026-06-30 --wait --output json\n  loanops monitor start loans --data batch2005.csv --wait",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if err := pipeline.CheckDay("--as-of", input.AsOf); err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			input.Pipeline = args[0]
			if input.Data, input.Uploads, err = a.bring(ctx, s, reg, input.Pipeline, input.Data, input.AsOf); err != nil {
				return err
			}
			_, err = a.startRun(ctx, s, workflows.MonitorID(input.Pipeline), workflows.MonitorName, "look at "+input.Pipeline, input, wait)
			return err
		},
	}
	c.Flags().StringVar(&input.AsOf, "as-of", "", "look at what was known on that `day`, such as 2026-03-31")
	c.Flags().StringVar(&input.Data, "data", "", "`uri` of rows to look at instead: files or s3://bucket/key")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, with progress")
	return c
}

func (a *app) monitorListCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "list PIPELINE", Short: "List looks with their verdicts, newest first", Args: between(1, 1),
		Example: "  loanops monitor list loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			looks, err := reg.Looks(c.Context(), args[0], limit)
			if err == nil && len(looks) == 0 { // of one that there is
				_, err = reg.Pipeline(c.Context(), args[0])
			}
			if err != nil {
				return err
			}
			rows := [][]string{{"AT", "AS OF", "ROWS", "MATURED", "CHAMPION", "VERDICT", "WHY", "RUN"}}
			for _, l := range looks {
				rows = append(rows, []string{
					l.At.Format(timeLayout), l.AsOf, strconv.FormatInt(l.Rows, 10), strconv.FormatInt(l.Matured, 10), strconv.Itoa(l.Champion), string(l.Verdict),
					shortened(l.Reasons), l.RunID,
				})
			}
			return a.print(looks, func() { a.table(rows) })
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "how many")
	return c
}

// shortened is the first reason, as far as a table has room.
func shortened(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	const room = 60
	if text := []rune(reasons[0]); len(text) > room {
		return string(text[:room-1]) + "…"
	}
	return reasons[0]
}

func (a *app) monitorShowCommand() *cobra.Command {
	var save string
	c := &cobra.Command{
		Use: "show PIPELINE [RUN]", Short: "Show one look, by default the newest", Args: between(1, 2),
		Example: "  loanops monitor show loan-eligibility\n  loanops monitor show loan-eligibility --save reports",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			look, err := lookOf(c, reg, args)
			if err != nil {
				return err
			}
			if save != "" {
				artifacts, err := reg.RunArtifacts(ctx, look.RunID)
				if err != nil {
					return err
				}
				if err := a.save(ctx, s, artifacts, save); err != nil {
					return err
				}
			}
			return a.print(look, func() { a.describeLook(look) })
		},
	}
	c.Flags().StringVar(&save, "save", "", "`folder` to save the look's page and data to")
	return c
}

// lookOf is the look that the arguments name: that of a run, or the newest.
func lookOf(c *cobra.Command, reg registry.Registry, args []string) (registry.Look, error) {
	if len(args) > 1 {
		look, err := reg.Look(c.Context(), args[1])
		if fault.CodeOf(err) == fault.NotFound || err == nil && look.Pipeline != args[0] {
			return registry.Look{}, fault.New(fault.NotFound, "%s has no look of the run %s; `loanops monitor list %s` shows those that there are", args[0], args[1], args[0])
		}
		return look, err
	}
	looks, err := reg.Looks(c.Context(), args[0], 1)
	if err != nil {
		return registry.Look{}, err
	}
	if len(looks) == 0 {
		return registry.Look{}, fault.New(fault.NotFound, "nobody has looked at %s yet: loanops monitor start %s", args[0], args[0])
	}
	return looks[0], nil
}

func (a *app) describeLook(l registry.Look) {
	fmt.Fprintf(a.out, "%s as of %s: %s\nrows %d after %s, %d with an outcome that is final; champion is version %d\n", l.Pipeline, l.AsOf, l.Verdict, l.Rows, orFirst(l.After), l.Matured, l.Champion)
	for _, reason := range l.Reasons {
		fmt.Fprintln(a.out, "  "+reason)
	}
	if len(l.Findings) == 0 {
		return
	}
	fmt.Fprintln(a.out)
	rows := [][]string{{"KIND", "FEATURE", "SEGMENT", "STATISTIC", "VALUE", "LIMIT", "P", "ROWS"}}
	for _, f := range l.Findings {
		rows = append(rows, []string{
			string(f.Kind), f.Feature, f.Segment, string(f.Statistic), fmt.Sprintf("%.4g", f.Value), fmt.Sprintf("%.4g", f.Limit), probability(f), strconv.FormatInt(f.Rows, 10),
		})
	}
	a.table(rows)
}

func probability(f monitor.Finding) string {
	if f.P == nil {
		return ""
	}
	return fmt.Sprintf("%.2g", *f.P)
}

func orFirst(day string) string {
	if day == "" {
		return "the first"
	}
	return day
}
