package agent

import (
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// admit lets a write of generation happen and keeps the newest one, on the disk before anything is changed. The lock is held.
func (a *agent) admit(p pair, generation int64) error {
	return a.pass(p, generation, (*serving.Fence).Admit)
}

// teach notes the newest generation as somebody read it in the serving record.
func (a *agent) teach(p pair, generation int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pass(p, generation, (*serving.Fence).Teach)
}

// pass asks the pipeline's fence and saves what it remembers then. Gateways are told only of a pipeline that was not known before:
// no route of theirs hangs on a generation. The lock is held.
func (a *agent) pass(p pair, generation int64, ask func(*serving.Fence, int64) error) error {
	before, known := a.fences[p]
	after := before
	if err := ask(&after, generation); err != nil {
		return fault.Wrap(fault.Internal, err, "%s in %s", p.pipeline, p.environment)
	}
	if after == before {
		return nil
	}
	a.fences[p] = after
	if known {
		if err := a.snapshot().save(a.statePath); err != nil {
			a.fences[p] = before
			return err
		}
		return nil
	}
	if _, err := a.commit(p.environment); err != nil {
		delete(a.fences, p)
		return err
	}
	return nil
}

// overtaken refuses to put what a job brought up into its slot when a newer generation was accepted meanwhile. What was in the
// slot before may come back under any generation: that changes nothing. The lock is held.
func (a *agent) overtaken(k key, t *track, j *job) error {
	newest := a.fences[k.pair()].Newest
	if j.generation >= newest || t.holds(j.spec) {
		return nil
	}
	return fault.New(fault.Conflict, "version %d was to be put into %s under generation %d, which is overtaken: the newest is %d",
		j.spec.ModelVersion, k, j.generation, newest)
}
