package agent

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// When a crashing predictor is given up, and how long one may take to become ready or to drain.
const (
	maxCrashes   = 5
	crashWindow  = time.Minute
	firstBackoff = 100 * time.Millisecond // doubles with each crash in the window
	readyLimit   = 30 * time.Second
	readyPoll    = 10 * time.Millisecond
)

// startProcess starts loanops-api, which writes its address to addressFile.
type startProcess func(spec contract.TrackSpec, addressFile string) (*child, error)

// predictor keeps one loanops-api process running for one spec until it is stopped or crashes too often. Its status is
// read by get, and changed is called after every change.
type predictor struct {
	spec        contract.TrackSpec
	addressFile string
	start       startProcess
	now         func() time.Time
	changed     func() // called without the lock after every change of status

	mu     sync.Mutex
	status status

	stop context.CancelFunc
	done chan struct{} // closed when no process is left and none will come
}

// status is what is known of a predictor.
type status struct {
	state    contract.TrackState
	url      string
	pid      int
	restarts int
	message  string
}

// runPredictor starts keeping a predictor.
func runPredictor(p *predictor) *predictor {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.done = cancel, make(chan struct{})
	p.status = status{state: contract.TrackStarting, message: "starting"}
	go func() {
		defer close(p.done)
		defer os.Remove(p.addressFile)
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

// keep starts the process again after each crash until ctx ends or it crashed maxCrashes times within crashWindow.
func (p *predictor) keep(ctx context.Context) {
	var crashes []time.Time
	for {
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		now := p.now()
		crashes = append(within(crashes, now.Add(-crashWindow)), now)
		if len(crashes) >= maxCrashes {
			p.set(func(s *status) {
				s.state, s.pid = contract.TrackFailed, 0
				s.message = fmt.Sprintf("given up after %d crashes within %s, the last: %v", len(crashes), crashWindow, err)
			})
			return
		}
		p.set(func(s *status) {
			s.state, s.pid = contract.TrackStarting, 0
			s.restarts++
			s.message = fmt.Sprintf("starting again after: %v", err)
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

// once runs the process until it ends or ctx does, and returns how it ended.
func (p *predictor) once(ctx context.Context) error {
	// The address of the process before must not be taken for this one's: its port may be another predictor's by now.
	if err := os.Remove(p.addressFile); err != nil && !os.IsNotExist(err) {
		return err
	}
	c, err := p.start(p.spec, p.addressFile)
	if err != nil {
		return err
	}
	defer c.stop()
	p.set(func(s *status) { s.pid = c.cmd.Process.Pid })
	url, err := p.awaitReady(ctx, c)
	if err != nil {
		return err
	}
	p.set(func(s *status) { s.state, s.url, s.message = contract.TrackReady, url, "" })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.exited:
		return ended(c)
	}
}

// awaitReady returns the child's address once it answers ready there.
func (p *predictor) awaitReady(ctx context.Context, c *child) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if address, err := os.ReadFile(p.addressFile); err == nil {
			if url := strings.TrimSpace(string(address)); answersReady(ctx, url) {
				return url, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("not ready within %s", readyLimit)
		case <-c.exited:
			return "", ended(c)
		case <-poll.C:
		}
	}
}

func ended(c *child) error {
	if c.err != nil {
		return c.err
	}
	return fmt.Errorf("the process ended by itself with exit code 0")
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
