package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// A predictor that ends is started again within a second, as all are when the agent is: its callers wait for that instead of failing.
const (
	// holdLimit is how long a request waits for its predictor; longer is no restart any more.
	holdLimit = 5 * time.Second
	// holdPause is how long it waits between two tries.
	holdPause = 50 * time.Millisecond
	// maxHeld bounds how many wait at once, and so the memory that they take: 256 MiB of bodies at most.
	maxHeld = 256
)

var errAway = errors.New("the predictor is away")

// askAgain asks until a predictor answers: that of the slot, at its newest address, or whichever has the slot's turn where the route has moved.
// Asking twice decides nothing twice: a decision depends on the application alone.
func (g *Gateway) askAgain(ctx context.Context, pipeline, slot, idempotencyKey, path string, body []byte) (answeredBy string, a *answer, err error) {
	err = errAway
	select {
	case g.held <- struct{}{}:
		defer func() { <-g.held }()
	default:
		return slot, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.holdLimit)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return slot, nil, err
		case <-time.After(holdPause):
		}
		chooser := g.table.chooser(pipeline)
		if chooser == nil {
			continue
		}
		target, routed := chooser.track(slot)
		if !routed {
			slot, target = chooser.choose(idempotencyKey)
		}
		if a, err = g.ask(ctx, http.MethodPost, target.URL+path, body); err == nil {
			return slot, a, nil
		}
	}
}

// track is what the slot runs; false when it gets no traffic.
func (c *chooser) track(slot string) (contract.RouteTrack, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.shares {
		if s.slot == slot {
			return s.track, true
		}
	}
	return contract.RouteTrack{}, false
}
