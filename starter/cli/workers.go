package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

func (a *app) workersListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the builds of the workers, newest first, and which is current", Args: between(0, 0),
		Long: `list shows every build of the workers that this cluster has seen. Runs begin on the current one and
end on the build that they began with; one that is draining is still needed, one that is drained is
not. STUCK are runs of a build for which no worker asks: start one, or move them.`,
		Example: "  loanops workers list\n  loanops workers list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCluster(c.Context(), func(cluster workers.Cluster) error {
				versions, err := cluster.Versions(c.Context())
				if err != nil {
					return err
				}
				if versions == nil {
					versions = []workers.Version{}
				}
				for i := range versions {
					if versions[i].Commit, err = cluster.Commit(c.Context(), versions[i].Build); err != nil {
						return err
					}
				}
				return a.print(versions, func() { a.listWorkers(versions) })
			})
		},
	}
}

func (a *app) listWorkers(versions []workers.Version) {
	rows := [][]string{{"BUILD", "STATUS", "SINCE", "WORKERS", "OPEN RUNS", "STUCK", "COMMIT"}}
	for _, v := range versions {
		since, stuck, commit := "-", "-", "-"
		if !v.Since.IsZero() {
			since = v.Since.Format(timeLayout)
		}
		if v.Stuck {
			stuck = namesOf(v.Runs)
		}
		if v.Commit != "" {
			commit = v.Commit[:min(12, len(v.Commit))]
		}
		rows = append(rows, []string{v.Build, string(v.Status), since, fmt.Sprint(v.Pollers), fmt.Sprint(len(v.Runs)), stuck, commit})
	}
	a.table(rows)
}

// namesOf names a few runs.
func namesOf(runs []workers.Run) string {
	var names []string
	for _, run := range runs[:min(3, len(runs))] {
		names = append(names, run.Workflow)
	}
	if more := len(runs) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// withCluster does something with the cluster that the settings name.
func (a *app) withCluster(ctx context.Context, do func(workers.Cluster) error) error {
	s, err := settings.FromState(a.state)
	if err != nil {
		return err
	}
	temporal, namespace, err := dialNamed(ctx, s)
	if err != nil {
		return err
	}
	defer temporal.Close()
	return do(clusterOf(temporal, namespace))
}

func clusterOf(temporal client.Client, namespace string) workers.Cluster {
	return workers.Cluster{Client: temporal, Namespace: namespace, Queue: workflows.TaskQueue}
}

// known finds a build among those of the cluster.
func known(ctx context.Context, cluster workers.Cluster, build string) (workers.Version, error) {
	versions, err := cluster.Versions(ctx)
	if err != nil {
		return workers.Version{}, err
	}
	others := make([]string, 0, len(versions))
	for _, v := range versions {
		if v.Build == build {
			return v, nil
		}
		others = append(others, v.Build)
	}
	if len(others) == 0 {
		return workers.Version{}, fault.New(fault.NotFound, "there is no build %s: no worker has asked for work yet", build)
	}
	return workers.Version{}, fault.New(fault.NotFound, "there is no build %s; there are %s", build, strings.Join(others, ", "))
}
