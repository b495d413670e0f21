package workers

import (
	"context"
	"log/slog"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// How soon a first worker makes its build current, and how often it then looks whether anybody works for the current one.
const (
	firstTry = 200 * time.Millisecond
	lookup   = 30 * time.Second
	// deserted is at how many looks in a row nobody has to poll for the current build: an interruption of the network is shorter.
	deserted = 3
)

// Lead sees to it that runs begin somewhere: the first worker of a cluster makes its build current, and so does one that finds the current
// build deserted. Everybody else is promoted, after a trial. Where two workers are first at once, one of them is. It returns when ctx ends.
func (c Cluster) Lead(ctx context.Context, build string, logger *slog.Logger) {
	wait, empty := firstTry, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		routing, err := c.Routing(ctx)
		if err != nil || !routing.Known {
			continue
		}
		if routing.Current == "" {
			if err := c.MakeCurrent(ctx, build, routing); err == nil {
				logger.Info("the first worker: runs begin on its build", "build", build)
			}
			continue
		}
		wait = lookup
		if empty = c.lookAt(ctx, routing, build, empty); empty < deserted {
			continue
		}
		if err := c.MakeCurrent(ctx, build, routing); err != nil {
			if code := fault.CodeOf(err); code != fault.Conflict {
				logger.Warn("the current build has no worker, and this one cannot take over", "current", routing.Current, "build", build, "error", err)
			}
			continue
		}
		logger.Warn("the current build had no worker: runs begin on this one, without a trial", "before", routing.Current, "build", build)
		empty = 0
	}
}

// lookAt counts the looks in a row at which nobody polled for the current build.
func (c Cluster) lookAt(ctx context.Context, routing Routing, build string, before int) int {
	if routing.Current == build {
		return 0
	}
	polling, err := c.polling(ctx)
	if err != nil || polling[routing.Current] > 0 {
		return 0
	}
	return before + 1
}
