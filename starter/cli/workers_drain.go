package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/platform"
	"github.com/loanops/loanops/internal/workers"
)

func (a *app) workersDrainCommand() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use: "drain BUILD", Short: "Say whether a build is still needed, or wait until it is not", Args: between(1, 1),
		Long: `drain shows the runs that go on on a build, and with --wait waits until the last of them has ended.
Then its workers may be stopped; on one machine "loanops up" stops them by itself, and removes their
program, as it does here with a build on which no run ever began, such as one that was refused. The
current build is refused: promote another one first.`,
		Example: "  loanops workers drain 0a1b2c3d4e5f6071\n  loanops workers drain 0a1b2c3d4e5f6071 --wait",
		RunE: func(c *cobra.Command, args []string) error {
			if err := workers.CheckBuild(args[0]); err != nil { // it is the name of a folder as well
				return err
			}
			return a.withCluster(c.Context(), func(cluster workers.Cluster) error {
				v, err := a.drained(c.Context(), cluster, args[0], wait)
				if err != nil {
					return err
				}
				if v.Status == workers.Inactive && len(v.Runs) == 0 && platform.Running(a.state) == nil {
					if err := platform.DropWorker(a.state, v.Build); err != nil {
						return err
					}
				}
				return a.print(v, func() {
					if len(v.Runs) == 0 && v.Status != workers.Draining {
						fmt.Fprintf(a.out, "build %s is %s: its workers may be stopped\n", v.Build, v.Status)
						return
					}
					fmt.Fprintf(a.out, "build %s is %s: %d runs go on on it (%s)\n", v.Build, v.Status, len(v.Runs), namesOf(v.Runs))
				})
			})
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it is drained")
	return c
}

// drained is the build as it is now, or when it is drained.
func (a *app) drained(ctx context.Context, cluster workers.Cluster, build string, wait bool) (workers.Version, error) {
	told := 0
	for {
		v, err := known(ctx, cluster, build)
		switch {
		case err != nil:
			return v, err
		case v.Status == workers.Current:
			return v, fault.New(fault.Refused, "runs begin on build %s: promote another one first", build)
		case v.Status == workers.Drained, v.Status == workers.Inactive && len(v.Runs) == 0, !wait:
			return v, nil
		}
		if len(v.Runs) != told {
			told = len(v.Runs)
			a.say("%d runs go on on build %s: %s", told, build, namesOf(v.Runs))
		}
		if v.Stuck {
			a.say("no worker of build %s asks for them: start one, or move them with `loanops workers move`", build)
		}
		if err := pause(ctx, 4*progressInterval); err != nil {
			return v, err
		}
	}
}
