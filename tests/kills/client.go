package main

import (
	"sync"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// pace is how often the client asks.
const pace = 20 * time.Millisecond

// request is one that was answered, or not.
type request struct {
	began, ended time.Time
	err          error
}

// client asks the gateway for decisions all the time, whether earlier requests were answered or not.
type client struct {
	halt chan struct{}
	wait sync.WaitGroup

	mu       sync.Mutex
	requests []request // since the last call of take
	answered time.Time // when the newest answered request began
}

func newClient(p *platformtest.Platform) (*client, error) {
	applications, err := p.Examples(model, "champion")
	if err != nil {
		return nil, err
	}
	// One application over and over would be a peak in the scores that the canary compares, for each version at another place.
	caller, err := p.Caller(model, applications...)
	if err != nil {
		return nil, err
	}
	c := &client{halt: make(chan struct{})}
	c.wait.Go(func() {
		ticks := time.NewTicker(pace)
		defer ticks.Stop()
		for {
			select {
			case <-c.halt:
				return
			case <-ticks.C:
				c.wait.Go(func() { c.ask(caller) })
			}
		}
	})
	return c, nil
}

func (c *client) ask(caller *platformtest.Caller) {
	r := request{began: time.Now()}
	_, r.err = caller.Ask()
	r.ended = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	if r.err == nil && r.began.After(c.answered) {
		c.answered = r.began
	}
}

// answeredSince returns when the newest answered request began, if that was after t.
func (c *client) answeredSince(t time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered, c.answered.After(t)
}

// take returns the requests that ended since the last call.
func (c *client) take() []request {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.requests
	c.requests = nil
	return taken
}

// stop ends the asking and waits for the last answer.
func (c *client) stop() {
	close(c.halt)
	c.wait.Wait()
}

// outage is the time in which a process that requests need was away. The zero outage excuses nothing.
type outage struct{ from, to time.Time }

// excuses reports whether the request was under way during the outage.
func (o outage) excuses(r request) bool {
	return !o.from.IsZero() && !r.ended.Before(o.from) && !r.began.After(o.to)
}

// count counts the failed requests, and those of them that the outage does not excuse.
func count(requests []request, o outage) (failed, unexpected int, first error) {
	for _, r := range requests {
		if r.err == nil {
			continue
		}
		failed++
		if !o.excuses(r) {
			unexpected++
			if first == nil {
				first = r.err
			}
		}
	}
	return failed, unexpected, first
}
