package agent

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
)

// unclaimed are predictors that an agent before this one left running, by the slots that they were started for. They serve on, by the routes that gateways
// have, until it is known what is to run: then they are claimed or stopped.
type unclaimed map[key][]runtime.Left

// strays sorts what was found.
func strays(found []runtime.Left) unclaimed {
	left := unclaimed{}
	for _, one := range found {
		k := key{one.Owner.Environment, one.Owner.Pipeline, one.Owner.Slot}
		left[k] = append(left[k], one)
	}
	return left
}

// claim takes the predictor that runs spec in the slot, the one of the newest generation if there are several, and nil when there is none. One that was
// started under a newer generation than that of who asks is not theirs.
func (u unclaimed) claim(k key, spec contract.TrackSpec, generation int64) runtime.Instance {
	best := -1
	for i, one := range u[k] {
		if one.Spec == runtime.SpecDigest(spec) && one.Owner.Generation <= generation && (best < 0 || one.Owner.Generation > u[k][best].Owner.Generation) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	taken := u[k][best]
	u[k] = slices.Delete(u[k], best, best+1)
	return taken.Instance
}

// newest is the newest generation under which any of the pipeline's was started; 0 for none.
func (u unclaimed) newest(p pair) (generation int64) {
	for k, left := range u {
		for _, one := range left {
			if k.pair() == p {
				generation = max(generation, one.Owner.Generation)
			}
		}
	}
	return generation
}

// adopt makes an instance that runs already the slot's predictor. It was ready when the state was saved, so that it is ready at once: no request is refused
// because the agent was away. What it is started of, should it crash, is brought then. The lock is held.
func (a *agent) adopt(k key, t *track, spec contract.TrackSpec, generation int64, running runtime.Instance) {
	done := make(chan struct{})
	close(done)
	j := &job{spec: spec, generation: generation, cancel: func() {}, done: done}
	p := a.predictor(k, j, func(ctx context.Context) (parts, error) { return a.bring(ctx, spec) })
	p.running, p.ready = running, true
	t.job, t.current = j, runPredictor(p)
}

// dismiss stops what nobody claimed of the pipeline, of which all is known now. The lock is held.
func (a *agent) dismiss(p pair) {
	for k, left := range a.strays {
		if k.pair() != p {
			continue
		}
		delete(a.strays, k)
		for _, one := range left {
			a.log.Warn("stopping a predictor that is none of this agent's", "track", k.String(), "generation", one.Owner.Generation)
			a.work.Go(one.Instance.Stop)
		}
	}
}
