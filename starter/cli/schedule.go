package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/workflows"
)

// withSchedules does something with the schedules of pipelines.
func (a *app) withSchedules(ctx context.Context, work func(registry.Registry, schedule.Schedules) error) error {
	reg, s, err := a.registry(ctx)
	if err != nil {
		return err
	}
	defer reg.Close()
	temporal, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer temporal.Close()
	return work(reg, schedules(temporal))
}

func (a *app) scheduleSetCommand() *cobra.Command {
	var every, cron, by string
	var monitor bool
	c := &cobra.Command{
		Use: "set PIPELINE", Short: "Say when a pipeline trains by itself, whatever its spec says", Args: between(1, 1),
		Example: "  loanops schedule set loan-eligibility --every 24h\n  loanops schedule set loan-eligibility --cron \"30 4 * * mon-fri\" --monitor",
		RunE: func(c *cobra.Command, args []string) error {
			timing, err := givenTiming(every, cron)
			if err == nil {
				err = approval.CheckText("actor", by)
			}
			if err != nil {
				return err
			}
			return a.withSchedules(c.Context(), func(reg registry.Registry, s schedule.Schedules) error {
				if _, err := reg.Pipeline(c.Context(), args[0]); err != nil {
					return err
				}
				run := runOf(monitor)
				if err := s.Set(c.Context(), args[0], run, timing, by); err != nil {
					return err
				}
				return a.printChanged("set", run.ScheduleID(args[0]))
			})
		},
	}
	c.Flags().StringVar(&every, "every", "", "`interval` such as 24h, which is at midnight UTC, 30m or 10s")
	c.Flags().StringVar(&cron, "cron", "", "cron `expression` of five fields, in UTC, such as \"0 3 * * 1\"")
	c.Flags().BoolVar(&monitor, "monitor", false, "of the monitor, not of retraining")
	c.Flags().StringVar(&by, "actor", actor(), "who sets it, for the record")
	return c
}

// givenTiming is one of --every and --cron.
func givenTiming(every, cron string) (pipeline.Timing, error) {
	switch {
	case every == "" && cron == "", every != "" && cron != "":
		return "", fault.New(fault.Invalid, `when? give --every 24h, or --cron "0 3 * * 1"`)
	case every != "" && pipeline.Timing(every).Interval() == 0:
		return "", fault.New(fault.Invalid, "--every is %q; an interval such as 24h, 30m or 10s is wanted", every)
	case cron != "" && !pipeline.Timing(cron).Cron():
		return "", fault.New(fault.Invalid, `--cron is %q; a cron expression of five fields such as "0 3 * * 1" is wanted`, cron)
	}
	timing := pipeline.Timing(cmp.Or(every, cron))
	return timing, fault.Wrap(fault.Invalid, timing.Check(), "the timing")
}

// runOf is what the schedule starts that a command is about.
func runOf(monitor bool) workflows.Scheduled {
	if monitor {
		return workflows.MonitorRun
	}
	return workflows.TrainingRun
}

func (a *app) scheduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [PIPELINE]", Short: "List schedules: what they start, when they did and will, who paused them", Args: between(0, 1),
		Example: "  loanops schedule list\n  loanops schedule list loan-eligibility --output json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSchedules(c.Context(), func(reg registry.Registry, s schedule.Schedules) error {
				states, err := scheduleStates(c.Context(), reg, s, args)
				if err != nil {
					return err
				}
				rows := [][]string{{"SCHEDULE", "STARTS", "WHEN (UTC)", "LAST", "NEXT", "NOTE"}}
				for _, is := range states {
					rows = append(rows, []string{is.Schedule, string(is.Run), is.Timing, moment(is.Last, "never"), moment(is.Next, map[bool]string{true: "paused", false: "never"}[is.Paused]), is.Note})
				}
				return a.print(states, func() { a.table(rows) })
			})
		},
	}
}

// scheduleStates are those of one pipeline, or of all.
func scheduleStates(ctx context.Context, reg registry.Registry, s schedule.Schedules, named []string) ([]schedule.State, error) {
	if len(named) == 0 {
		specs, err := reg.Pipelines(ctx)
		if err != nil {
			return nil, err
		}
		for _, spec := range specs {
			named = append(named, spec.Name)
		}
	} else if _, err := reg.Pipeline(ctx, named[0]); err != nil {
		return nil, err
	}
	all := []schedule.State{}
	for _, name := range named {
		states, err := s.States(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, states...)
	}
	return all, nil
}

// moment is a time for people, or what there is in place of one.
func moment(at *time.Time, otherwise string) string {
	if at == nil {
		return otherwise
	}
	return at.UTC().Format(timeLayout)
}

func (a *app) schedulePauseCommand() *cobra.Command {
	var reason, by string
	c := &cobra.Command{
		Use: "pause PIPELINE", Short: "Stop a pipeline from training and looking by itself, until it is resumed", Args: between(1, 1),
		Example: "  loanops schedule pause loan-eligibility --reason \"the bureau moves this weekend\"",
		RunE: func(c *cobra.Command, args []string) error {
			note := "paused by " + by
			if reason = strings.TrimSpace(reason); reason != "" {
				note += ": " + reason
			}
			if err := approval.CheckText("reason", note); err != nil {
				return err
			}
			return a.changeSchedules(c.Context(), "paused", args[0], schedule.Runs, func(s schedule.Schedules, run workflows.Scheduled) error {
				return s.Pause(c.Context(), args[0], run, note)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever lists the schedules")
	c.Flags().StringVar(&by, "actor", actor(), "who pauses it, for the record")
	return c
}

func (a *app) scheduleResumeCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "resume PIPELINE", Short: "Let a paused pipeline train and look by itself again", Args: between(1, 1),
		Example: "  loanops schedule resume loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			if err := approval.CheckText("actor", by); err != nil {
				return err
			}
			return a.changeSchedules(c.Context(), "resumed", args[0], schedule.Runs, func(s schedule.Schedules, run workflows.Scheduled) error {
				return s.Resume(c.Context(), args[0], run, "resumed by "+by)
			})
		},
	}
	c.Flags().StringVar(&by, "actor", actor(), "who resumes it, for the record")
	return c
}

func (a *app) scheduleTriggerCommand() *cobra.Command {
	var monitor bool
	c := &cobra.Command{
		Use: "trigger PIPELINE", Short: "Do now what the schedule does; during a run it is kept, and starts one more", Args: between(1, 1),
		Example: "  loanops schedule trigger loan-eligibility\n  loanops schedule trigger loan-eligibility --monitor",
		RunE: func(c *cobra.Command, args []string) error {
			return a.changeSchedules(c.Context(), "triggered", args[0], []workflows.Scheduled{runOf(monitor)}, func(s schedule.Schedules, run workflows.Scheduled) error {
				return s.Trigger(c.Context(), args[0], run)
			})
		},
	}
	c.Flags().BoolVar(&monitor, "monitor", false, "the monitor, not retraining")
	return c
}

func (a *app) scheduleDeleteCommand() *cobra.Command {
	var monitor bool
	c := &cobra.Command{
		Use: "delete PIPELINE", Short: "Delete a pipeline's schedules, until its spec says another time", Args: between(1, 1),
		Example: "  loanops schedule delete loan-eligibility\n  loanops schedule delete loan-eligibility --monitor",
		RunE: func(c *cobra.Command, args []string) error {
			runs := schedule.Runs
			if monitor {
				runs = []workflows.Scheduled{workflows.MonitorRun}
			}
			return a.changeSchedules(c.Context(), "deleted", args[0], runs, func(s schedule.Schedules, run workflows.Scheduled) error {
				return s.Delete(c.Context(), args[0], run)
			})
		},
	}
	c.Flags().BoolVar(&monitor, "monitor", false, "only that of the monitor")
	return c
}

// changeSchedules changes those of a pipeline's schedules that there are.
func (a *app) changeSchedules(ctx context.Context, done, name string, runs []workflows.Scheduled, change func(schedule.Schedules, workflows.Scheduled) error) error {
	return a.withSchedules(ctx, func(_ registry.Registry, s schedule.Schedules) error {
		changed, err := changeEach(name, runs, func(run workflows.Scheduled) error { return change(s, run) })
		if err != nil {
			return err
		}
		return a.printChanged(done, changed...)
	})
}

// changeEach returns the IDs of those that there are and were changed; without any it is fault.NotFound.
func changeEach(name string, runs []workflows.Scheduled, change func(run workflows.Scheduled) error) (changed []string, err error) {
	var missing error
	for _, run := range runs {
		err := change(run)
		if fault.CodeOf(err) == fault.NotFound {
			missing = cmp.Or(missing, err)
			continue
		}
		if err != nil {
			return changed, err
		}
		changed = append(changed, run.ScheduleID(name))
	}
	if len(changed) == 0 {
		return nil, missing
	}
	return changed, nil
}

func (a *app) printChanged(done string, schedules ...string) error {
	changed := map[string]any{"done": done, "schedules": schedules}
	return a.print(changed, func() { fmt.Fprintf(a.out, "%s %s\n", done, strings.Join(schedules, " and ")) })
}
