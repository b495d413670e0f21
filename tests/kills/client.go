package main

import (
	"sync"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// client asks the gateway for decisions all the time, and remembers what came of it.
type client struct {
	*platformtest.Load

	mu       sync.Mutex
	requests []platformtest.Request // since the last call of take
	answered time.Time              // when the newest answered request began
}

func newClient(p *platformtest.Platform) (*client, error) {
	c := &client{}
	var err error
	c.Load, err = p.Load(model, c.ended)
	return c, err
}

func (c *client) ended(r platformtest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	if r.Err == nil && r.Began.After(c.answered) {
		c.answered = r.Began
	}
}

// answeredSince returns when the newest answered request began, if that was after t.
func (c *client) answeredSince(t time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered, c.answered.After(t)
}

// take returns the requests that ended since the last call.
func (c *client) take() []platformtest.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.requests
	c.requests = nil
	return taken
}

// outage is the time in which a process that requests need was away. The zero outage excuses nothing.
type outage struct{ from, to time.Time }

// excuses reports whether the request was under way during the outage.
func (o outage) excuses(r platformtest.Request) bool {
	return !o.from.IsZero() && !r.Ended.Before(o.from) && !r.Began.After(o.to)
}

// count counts the failed requests, and those of them that the outage does not excuse.
func count(requests []platformtest.Request, o outage) (failed, unexpected int, first error) {
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
