package containers

import (
	"context"
	"errors"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// Orphans finds the containers of the network that an agent before this one started. Those that nobody but it could own are removed.
func (r *Runtime) Orphans(ctx context.Context) ([]runtime.Orphan, error) {
	listed, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", networkLabel+"="+r.network)})
	if err != nil {
		return nil, r.fault(err, "the predictors that run already")
	}
	var orphans []runtime.Orphan
	for _, one := range listed.Items {
		orphan, owned := orphanOf(one)
		i := &instance{of: r, id: one.ID, port: one.Labels[portLabel], ended: make(chan struct{})}
		if !owned {
			i.remove()
			continue
		}
		err := i.adopt(ctx)
		if fault.CodeOf(err) == fault.NotFound {
			continue // it has ended meanwhile, and was removed
		}
		if err != nil {
			return nil, err
		}
		orphan.Instance, orphan.Log = i, i.logTo
		orphans = append(orphans, orphan)
	}
	return orphans, nil
}

// orphanOf reads the labels; false without an owner.
func orphanOf(one container.Summary) (runtime.Orphan, bool) {
	generation, err := strconv.ParseInt(one.Labels[generationLabel], 10, 64)
	return runtime.Orphan{
		Owner: runtime.Owner{
			Environment: one.Labels[environmentLabel], Pipeline: one.Labels[pipelineLabel], Slot: one.Labels[slotLabel], Generation: generation,
		},
		Identity: runtime.Identity{Made: one.Labels[madeLabel], Decides: one.Labels[decidesLabel]},
	}, err == nil
}

// adopt follows a container that runs already, or notes how it ended.
func (i *instance) adopt(ctx context.Context) error {
	found, err := i.of.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	if err != nil {
		return i.of.fault(err, "a predictor that runs already")
	}
	if found.Container.HostConfig != nil {
		i.limitMiB = found.Container.HostConfig.Memory >> 20
	}
	state := found.Container.State
	if state != nil && state.Running {
		return i.follow(ctx)
	}
	i.err = errors.New("it ended while no agent was there")
	if state != nil && state.OOMKilled {
		i.err = &runtime.OutOfMemory{LimitMiB: i.limitMiB}
	}
	close(i.ended)
	return nil
}
