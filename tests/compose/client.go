package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// client asks the gateway for decisions all the time, from outside, and remembers what came of it.
type client struct {
	*platformtest.Load
	ask func() (platformtest.Track, error)

	mu       sync.Mutex
	requests []platformtest.Request // since the last call of take
	answered time.Time              // when the newest answered request began
}

// newClient asks with what the champion's golden predictions are of, and the key of north-bank.
func newClient(ctx context.Context, p *project) (*client, error) {
	if err := p.cli(ctx, nil, "models", "show", model, "champion", "--save", "files/"+model); err != nil {
		return nil, err
	}
	applications, err := platformtest.Golden(filepath.Join(p.clone, "files", model))
	if err != nil {
		return nil, err
	}
	key, err := p.secret("north-bank.key")
	if err != nil {
		return nil, err
	}
	caller, err := platformtest.NewCaller(p.gateway, key, model, applications...)
	if err != nil {
		return nil, err
	}
	c := &client{ask: caller.Ask}
	c.Load = platformtest.NewLoad(caller.Ask, c.ended)
	return c, nil
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

// outage is the time in which a service that requests need was away. The zero outage excuses nothing.
type outage struct{ from, to time.Time }

// count counts the requests, the failed ones, and those of them that were not under way during the outage; first is the first of these.
func count(requests []platformtest.Request, o outage) (all, failed, unexpected int, first error) {
	for _, r := range requests {
		if r.Err == nil {
			continue
		}
		failed++
		excused := !o.from.IsZero() && !r.Ended.Before(o.from) && !r.Began.After(o.to)
		if !excused {
			unexpected++
			if first == nil {
				first = r.Err
			}
		}
	}
	return len(requests), failed, unexpected, first
}

// readable lets users of containers read a file that was written for them.
func readable(file string) error { return os.Chmod(file, 0o644) }
