package platformtest

import (
	"sync"
	"time"
)

// pace is how often a Load asks.
const pace = 20 * time.Millisecond

// Request is one that was answered, or not.
type Request struct {
	Began, Ended time.Time
	Err          error
}

// Load is a lender's software that asks the gateway for decisions all the time, whether earlier requests were answered or not.
type Load struct {
	halt    chan struct{}
	stopped sync.Once
	wait    sync.WaitGroup
}

// Load begins to ask, and tells ended every request that has ended; several may end at once.
func (p *Platform) Load(model string, ended func(Request)) (*Load, error) {
	applications, err := p.Examples(model, "champion")
	if err != nil {
		return nil, err
	}
	// One application over and over would be a peak in the scores that the canary compares, for each version at another place.
	caller, err := p.Caller(model, applications...)
	if err != nil {
		return nil, err
	}
	return NewLoad(caller.Ask, ended), nil
}

// NewLoad asks as Load's does, whomever ask asks.
func NewLoad(ask func() (Track, error), ended func(Request)) *Load {
	l := &Load{halt: make(chan struct{})}
	l.wait.Go(func() {
		ticks := time.NewTicker(pace)
		defer ticks.Stop()
		for {
			select {
			case <-l.halt:
				return
			case <-ticks.C:
				l.wait.Go(func() {
					r := Request{Began: time.Now()}
					_, r.Err = ask()
					r.Ended = time.Now()
					ended(r)
				})
			}
		}
	})
	return l
}

// Stop ends the asking and waits for the last answer.
func (l *Load) Stop() {
	l.stopped.Do(func() { close(l.halt) })
	l.wait.Wait()
}
