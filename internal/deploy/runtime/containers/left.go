package containers

import (
	"context"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// Left finds the containers of the network that an agent before this one started. Those that run no more, and those that nobody but it could own, are removed.
func (r *Runtime) Left(ctx context.Context) ([]runtime.Left, error) {
	listed, err := r.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", networkLabel+"="+r.network)})
	if err != nil {
		return nil, r.fault(err, "the predictors that run already")
	}
	var left []runtime.Left
	for _, one := range listed.Items {
		found, ok := r.found(one)
		i := &instance{of: r, id: one.ID, ended: make(chan struct{})}
		if !ok || one.State != container.StateRunning {
			i.remove()
			continue
		}
		if err := i.adopt(ctx); fault.CodeOf(err) == fault.NotFound {
			continue // it has ended meanwhile, and is removed
		} else if err != nil {
			return nil, err
		}
		found.Instance = i
		left = append(left, found)
	}
	return left, nil
}

// found reads the labels; false without an owner.
func (r *Runtime) found(one container.Summary) (runtime.Left, bool) {
	generation, err := strconv.ParseInt(one.Labels[generationLabel], 10, 64)
	return runtime.Left{
		Owner: runtime.Owner{
			Environment: one.Labels[environmentLabel], Pipeline: one.Labels[pipelineLabel], Slot: one.Labels[slotLabel], Generation: generation,
		},
		Spec: one.Labels[specLabel],
	}, err == nil
}

// adopt follows a container that runs already. What it printed before stays with the engine.
func (i *instance) adopt(ctx context.Context) error {
	found, err := i.of.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	if err != nil {
		return i.of.fault(err, "a predictor that runs already")
	}
	if found.Container.HostConfig != nil {
		i.limitMiB = found.Container.HostConfig.Memory >> 20
	}
	return i.follow(ctx)
}
