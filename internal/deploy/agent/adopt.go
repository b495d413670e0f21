package agent

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/file"
)

// orphans are predictors that an agent before this one left running, by the slots that they were started for. They serve on, by the routes that gateways
// have, until it is known what is to run: then they are claimed or stopped.
type orphans map[key][]runtime.Orphan

// orphansOf sorts what was found and runs. What has ended is told apart.
func orphansOf(found []runtime.Orphan) (running orphans, ended []runtime.Orphan) {
	running = orphans{}
	for _, one := range found {
		if closed(one.Instance.Ended()) {
			ended = append(ended, one)
		} else {
			k := keyOfOwner(one.Owner)
			running[k] = append(running[k], one)
		}
	}
	return running, ended
}

func keyOfOwner(o runtime.Owner) key { return key{o.Environment, o.Pipeline, o.Slot} }

// newer reports whether a predictor of the pipeline was started under a newer generation. A generation is saved before anything is started under it.
func (o orphans) newer(p pair, generation int64) bool {
	for k, found := range o {
		if k.pair() == p && slices.ContainsFunc(found, func(one runtime.Orphan) bool { return one.Owner.Generation > generation }) {
			return true
		}
	}
	return false
}

// claim takes the predictor of the slot for which is holds, the one of the newest generation if there are several; false when there is none. One that was
// started under a newer generation than that of who asks is not theirs.
func (o orphans) claim(k key, generation int64, is func(runtime.Identity) bool) (runtime.Orphan, bool) {
	best := -1
	for i, one := range o[k] {
		if is(one.Identity) && one.Owner.Generation <= generation && (best < 0 || one.Owner.Generation > o[k][best].Owner.Generation) {
			best = i
		}
	}
	if best < 0 {
		return runtime.Orphan{}, false
	}
	taken := o[k][best]
	o[k] = slices.Delete(o[k], best, best+1)
	return taken, true
}

// claimWhole takes the predictor that is just what would be started of the spec. The lock is held.
func (a *agent) claimWhole(k key, spec contract.TrackSpec, generation int64) (runtime.Orphan, bool) {
	wanted, err := a.cfg.Runtime.Identify(spec)
	if err != nil {
		return runtime.Orphan{}, false // it cannot be started either, and says why
	}
	return a.orphans.claim(k, generation, func(of runtime.Identity) bool { return of == wanted })
}

// recover makes run what the saved state names of a slot: what runs already goes on. One that decides the same and was made in another way (by another release
// of this project, with another key) serves until its successor is ready. Else it is started. The lock is held.
func (a *agent) recover(ctx context.Context, k key, spec contract.TrackSpec, generation int64) {
	t := &track{saved: &spec}
	a.tracks[k] = t
	if whole, ok := a.claimWhole(k, spec, generation); ok {
		a.adopt(ctx, k, t, generation, whole)
		return
	}
	if same, ok := a.orphans.claim(k, generation, func(of runtime.Identity) bool { return of.Decides == runtime.DecidesOf(spec) }); ok {
		a.adopt(ctx, k, t, generation, same)
	}
	a.begin(k, t, spec, generation).restores = true
}

// adoptedReady is how long an adopted predictor may take to say that it is ready; one that serves does so at once.
const adoptedReady = time.Second

// adopt makes an instance that runs already the slot's predictor. One that is ready is so in the first answer of this agent: no request is refused because the
// agent was away. What it is started of, should it crash, is brought then. The lock is held.
func (a *agent) adopt(ctx context.Context, k key, t *track, generation int64, orphan runtime.Orphan) {
	done := make(chan struct{})
	close(done)
	spec := *t.saved
	j := &job{spec: spec, generation: generation, cancel: func() {}, done: done}
	p := a.predictor(k, j, func(ctx context.Context) (parts, error) { return a.bring(ctx, spec) })
	asked, cancel := context.WithTimeout(ctx, adoptedReady)
	defer cancel()
	p.running, p.served, p.ready = orphan.Instance, true, runtime.Ready(asked, orphan.Instance.URL())
	a.follow(k, orphan)
	t.job, t.current = j, runPredictor(p)
}

// follow has what the predictor has printed, since somebody wrote last to the slot's log, go there.
func (a *agent) follow(k key, orphan runtime.Orphan) {
	var since time.Time
	if info, err := os.Stat(a.logFile(k)); err == nil {
		since = info.ModTime()
	}
	if log, err := file.OpenLog(a.logFile(k)); err == nil {
		orphan.Log(log, since)
	} else {
		a.log.Warn("what a predictor prints is not logged", "track", k.String(), "error", err)
	}
}

// dismiss stops what nobody claimed of the pipeline, and what was replaced, as all is known of it now, by gateways too. The lock is held.
func (a *agent) dismiss(p pair) {
	if a.closing {
		return // all are stopped
	}
	for _, left := range a.leaving[p] {
		a.work.Go(left.end)
	}
	delete(a.leaving, p)
	for k := range a.orphans {
		if k.pair() == p {
			a.dismissSlot(k)
		}
	}
}

// dismissSlot is dismiss of one slot. The lock is held.
func (a *agent) dismissSlot(k key) {
	if a.closing {
		return // all are stopped
	}
	left := a.orphans[k]
	delete(a.orphans, k)
	for _, one := range left {
		a.log.Warn("stopping a predictor that is none of this agent's", "track", k.String(), "generation", one.Owner.Generation)
		a.work.Go(one.Instance.Stop)
	}
}
