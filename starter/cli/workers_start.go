package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/platform"
	"github.com/loanops/loanops/internal/workers"
)

func (a *app) workersStartCommand() *cobra.Command {
	return &cobra.Command{
		Use: "start PROGRAM", Short: "Start a worker of another build beside those of the platform on this machine", Args: between(1, 1),
		Long: `start keeps a copy of a built loanops-worker in the state folder, from where "loanops up" starts
it beside the others, now and after each restart, until its build is drained; and waits until it
asks for work. No run begins on it before it is promoted. Elsewhere start the program on its own
machine, as every worker is.`,
		Example: "  loanops workers start bin/loanops-worker\n  loanops workers promote \"$(loanops workers start bin/loanops-worker --output json | jq -r .build)\"",
		RunE: func(c *cobra.Command, args []string) error {
			if err := platform.Running(a.state); err != nil {
				return err
			}
			build, err := platform.KeepWorker(a.state, args[0])
			if err != nil {
				return err
			}
			return a.withCluster(c.Context(), func(cluster workers.Cluster) error {
				a.say("build %s: waiting until its worker asks for work", build)
				v, err := awaitStarted(c.Context(), cluster, build)
				if err != nil {
					return err
				}
				return a.print(v, func() { fmt.Fprintf(a.out, "build %s: %d worker, %s\n", v.Build, v.Pollers, v.Status) })
			})
		},
	}
}

// startLimit is how long a worker may take until it asks for work.
const startLimit = time.Minute

// awaitStarted waits for a worker that was started beside that of the programs' folder, unless it is that one.
func awaitStarted(ctx context.Context, cluster workers.Cluster, build string) (workers.Version, error) {
	return awaitWorker(ctx, cluster, build, "worker-"+build+".log, or for the program of the programs' folder worker.log,")
}

// awaitWorker waits until somebody of the build asks for work. Its log is one of those in the state folder.
func awaitWorker(ctx context.Context, cluster workers.Cluster, build, log string) (workers.Version, error) {
	began := time.Now()
	for {
		v, err := known(ctx, cluster, build)
		switch {
		case err == nil && v.Pollers > 0:
			return v, nil
		case err != nil && fault.CodeOf(err) != fault.NotFound:
			return v, err
		case time.Since(began) > startLimit:
			return v, fault.New(fault.Unavailable, "the worker of build %s does not ask for work; see logs/%s in the state folder", build, log)
		}
		if err := pause(ctx, 2*progressInterval); err != nil {
			return v, err
		}
	}
}
