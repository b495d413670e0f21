package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
)

// When a crashing predictor is given up, and how long one may take to become ready or to drain.
const (
	maxCrashes   = 5
	crashWindow  = time.Minute
	firstBackoff = 100 * time.Millisecond // doubles with each crash in the window
	readyLimit   = 30 * time.Second
	readyPoll    = 10 * time.Millisecond
)

// predictor keeps one instance of a spec running until it is stopped or crashes too often. Its status is read by get, and changed is called after every
// change.
type predictor struct {
	spec  contract.TrackSpec
	start func(ctx context.Context) (runtime.Instance, error)
	// running is an instance to begin with; nil: start one. ready says that it is known to be ready.
	running runtime.Instance
	ready   bool
	now     func() time.Time
	changed func() // called without the lock after every change of status
	// spared says whether the predictor is started again though it was killed at its limit.
	spared func() bool

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
	killed   string // see contract.Track
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
// killed at its limit and is not spared.
func (p *predictor) keep(ctx context.Context) {
	var crashes []time.Time
	for {
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		now := p.now()
		crashes = append(within(crashes, now.Add(-crashWindow)), now)
		over, outOfMemory := errors.AsType[*runtime.OutOfMemory](err)
		if outOfMemory && !p.spared() || len(crashes) >= maxCrashes {
			p.set(func(s *status) {
				s.state, s.pid = contract.TrackFailed, 0
				if s.message = fmt.Sprintf("given up after %d crashes within %s, the last: %v", len(crashes), crashWindow, err); outOfMemory {
					s.killed, s.message = over.Error(), over.Error()
				}
			})
			return
		}
		p.set(func(s *status) {
			s.state, s.pid = contract.TrackStarting, 0
			s.restarts++
			s.message = fmt.Sprintf("starting again after: %v", err)
			if outOfMemory {
				s.killed = over.Error()
			}
		})
		timer := time.NewTimer(firstBackoff << (len(crashes) - 1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
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
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-instance.Ended():
		return instance.Err()
	}
}

// awaitReady returns the instance's address once it answers ready there.
func awaitReady(ctx context.Context, instance runtime.Instance) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if url := instance.URL(); url != "" && answersReady(ctx, url) {
			return url, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("not ready within %s", readyLimit)
		case <-instance.Ended():
			return "", instance.Err()
		case <-poll.C:
		}
	}
}

func answersReady(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
