package cli

import (
	"context"

	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

// renewWorkers lets runs begin on the worker of the programs' folder where it was built anew since the last time, and says what came of it. Where it is
// refused, or cannot be tried, the platform serves as before. It fails where it was interrupted alone.
func (u *up) renewWorkers(ctx context.Context, cluster workers.Cluster, build string) error {
	done, err := u.renew(ctx, cluster, build)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		u.say("the worker in the programs' folder, build %s, could not be tried; runs begin where they did: %v", build, err)
	case done.Verdict == workflows.Refused:
		u.say("the worker in the programs' folder, build %s, is refused; runs begin on build %s as before:", build, done.Before)
	case done.Verdict == workflows.Promoted:
		u.say("the worker was built anew; runs begin on build %s:", build)
	}
	for _, reason := range done.Reasons {
		u.say("  %s", reason)
	}
	return nil
}

// renew promotes the build where no run ever began on it: one that another build has replaced is promoted by a person. The first of all makes itself current.
func (u *up) renew(ctx context.Context, cluster workers.Cluster, build string) (promotion, error) {
	routing, err := cluster.Routing(ctx)
	if err != nil || routing.Current == "" || routing.Current == build {
		return promotion{}, err
	}
	v, err := awaitWorker(ctx, cluster, build, "worker.log")
	if err != nil {
		return promotion{}, err
	}
	if v.Status != workers.Inactive {
		u.say("runs begin on build %s of the workers, which replaced that of the programs' folder: `loanops workers promote %s` goes back to it", routing.Current, build)
		return promotion{}, nil
	}
	return u.promote(ctx, cluster, build)
}
