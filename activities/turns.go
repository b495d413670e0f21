package activities

import (
	"context"
	"sync"
)

// Turns lets one at a time of those in this process that want the same step do it: the others find what it has kept. The zero value is ready.
type Turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn is over
}

// take waits until nobody else has the key's turn. Nil has no turns: nobody waits.
func (t *Turns) take(ctx context.Context, key string) (release func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	for {
		t.mu.Lock()
		over, busy := t.taken[key]
		if !busy {
			if t.taken == nil {
				t.taken = map[string]chan struct{}{}
			}
			over = make(chan struct{})
			t.taken[key] = over
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, key)
				t.mu.Unlock()
				close(over)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
