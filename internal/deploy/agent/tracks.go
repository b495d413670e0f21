package agent

import (
	"context"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
)

// key names a slot.
type key struct{ environment, pipeline, slot string }

func (k key) String() string { return k.environment + "/" + k.pipeline + "/" + k.slot }

// track is a slot with something in it.
type track struct {
	saved   *contract.TrackSpec // what is started again after a restart of the agent: what was ready last
	current *predictor          // serves, or tries to; nil while the first bundle and image are fetched
	job     *job                // the last change, going on or ended; never nil
}

// job brings a spec into a slot. It goes on when the client that asked for it is gone: its next try then joins it.
type job struct {
	spec       contract.TrackSpec
	generation int64 // the newest under which spec was asked for
	restores   bool  // it is of the state that the agent began with
	lacks      error // why the bundle or the image could not be had so far; nil when nothing is known to be lacking
	cancel     context.CancelFunc
	done       chan struct{} // closed at the end; err is final then
	err        error
}

// holds reports whether spec is what the slot has: what was ready last, whatever its predictor does now.
func (t *track) holds(spec contract.TrackSpec) bool { return t.saved != nil && *t.saved == spec }

// putTrack makes the slot run spec and waits until it is ready. The same spec keeps the process; another one is started
// beside the old process, which ends when the new one is ready and the gateways know. A new one that does not become
// ready, or does so after a newer generation was accepted, leaves the old one serving.
func (a *agent) putTrack(ctx context.Context, k key, request contract.TrackRequest) (contract.Track, error) {
	if err := request.Validate(); err != nil {
		return contract.Track{}, err
	}
	if d, _ := drill.Parse(request.Drill); d.Kind == drill.Leak && !a.cfg.Runtime.Enforces() { //nolint:errcheck // it is valid
		return contract.Track{}, fault.New(fault.Refused, "the drill %s: this agent runs predictors as processes, and nothing but the end of the machine's memory would end it; start the agent with --runtime %s", request.Drill, contract.Docker)
	}
	for {
		j, wait, err := a.advance(k, request.TrackSpec, request.Generation)
		if err != nil {
			return contract.Track{}, err
		}
		if wait == nil {
			return a.track(k)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return contract.Track{}, interrupted(ctx, k.String())
		}
		if j != nil {
			if j.err != nil {
				return contract.Track{}, j.err
			}
			return a.track(k)
		}
	}
}

// advance takes one step towards spec running in the slot. It returns what to wait for before the next step, and the job
// when that brings spec; nothing when spec is ready.
func (a *agent) advance(k key, spec contract.TrackSpec, generation int64) (*job, <-chan struct{}, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return nil, nil, fault.New(fault.Unavailable, "the agent is stopping")
	}
	if err := a.admit(k.pair(), generation); err != nil {
		return nil, nil, err
	}
	t := a.tracks[k]
	if t == nil {
		t = &track{}
		a.tracks[k] = t
	}
	if j := t.job; j != nil && !closed(j.done) {
		if j.spec == spec {
			j.generation = generation
			return j, j.done, nil
		}
		j.cancel()
		return nil, j.done, nil
	}
	if t.current != nil && t.current.spec == spec {
		switch t.current.get().state {
		case contract.TrackReady:
			return nil, nil, nil
		case contract.TrackStarting:
			return nil, a.changes(k.environment), nil
		case contract.TrackFailed:
		}
	}
	j := a.begin(k, t, spec, generation)
	return j, j.done, nil
}

// begin starts a job. The lock is held.
func (a *agent) begin(k key, t *track, spec contract.TrackSpec, generation int64) *job {
	ctx, cancel := context.WithCancel(context.Background())
	j := &job{spec: spec, generation: generation, cancel: cancel, done: make(chan struct{})}
	t.job = j
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		defer cancel()
		err := a.replace(ctx, k, t, j)
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil && j.restores && !a.closing {
			a.log.Error("what the saved state names does not run", "track", k.String(), "error", err)
		}
		j.err = err
		close(j.done)
		a.wake(k.environment)
	}()
	return j
}

// bringFor is bring for the job. What an agent that starts makes run again waits for a registry or a store that is away: who starts a whole platform starts
// them beside the agent.
func (a *agent) bringFor(ctx context.Context, j *job) (parts, error) {
	for backoff := firstBackoff; ; backoff = min(2*backoff, maxBackoff) {
		of, err := a.bring(ctx, j.spec)
		a.mu.Lock()
		restores := j.restores
		j.lacks = err
		a.mu.Unlock()
		if err == nil || !restores || fault.CodeOf(err) != fault.Unavailable || !sleep(ctx, backoff) {
			return of, err
		}
	}
}

// replace brings the job's spec into the slot.
func (a *agent) replace(ctx context.Context, k key, t *track, j *job) error {
	of, err := a.bringFor(ctx, j)
	if err != nil {
		return err
	}
	next := a.launch(k, j, of)
	a.mu.Lock()
	old := t.current
	if old == nil || old.get().state == contract.TrackFailed && (t.saved == nil || t.holds(j.spec)) {
		old, t.current = nil, next // nothing is there that the new one could spoil: it is visible while it starts
	}
	a.mu.Unlock()
	if err := a.awaitSettled(ctx, k, next); err != nil {
		a.discard(t, next, err.Error())
		return err
	}
	if s := next.get(); s.state != contract.TrackReady {
		a.discard(t, next, s.message)
		code := fault.Refused
		if s.away {
			code = fault.Unavailable
		}
		return fault.New(code, "predictor of version %d in %s does not start: %s; see %s", j.spec.ModelVersion, k, s.message, a.logFile(k))
	}
	a.mu.Lock()
	if err := a.overtaken(k, t, j); err != nil {
		a.mu.Unlock()
		a.discard(t, next, err.Error())
		return err
	}
	if t.saved == nil || *t.saved != j.spec {
		delete(a.kills, k) // they were another's
	}
	t.current, t.saved = next, &j.spec
	revision, err := a.commit(k.environment)
	if old != nil && a.untold[k.pair()] {
		a.leaving[k.pair()], old = append(a.leaving[k.pair()], old), nil // gateways may go by it still, and hear of nothing else
	}
	a.mu.Unlock()
	if old != nil {
		// Without a gap: gateways learn the new address first, then the old process drains.
		a.awaitAcknowledged(ctx, k.environment, revision)
		old.end()
	}
	return err
}

// awaitSettled waits until p is ready or given up.
func (a *agent) awaitSettled(ctx context.Context, k key, p *predictor) error {
	for {
		a.mu.Lock()
		changed := a.changes(k.environment)
		a.mu.Unlock()
		if p.get().state != contract.TrackStarting {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return interrupted(ctx, k.String())
		}
	}
}

// discard ends a predictor that does not get its slot. In an empty slot it stays visible with the reason.
func (a *agent) discard(t *track, p *predictor, reason string) {
	p.end()
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.current != p {
		return
	}
	p.mu.Lock()
	p.status.state, p.status.pid, p.status.message = contract.TrackFailed, 0, reason
	p.mu.Unlock()
}

// launch starts a predictor for the slot, of an instance that runs already if there is one.
func (a *agent) launch(k key, j *job, of parts) *predictor {
	p := a.predictor(k, j, func(context.Context) (parts, error) { return of, nil })
	a.mu.Lock()
	p.served = j.restores
	orphan, ok := a.claimWhole(k, j.spec, j.generation)
	a.mu.Unlock()
	if ok {
		p.running = orphan.Instance
		a.follow(k, orphan)
	}
	return runPredictor(p)
}

// predictor is one of the job's, not running yet. parts says what it is started of.
func (a *agent) predictor(k key, j *job, of func(context.Context) (parts, error)) *predictor {
	p := &predictor{spec: j.spec, now: a.now}
	p.outOfMemory = func(limitMiB int64) bool { return a.killedAtLimit(k, p, limitMiB) }
	p.start = func(ctx context.Context) (runtime.Instance, error) {
		found, err := of(ctx)
		if err != nil {
			return nil, err
		}
		return a.startIn(ctx, k, j, found)
	}
	p.changed = func() { a.predictorChanged(k, p) }
	return p
}

// killedAtLimit notes the end of a slot's predictor. It is started again while it has a share of the traffic, as after any crash: without the champion there is
// nothing to serve, and a challenger's canary ends now. Who has none is missed by nobody.
func (a *agent) killedAtLimit(k key, p *predictor, limitMiB int64) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.tracks[k]; t != nil && t.current == p {
		a.kills[k] = contract.Kill{LimitMiB: limitMiB, Generation: a.fences[k.pair()].Newest}
	}
	return a.routes[k.pair()].Weights[k.slot] > 0
}

// predictorChanged tells everyone who waits. Gateways care only for what is, or becomes, a slot's current predictor.
func (a *agent) predictorChanged(k key, p *predictor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.tracks[k]; t != nil && t.current == p && t.saved != nil {
		if _, err := a.commit(k.environment); err != nil {
			a.log.Error("saving the agent's state", "error", err)
		}
		return
	}
	a.wake(k.environment)
}

// deleteTrack stops the slot's predictor. A slot that traffic or copies of it go to is a Conflict.
func (a *agent) deleteTrack(ctx context.Context, k key, generation int64) error {
	for {
		a.mu.Lock()
		if err := a.admit(k.pair(), generation); err != nil {
			a.mu.Unlock()
			return err
		}
		t := a.tracks[k]
		if t == nil {
			a.dismissSlot(k)
			a.mu.Unlock()
			return nil
		}
		if route := a.routes[k.pair()]; route.Weights[k.slot] > 0 || route.Mirror == k.slot {
			a.mu.Unlock()
			return fault.New(fault.Conflict, "%s gets traffic or copies of it: change the route first", k)
		}
		if j := t.job; !closed(j.done) {
			j.cancel()
			a.mu.Unlock()
			select {
			case <-j.done:
				continue
			case <-ctx.Done():
				return interrupted(ctx, k.String())
			}
		}
		a.dismissSlot(k)
		delete(a.tracks, k)
		delete(a.kills, k)
		_, err := a.commit(k.environment)
		a.mu.Unlock()
		if t.current != nil {
			t.current.end()
		}
		return err
	}
}

// settledTrack is track after waiting, for settleLimit at most, while the predictor is starting.
func (a *agent) settledTrack(ctx context.Context, k key) (contract.Track, error) {
	timer := time.NewTimer(a.settleLimit)
	defer timer.Stop()
	for {
		a.mu.Lock()
		changed := a.changes(k.environment)
		a.mu.Unlock()
		found, err := a.track(k)
		if err != nil || found.State != contract.TrackStarting {
			return found, err
		}
		select {
		case <-changed:
		case <-timer.C:
			return found, nil
		case <-ctx.Done():
			return found, interrupted(ctx, k.String())
		}
	}
}

// track returns what is in the slot.
func (a *agent) track(k key) (contract.Track, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tracks[k]
	if t == nil {
		return contract.Track{}, fault.New(fault.NotFound, "nothing was put into %s", k)
	}
	return a.view(t, k.pair(), k.slot), nil
}

// view is the track for the outside. The lock is held.
func (a *agent) view(t *track, where pair, slot string) contract.Track {
	view := contract.Track{Slot: slot, Runtime: a.cfg.Runtime.Name()}
	if t.current == nil {
		view.Spec, view.State, view.Message = t.job.spec, contract.TrackStarting, "fetching the image and the model bundle"
		switch {
		case closed(t.job.done) && t.job.err != nil:
			view.State, view.Message = contract.TrackFailed, t.job.err.Error()
		case t.job.lacks != nil:
			view.Message += "; not there so far: " + t.job.lacks.Error()
		}
		return view
	}
	s := t.current.get()
	if s.state == contract.TrackReady && !t.holds(t.current.spec) {
		s.state, s.message = contract.TrackStarting, "ready, not yet in the slot" // it may still be overtaken
	}
	view.Spec, view.State, view.URL, view.PID = t.current.spec, s.state, s.url, s.pid
	view.Restarts, view.Message = s.restarts, s.message
	if j := t.job; view.Message == "" && j.restores && closed(j.done) && j.err != nil {
		view.Message = "it serves on, for the one that was to follow it does not: " + j.err.Error()
	}
	if kill, has := a.kills[key{where.environment, where.pipeline, slot}]; has {
		view.Killed = &kill
	}
	return view
}

func interrupted(ctx context.Context, what string) error {
	return &fault.Error{Code: fault.Unavailable, Message: "waiting for " + what + " was interrupted", Cause: ctx.Err()}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
