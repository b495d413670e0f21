package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

// promotion is how a build was made current, or why not.
type promotion struct {
	Verdict workflows.Verdict `json:"verdict"`
	Reasons []string          `json:"reasons"`
	Build   string            `json:"build"`
	// Before is the build that was current before.
	Before string `json:"before,omitempty"`
	// Replayed is how many histories the build's workflows were played.
	Replayed int `json:"replayed"`
	// NotAsked are the roles whose workers did not have to answer, and why.
	NotAsked []string `json:"not_asked,omitempty"`
	// Trial is the workflow in which it was tried.
	Trial string `json:"trial,omitempty"`
}

func (a *app) workersPromoteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "promote BUILD", Short: "Try a build of the workers, and let runs begin on it", Args: between(1, 1),
		Long: `promote starts a Trial on the build's workers: those of every role that the current build's workers
have now have to answer, and the build's workflows have to replay the histories of this cluster, all
that are open and the newest that were completed. Where they do, runs begin on the build from then
on; those that go on end on the build that they began with. What is refused changes nothing. It may
be repeated, whatever interrupted it.`,
		Example: "  loanops workers promote 0a1b2c3d4e5f6071",
		RunE: func(c *cobra.Command, args []string) error {
			if err := workers.CheckBuild(args[0]); err != nil {
				return err
			}
			return a.withCluster(c.Context(), func(cluster workers.Cluster) error {
				done, err := a.promote(c.Context(), cluster, args[0])
				if err != nil {
					return err
				}
				return a.promoted(done)
			})
		},
	}
}

// promoted prints how a promotion ended.
func (a *app) promoted(done promotion) error {
	err := a.print(done, func() {
		fmt.Fprintf(a.out, "%s: build %s\n", done.Verdict, done.Build)
		a.listReasons(done.Reasons)
	})
	if ended := (verdictError{done.Verdict}); err == nil && ended.code() != exitDone {
		return ended
	}
	return err
}

// promote tries a build, and makes it current where it passes and nobody made another one current meanwhile.
func (a *app) promote(ctx context.Context, cluster workers.Cluster, build string) (promotion, error) {
	done := promotion{Build: build, Reasons: []string{}}
	polled, err := awaitPollers(ctx, cluster, build)
	if err != nil {
		return done, err
	}
	routing, err := cluster.Routing(ctx)
	if err != nil {
		return done, err
	}
	done.Before = routing.Current
	if routing.Current == build {
		done.Verdict, done.Reasons = workflows.Nothing, append(done.Reasons, "runs begin on it already")
		return done, nil
	}
	if !polled {
		done.Verdict, done.Reasons = workflows.Refused, append(done.Reasons, "no worker of the build asks for runs: start one")
		return done, nil
	}
	if err := awaitQueues(ctx, cluster, build, routing.Current); err != nil {
		return done, err
	}
	roles, notAsked, err := rolesToAsk(ctx, cluster, routing.Current)
	if err != nil {
		return done, err
	}
	done.NotAsked = notAsked
	for _, why := range notAsked {
		a.say("not asked: %s", why)
	}
	a.say("trying build %s: its workers replay the histories of this cluster", build)
	tried, err := try(ctx, cluster, build, roles)
	if err != nil {
		return done, err
	}
	done.Trial, done.Replayed, done.Reasons = workflows.TrialID(build), tried.Replayed, append(done.Reasons, tried.Reasons...)
	if len(done.Reasons) > 0 {
		done.Verdict = workflows.Refused
		return done, nil
	}
	if err := cluster.MakeCurrent(ctx, build, routing); err != nil {
		return done, err
	}
	done.Verdict = workflows.Promoted
	done.Reasons = append(done.Reasons, fmt.Sprintf("%d histories were replayed; runs that began on build %s end on it", tried.Replayed, routing.Current))
	return done, nil
}

// queuesLimit is how long a worker that has just been started may take until it asks for work of every kind.
const queuesLimit = 15 * time.Second

// awaitPollers waits until a worker of the build asks for runs, or long enough.
func awaitPollers(ctx context.Context, cluster workers.Cluster, build string) (polled bool, err error) {
	began := time.Now()
	for {
		v, err := known(ctx, cluster, build)
		if err != nil || v.Pollers > 0 || time.Since(began) > queuesLimit {
			return v.Pollers > 0, err
		}
		if err := pause(ctx, 2*progressInterval); err != nil {
			return false, err
		}
	}
}

// awaitQueues waits until the build's workers take work from every queue of the current one, or long enough: whether they have to is for the trial to say,
// and for Temporal, which knows the queues that hold work.
func awaitQueues(ctx context.Context, cluster workers.Cluster, build, current string) error {
	began := time.Now()
	for {
		missing, err := cluster.Missing(ctx, build, current)
		if err != nil || len(missing) == 0 || time.Since(began) > queuesLimit {
			return err
		}
		if err := pause(ctx, progressInterval); err != nil {
			return err
		}
	}
}

// rolesToAsk are those whose workers have to be of a build that follows the current one: all that the current one has now, or where it has none, anybody. The
// build's worker of activities.Data replays histories, so that one always is. Of the others it says why not.
func rolesToAsk(ctx context.Context, cluster workers.Cluster, current string) (asked []activities.Role, notAsked []string, err error) {
	var queues []string
	for _, role := range activities.Roles {
		queues = append(queues, role.Queue())
	}
	taking, err := cluster.Taking(ctx, queues)
	if err != nil {
		return nil, nil, err
	}
	has, whose := func(role activities.Role) bool { return taking[role.Queue()][current] > 0 }, "the current build "+current
	if !slices.ContainsFunc(activities.Roles, has) {
		has, whose = func(role activities.Role) bool { return len(taking[role.Queue()]) > 0 }, "every build"
	}
	for _, role := range activities.Roles {
		if role == activities.Data || has(role) {
			asked = append(asked, role)
			continue
		}
		notAsked = append(notAsked, fmt.Sprintf("the role %s: %s is without a worker of it", role, whose))
	}
	return asked, notAsked, nil
}

// trialLimit is how long a trial may take.
const trialLimit = 30 * time.Minute

// try runs the trial of a build, or joins one that goes on: whoever began it may have been interrupted.
func try(ctx context.Context, cluster workers.Cluster, build string, roles []activities.Role) (tried workflows.TrialResult, err error) {
	began := time.Now()
	for {
		run, err := cluster.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: workflows.TrialID(build), TaskQueue: workflows.TaskQueue, StaticSummary: "try build " + build + " of the workers",
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			WorkflowExecutionTimeout: trialLimit, // its workers may be killed, for good
			VersioningOverride:       &client.PinnedVersioningOverride{Version: workers.VersionOf(build)},
		}, workflows.TrialName, workflows.TrialInput{Build: build, Roles: roles})
		var absent *serviceerror.FailedPrecondition
		if errors.As(err, &absent) && time.Since(began) < queuesLimit { // the queue does not know the build yet
			if err := pause(ctx, progressInterval); err != nil {
				return tried, err
			}
			continue
		}
		if err != nil {
			return tried, fault.Wrap(fault.Unavailable, err, "starting the trial of build %s", build)
		}
		return tried, workflowFault(run.Get(ctx, &tried))
	}
}

// pause waits, unless the command is interrupted.
func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
