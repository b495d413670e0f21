package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// pulse heartbeats an activity in the background with the last thing that its work said. A worker that dies is noticed
// within the heartbeat timeout, and a cancellation reaches the work at the next beat.
type pulse struct {
	mu   sync.Mutex
	text string
	at   any
}

type pulseKey struct{}

// say sets the text of the coming heartbeats: how far the work is, never an applicant's data.
func say(ctx context.Context, text string) {
	if p, ok := ctx.Value(pulseKey{}).(*pulse); ok {
		p.mu.Lock()
		p.text = text
		p.mu.Unlock()
	}
}

// reach sets what another try of the activity is to know of how far this one came, see reached.
func reach(ctx context.Context, at any) {
	if p, ok := ctx.Value(pulseKey{}).(*pulse); ok {
		p.mu.Lock()
		p.at = at
		p.mu.Unlock()
	}
}

// reached fills in how far an earlier try of the activity came; it stays as it is where there was none, or nobody knows.
func reached(ctx context.Context, at any) {
	if activity.IsActivity(ctx) && activity.HasHeartbeatDetails(ctx) {
		var text string
		_ = activity.GetHeartbeatDetails(ctx, &text, at) // of a worker of before there may be a text alone
	}
}

// last is what the next heartbeat says: a text for people, and how far the work is where a step tells.
func (p *pulse) last() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		return []any{p.text}
	}
	return []any{p.text, p.at}
}

// beat heartbeats at the interval; stop ends it and waits until it has ended. Without an interval (an activity that has
// no heartbeat timeout) there is no pulse.
func (p *pulse) beat(ctx context.Context, interval time.Duration) (stop func()) {
	if interval <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, p.last()...)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
