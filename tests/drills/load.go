package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// pace is how often the client asks.
const pace = 20 * time.Millisecond

// load is a lender's software that asks the gateway for decisions all the time.
type load struct {
	halt          chan struct{}
	stopped       sync.Once
	wait          sync.WaitGroup
	asked, failed atomic.Int64
}

func newLoad(p *platformtest.Platform, model string) (*load, error) {
	applications, err := p.Examples(model, "champion")
	if err != nil {
		return nil, err
	}
	caller, err := p.Caller(model, applications...)
	if err != nil {
		return nil, err
	}
	l := &load{halt: make(chan struct{})}
	l.wait.Go(func() {
		ticks := time.NewTicker(pace)
		defer ticks.Stop()
		for {
			select {
			case <-l.halt:
				return
			case <-ticks.C:
				l.wait.Go(func() { l.ask(caller) })
			}
		}
	})
	return l, nil
}

func (l *load) ask(caller *platformtest.Caller) {
	_, err := caller.Ask()
	l.asked.Add(1)
	if err != nil {
		l.failed.Add(1)
		say("a request failed: %s", err)
	}
}

// stop ends the asking and waits for the last answer.
func (l *load) stop() {
	l.stopped.Do(func() { close(l.halt) })
	l.wait.Wait()
}
