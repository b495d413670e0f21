package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

// How long a gateway counts as present after it was last heard of, how long a change waits for the gateways, how long a
// poll may wait, and how long a starting track is waited for.
const (
	gatewayPresence  = 30 * time.Second
	acknowledgeLimit = 5 * time.Second
	maxPoll          = time.Minute
	settleLimit      = 30 * time.Second
)

// pair names a pipeline in an environment.
type pair struct{ environment, pipeline string }

func (k key) pair() pair { return pair{k.environment, k.pipeline} }

// gateway is what is known of a gateway: the revision it routes by and when it was last heard of.
type gateway struct {
	after int64
	seen  time.Time
}

// The writers of a route.
const (
	terraformWriter = "terraform"
	rollbackWriter  = "rollback"
)

// putRoute sets weights and mirror and returns once the gateways route by them. The same ones again take over the generation alone: there
// is nothing to tell the gateways, so the revision stays, and with it the weights in the words in which they were told.
func (a *agent) putRoute(ctx context.Context, p pair, request contract.RouteRequest) (contract.Route, error) {
	return a.share(ctx, p, request, terraformWriter)
}

// rollback is putRoute for who shifts traffic to safety while Terraform may be away: a predictor that was given up and shall get
// traffic is started again, and no copies go anywhere any more.
func (a *agent) rollback(ctx context.Context, p pair, request contract.RollbackRequest) (contract.Route, error) {
	return a.share(ctx, p, contract.RouteRequest{Weights: request.Weights, Generation: request.Generation}, rollbackWriter)
}

func (a *agent) share(ctx context.Context, p pair, request contract.RouteRequest, writer string) (contract.Route, error) {
	if err := contract.ValidateWeights(request.Weights); err != nil {
		return contract.Route{}, err
	}
	if err := contract.ValidateMirror(request.Mirror, request.Weights); err != nil {
		return contract.Route{}, err
	}
	// Admitted before anything is waited for: what is older stops now.
	a.mu.Lock()
	err := a.admit(p, request.Generation)
	if err == nil && writer == rollbackWriter {
		a.revive(p, request)
	}
	a.mu.Unlock()
	if err != nil {
		return contract.Route{}, err
	}
	if err := a.awaitServing(ctx, p, request); err != nil {
		return contract.Route{}, err
	}
	route, err := a.setRoute(p, request, writer)
	if err != nil {
		return contract.Route{}, err
	}
	a.awaitAcknowledged(ctx, p.environment, route.Revision)
	a.mu.Lock()
	a.dismiss(p) // who wrote has told all that is to run, and gateways know
	a.mu.Unlock()
	return route, nil
}

// revive starts the predictors again that were given up and shall get traffic. The lock is held.
func (a *agent) revive(p pair, request contract.RouteRequest) {
	for _, slot := range contract.Slots() {
		k := key{p.environment, p.pipeline, slot}
		t := a.tracks[k]
		if request.Weights[slot] == 0 || a.closing || t == nil || t.saved == nil || !closed(t.job.done) {
			continue
		}
		if t.current == nil || t.current.get().state == contract.TrackFailed {
			t.current = nil // nothing is left of it; the job tells how it goes
			a.begin(k, t, *t.saved, request.Generation)
		}
	}
}

// setRoute makes the change. Generation and tracks are asked again, as the lock was not held while the tracks were waited for.
func (a *agent) setRoute(p pair, request contract.RouteRequest, writer string) (contract.Route, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.admit(p, request.Generation); err != nil {
		return contract.Route{}, err
	}
	if err := a.checkServing(p, request); err != nil {
		return contract.Route{}, err
	}
	before, known := a.routes[p]
	route := before
	route.Generation = request.Generation
	save := func() error { return a.snapshot().save(a.statePath) }
	if !known || !contract.SameWeights(before.Weights, request.Weights) || before.Mirror != request.Mirror {
		route.Weights, route.Mirror, route.Revision, route.Writer = maps.Clone(request.Weights), request.Mirror, a.revision+1, writer
		save = func() error { _, err := a.commit(p.environment); return err }
	} else if route.Generation == before.Generation {
		return route, nil
	}
	untold := a.untold[p]
	a.routes[p] = route
	delete(a.untold, p)
	if err := save(); err != nil {
		if a.routes[p] = before; !known {
			delete(a.routes, p)
		}
		if untold {
			a.untold[p] = true
		}
		return contract.Route{}, err
	}
	return route, nil
}

// awaitServing waits while a slot that shall get traffic or copies of it is starting.
func (a *agent) awaitServing(ctx context.Context, p pair, request contract.RouteRequest) error {
	for _, slot := range contract.Slots() {
		if request.Weights[slot] > 0 || request.Mirror == slot {
			if _, err := a.settledTrack(ctx, key{p.environment, p.pipeline, slot}); err != nil && fault.CodeOf(err) != fault.NotFound {
				return err
			}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.checkServing(p, request)
}

// checkServing refuses traffic, and copies of it, to a slot that is not ready. The lock is held.
func (a *agent) checkServing(p pair, request contract.RouteRequest) error {
	for _, slot := range contract.Slots() {
		what := fmt.Sprintf("%d %% of the traffic", request.Weights[slot])
		switch {
		case request.Mirror == slot:
			what = "copies of requests"
		case request.Weights[slot] == 0:
			continue
		}
		k := key{p.environment, p.pipeline, slot}
		t := a.tracks[k]
		if t == nil {
			return fault.New(fault.Conflict, "%s cannot get %s: nothing runs there", k, what)
		}
		if v := a.view(t, p, slot); v.State != contract.TrackReady {
			return fault.New(fault.Conflict, "%s cannot get %s: its predictor is %s (%s)", k, what, v.State, v.Message)
		}
	}
	return nil
}

// route returns the pipeline's route.
func (a *agent) route(p pair) (contract.Route, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	route, ok := a.routes[p]
	if !ok {
		return contract.Route{}, fault.New(fault.NotFound, "%s/%s has no route", p.environment, p.pipeline)
	}
	return route, nil
}

// deleteRoute takes all traffic away and returns once the gateways know.
func (a *agent) deleteRoute(ctx context.Context, p pair, generation int64) error {
	a.mu.Lock()
	if err := a.admit(p, generation); err != nil {
		a.mu.Unlock()
		return err
	}
	before, ok := a.routes[p]
	if !ok && !a.untold[p] {
		a.mu.Unlock()
		return nil
	}
	delete(a.routes, p)
	delete(a.untold, p)
	revision, err := a.commit(p.environment)
	if err != nil && ok {
		a.routes[p] = before
	} else if err != nil {
		a.untold[p] = true
	}
	a.mu.Unlock()
	if err == nil {
		a.awaitAcknowledged(ctx, p.environment, revision)
		a.mu.Lock()
		a.dismiss(p)
		a.mu.Unlock()
	}
	return err
}

// actual is one pipeline's environment.
func (a *agent) actual(p pair) contract.Actual {
	a.mu.Lock()
	defer a.mu.Unlock()
	actual := contract.Actual{Tracks: map[string]contract.Track{}, Generation: a.fences[p].Newest}
	for _, slot := range contract.Slots() {
		if t := a.tracks[key{p.environment, p.pipeline, slot}]; t != nil {
			actual.Tracks[slot] = a.view(t, p, slot)
		}
	}
	if route, ok := a.routes[p]; ok {
		actual.Route = &route
	}
	return actual
}

// poll answers a gateway: at once when the environment's revision is not after, else at the next change or when wait is
// over. Asking with after acknowledges it. A revision below after is told at once as well: this agent lost its state, and
// what it says now is what is.
func (a *agent) poll(ctx context.Context, environment, id string, after int64, wait time.Duration) contract.Routes {
	timer := time.NewTimer(min(wait, maxPoll))
	defer timer.Stop()
	a.hear(environment, id, after)
	defer a.hear(environment, id, after)
	for {
		a.mu.Lock()
		routes, changed := a.routesOf(environment), a.changes(environment)
		a.mu.Unlock()
		if routes.Revision != after {
			return routes
		}
		select {
		case <-changed:
		case <-timer.C:
			return routes
		case <-ctx.Done():
			return routes
		}
	}
}

// hear notes that the gateway routes by revision after.
func (a *agent) hear(environment, id string, after int64) {
	if id == "" {
		return // asked without a name: a person's look
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gateways[environment] == nil {
		a.gateways[environment] = map[string]gateway{}
	}
	a.gateways[environment][id] = gateway{after: after, seen: a.now()}
	a.wake(environment)
}

// awaitAcknowledged waits until every present gateway routes by revision or newer, acknowledgeWait at most: a gateway that
// died a moment ago must not hold up a delivery, and none present is no reason to wait.
func (a *agent) awaitAcknowledged(ctx context.Context, environment string, revision int64) {
	timer := time.NewTimer(a.acknowledgeWait)
	defer timer.Stop()
	for {
		a.mu.Lock()
		behind, changed := a.behind(environment, revision), a.changes(environment)
		a.mu.Unlock()
		if len(behind) == 0 {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			a.log.Warn("gateways do not acknowledge", "environment", environment, "revision", revision, "gateways", behind)
			return
		case <-ctx.Done():
			return
		}
	}
}

// behind lists the present gateways that route by something older than revision. The lock is held.
func (a *agent) behind(environment string, revision int64) []string {
	var behind []string
	present := a.now().Add(-gatewayPresence)
	for id, g := range a.gateways[environment] {
		if g.seen.Before(present) {
			delete(a.gateways[environment], id)
		} else if g.after < revision {
			behind = append(behind, id)
		}
	}
	sort.Strings(behind)
	return behind
}

// routesOf is what a gateway needs to know: of a pipeline about which nothing is known here, or not its route, nothing is said, and it keeps what it holds. The lock is held.
func (a *agent) routesOf(environment string) contract.Routes {
	routes := contract.Routes{Revision: a.revisions[environment], Pipelines: map[string]contract.PipelineRoute{}}
	known := slices.Concat(slices.Collect(maps.Keys(a.fences)), slices.Collect(maps.Keys(a.routes)))
	for _, p := range known {
		if _, told := routes.Pipelines[p.pipeline]; told || p.environment != environment || a.untold[p] {
			continue
		}
		route := contract.PipelineRoute{Weights: map[string]int{}, Mirror: a.routes[p].Mirror, Tracks: map[string]contract.RouteTrack{}}
		maps.Copy(route.Weights, a.routes[p].Weights)
		for _, slot := range contract.Slots() {
			if t := a.tracks[key{environment, p.pipeline, slot}]; t != nil {
				v := a.view(t, p, slot)
				route.Tracks[slot] = contract.RouteTrack{
					URL: v.URL, ModelVersion: v.Spec.ModelVersion, PolicyDigest: v.Spec.PolicyDigest, State: v.State,
				}
			}
		}
		routes.Pipelines[p.pipeline] = route
	}
	return routes
}
