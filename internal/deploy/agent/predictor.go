package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// When a crashing predictor is given up, and how long one may take to become ready or to drain.
const (
	maxCrashes   = 5
	crashWindow  = time.Minute
	firstBackoff = 100 * time.Millisecond // doubles with each crash in the window, and while what it needs is away
	maxBackoff   = 5 * time.Second
	readyLimit   = 30 * time.Second
)

// predictor keeps one instance of a spec running until it is stopped or crashes too often. Its status is read by get, and changed is called after every
// change.
type predictor struct {
	spec  contract.TrackSpec
	start func(ctx context.Context) (runtime.Instance, error)
	// running is an instance to begin with; nil: start one. ready says that it is known to be ready, served that one of the spec has been, be it of an agent before.
	running       runtime.Instance
	ready, served bool
	now           func() time.Time
	changed       func() // called without the lock after every change of status
	// outOfMemory notes that an instance was killed at its limit, and says whether another one is started.
	outOfMemory func(limitMiB int64) (again bool)

	mu     sync.Mutex
	status status

	stop context.CancelFunc
	done chan struct{} // closed when no instance is left and none will come
}

// status is what is known of a predictor.
type status struct {
	state    contract.TrackState
	url      string
	pid      int
	restarts int
	message  string
	away     bool // it was given up for what it needs is away, by no fault of its
}

// runPredictor starts keeping a predictor.
func runPredictor(p *predictor) *predictor {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.done = cancel, make(chan struct{})
	p.status = status{state: contract.TrackStarting, message: "starting"}
	if p.ready {
		p.status = status{state: contract.TrackReady, url: p.running.URL(), pid: p.running.PID()}
	}
	go func() {
		defer close(p.done)
		p.keep(ctx)
	}()
	return p
}

// get returns the status now.
func (p *predictor) get() status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// set changes the status and tells.
func (p *predictor) set(change func(*status)) {
	p.mu.Lock()
	change(&p.status)
	p.mu.Unlock()
	p.changed()
}

// end stops the predictor and returns when its process has ended.
func (p *predictor) end() {
	p.stop()
	<-p.done
}

// keep starts the predictor again after each crash until ctx ends or it is given up: because it crashed maxCrashes times within crashWindow, or was
// killed at its limit while nobody needed it. That one which has served cannot be started, for an engine or a registry is away, is no crash of its.
func (p *predictor) keep(ctx context.Context) {
	var crashes []time.Time
	for backoff := firstBackoff; ; {
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if p.served && fault.CodeOf(err) == fault.Unavailable {
			p.set(func(s *status) {
				s.state, s.pid, s.message = contract.TrackStarting, 0, fmt.Sprintf("starting again when it can be: %v", err)
			})
			if !sleep(ctx, backoff) {
				return
			}
			backoff = min(2*backoff, maxBackoff)
			continue
		}
		backoff = firstBackoff
		now := p.now()
		crashes = append(within(crashes, now.Add(-crashWindow)), now)
		message := fmt.Sprintf("given up after %d crashes within %s, the last: %v", len(crashes), crashWindow, err)
		over := len(crashes) >= maxCrashes
		if killed, is := errors.AsType[*runtime.OutOfMemory](err); is && !p.outOfMemory(killed.LimitMiB) && !over {
			over, message = true, killed.Error()
		}
		if over {
			p.set(func(s *status) {
				s.state, s.pid, s.message, s.away = contract.TrackFailed, 0, message, fault.CodeOf(err) == fault.Unavailable
			})
			return
		}
		p.set(func(s *status) {
			s.state, s.pid = contract.TrackStarting, 0
			s.restarts++
			s.message = fmt.Sprintf("starting again after: %v", err)
		})
		if !sleep(ctx, firstBackoff<<(len(crashes)-1)) {
			return
		}
	}
}

// sleep waits; false when ctx ends before.
func sleep(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// within returns the times after from.
func within(times []time.Time, from time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(from) {
		times = times[1:]
	}
	return times
}

// once runs an instance until it ends or ctx does, and returns how it ended.
func (p *predictor) once(ctx context.Context) error {
	instance := p.running
	if p.running = nil; instance == nil {
		var err error
		if instance, err = p.start(ctx); err != nil {
			return err
		}
	}
	defer instance.Stop()
	if p.get().state != contract.TrackReady {
		p.set(func(s *status) { s.pid = instance.PID() })
		url, err := awaitReady(ctx, instance)
		if err != nil {
			return err
		}
		p.set(func(s *status) { s.state, s.url, s.message = contract.TrackReady, url, "" })
		p.served = true
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-instance.Ended():
		return instance.Err()
	}
}

// awaitReady is runtime.AwaitReady for readyLimit at most.
func awaitReady(ctx context.Context, instance runtime.Instance) (string, error) {
	limited, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	url, err := runtime.AwaitReady(limited, instance)
	if err != nil && limited.Err() != nil {
		return "", fmt.Errorf("not ready within %s", readyLimit)
	}
	return url, err
}
