package agent

import (
	"context"
	"maps"
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

// putRoute sets the weights and returns once the gateways route by them. The same weights again change nothing.
func (a *agent) putRoute(ctx context.Context, p pair, weights map[string]int, writer string) (contract.Route, error) {
	if err := contract.ValidateWeights(weights); err != nil {
		return contract.Route{}, err
	}
	if err := a.awaitServing(ctx, p, weights); err != nil {
		return contract.Route{}, err
	}
	a.mu.Lock()
	route, known := a.routes[p]
	if !known || !maps.Equal(route.Weights, weights) {
		before := route
		// Again, as the lock was not held in between.
		if err := a.checkServing(p, weights); err != nil {
			a.mu.Unlock()
			return contract.Route{}, err
		}
		route = contract.Route{Weights: maps.Clone(weights), Revision: a.revision + 1, Writer: writer}
		a.routes[p] = route
		if _, err := a.commit(p.environment); err != nil {
			if a.routes[p] = before; !known {
				delete(a.routes, p)
			}
			a.mu.Unlock()
			return contract.Route{}, err
		}
	}
	a.mu.Unlock()
	a.awaitAcknowledged(ctx, p.environment, route.Revision)
	return route, nil
}

// awaitServing waits while a slot that shall get traffic is starting.
func (a *agent) awaitServing(ctx context.Context, p pair, weights map[string]int) error {
	for _, slot := range []string{contract.Blue, contract.Green} {
		if weights[slot] > 0 {
			if _, err := a.settledTrack(ctx, key{p.environment, p.pipeline, slot}); err != nil && fault.CodeOf(err) != fault.NotFound {
				return err
			}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.checkServing(p, weights)
}

// checkServing refuses traffic to a slot that is not ready. The lock is held.
func (a *agent) checkServing(p pair, weights map[string]int) error {
	for _, slot := range []string{contract.Blue, contract.Green} {
		if weights[slot] == 0 {
			continue
		}
		k := key{p.environment, p.pipeline, slot}
		t := a.tracks[k]
		if t == nil || t.current == nil {
			return fault.New(fault.Conflict, "%s cannot get %d %% of the traffic: nothing runs there", k, weights[slot])
		}
		if s := t.current.get(); s.state != contract.TrackReady {
			return fault.New(fault.Conflict, "%s cannot get %d %% of the traffic: its predictor is %s (%s)", k, weights[slot], s.state, s.message)
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
func (a *agent) deleteRoute(ctx context.Context, p pair) error {
	a.mu.Lock()
	before, ok := a.routes[p]
	if !ok {
		a.mu.Unlock()
		return nil
	}
	delete(a.routes, p)
	revision, err := a.commit(p.environment)
	if err != nil {
		a.routes[p] = before
	}
	a.mu.Unlock()
	if err == nil {
		a.awaitAcknowledged(ctx, p.environment, revision)
	}
	return err
}

// actual is one pipeline's environment.
func (a *agent) actual(p pair) contract.Actual {
	a.mu.Lock()
	defer a.mu.Unlock()
	actual := contract.Actual{Tracks: map[string]contract.Track{}}
	for _, slot := range []string{contract.Blue, contract.Green} {
		if t := a.tracks[key{p.environment, p.pipeline, slot}]; t != nil && (t.current != nil || t.job != nil) {
			actual.Tracks[slot] = t.view(slot)
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

// routesOf is what a gateway needs to know. The lock is held.
func (a *agent) routesOf(environment string) contract.Routes {
	routes := contract.Routes{Revision: a.revisions[environment], Pipelines: map[string]contract.PipelineRoute{}}
	for p, route := range a.routes {
		if p.environment != environment {
			continue
		}
		tracks := map[string]contract.RouteTrack{}
		for _, slot := range []string{contract.Blue, contract.Green} {
			if t := a.tracks[key{environment, p.pipeline, slot}]; t != nil && t.current != nil {
				s := t.current.get()
				tracks[slot] = contract.RouteTrack{URL: s.url, ModelVersion: t.current.spec.ModelVersion, State: s.state}
			}
		}
		routes.Pipelines[p.pipeline] = contract.PipelineRoute{Weights: maps.Clone(route.Weights), Tracks: tracks}
	}
	return routes
}
