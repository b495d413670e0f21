package gateway

import (
	"context"
	"time"
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

// askAgain asks until a predictor answers: that of the slot, at its newest address, or whichever has the slot's turn where the route has moved.
// Asking twice decides nothing twice: a decision depends on the application alone. There is no answer when it took too long, or when as many
// as may wait do.
func (g *Gateway) askAgain(ctx context.Context, r *request, slot, idempotencyKey string) (answeredBy string, a *answer) {
	select {
	case g.held <- struct{}{}:
		defer func() { <-g.held }()
	default:
		return slot, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.holdLimit)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return slot, nil
		case <-time.After(holdPause):
		}
		chooser := g.table.chooser(r.pipeline)
		if chooser == nil {
			continue
		}
		track := chooser.track(slot)
		if track == nil {
			track = chooser.choose(idempotencyKey)
		}
		slot = track.slot
		if a, err := g.ask(ctx, r.question(track)); err == nil {
			return slot, a
		}
	}
}
