package platformtest

import (
	"sync"
	"time"
)

// Asked remembers what came of a client's requests.
type Asked struct {
	mu       sync.Mutex
	requests []Request // since the last call of Take
	answered time.Time // when the newest answered request began
}

// Ended takes a request that has ended, see NewLoad.
func (a *Asked) Ended(r Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, r)
	if r.Err == nil && r.Began.After(a.answered) {
		a.answered = r.Began
	}
}

// AnsweredSince returns when the newest answered request began, if that was after t.
func (a *Asked) AnsweredSince(t time.Time) (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answered, a.answered.After(t)
}

// Take returns the requests that ended since the last call.
func (a *Asked) Take() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.requests
	a.requests = nil
	return taken
}

// Outage is the time in which something that requests need was away. The zero outage excuses nothing.
type Outage struct{ From, To time.Time }

// excuses reports whether the request was under way during the outage.
func (o Outage) excuses(r Request) bool {
	return !o.From.IsZero() && !r.Ended.Before(o.From) && !r.Began.After(o.To)
}

// Failures counts the failed requests, and those of them that the outage does not excuse; first is the first of these.
func Failures(requests []Request, o Outage) (failed, unexpected int, first error) {
	for _, r := range requests {
		if r.Err == nil {
			continue
		}
		failed++
		if !o.excuses(r) {
			unexpected++
			if first == nil {
				first = r.Err
			}
		}
	}
	return failed, unexpected, first
}
