package platform

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/process"
)

// service is one program of the platform, started again when it crashes.
type service struct {
	name, program string
	args, env     []string
	logDir        string
	// changed is called whenever a new process runs.
	changed func()

	mu     sync.Mutex
	pid    int
	cancel context.CancelFunc
	done   chan struct{}
}

// Backoff and grace of services.
const (
	firstRestart = 100 * time.Millisecond
	lastRestart  = 5 * time.Second
	stopGrace    = 20 * time.Second
	steady       = 30 * time.Second
)

// start runs the service until stop. The error is that of the first start.
func (s *service) start() error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan struct{})
	cmd, exited, err := s.launch()
	if err != nil {
		cancel()
		close(s.done)
		return err
	}
	go s.supervise(ctx, cmd, exited)
	return nil
}

func (s *service) launch() (*exec.Cmd, chan struct{}, error) {
	log, err := file.OpenLog(filepath.Join(s.logDir, s.name+".log"))
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.program, s.args...)                                //nolint:noctx // ended by process.Stop, in order
	cmd.Env, cmd.Stdout, cmd.Stderr = append([]string{}, s.env...), log, log // nil would be all of this process's environment
	if err := process.Start(cmd); err != nil {
		return nil, nil, fault.Wrap(fault.NotFound, err, "starting %s; `make build` puts the programs into bin/", s.name)
	}
	s.mu.Lock()
	s.pid = cmd.Process.Pid
	s.mu.Unlock()
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return cmd, exited, nil
}

func (s *service) supervise(ctx context.Context, cmd *exec.Cmd, exited chan struct{}) {
	defer close(s.done)
	wait, began := firstRestart, time.Now()
	for {
		select {
		case <-ctx.Done():
			process.Stop(cmd, exited, stopGrace)
			return
		case <-exited:
		}
		if time.Since(began) > steady {
			wait = firstRestart
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, lastRestart)
			var err error
			if cmd, exited, err = s.launch(); err == nil {
				break
			}
		}
		began = time.Now()
		s.changed()
	}
}

func (s *service) stop() {
	s.cancel()
	<-s.done
}

func (s *service) running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// awaitHTTP waits until the address answers at all with a status below 500.
func (s *service) awaitHTTP(ctx context.Context, url string) error {
	return s.await(ctx, func() bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode < http.StatusInternalServerError
	})
}

// startLimit is how long a service may take until it is ready.
const startLimit = 60 * time.Second

func (s *service) await(ctx context.Context, ready func() bool) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fault.New(fault.Unavailable, "%s is not ready; the end of its log:\n%s", s.name, s.logTail())
		case <-poll.C:
		}
	}
	return nil
}

func (s *service) logTail() string {
	data, err := os.ReadFile(filepath.Join(s.logDir, s.name+".log"))
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(data[max(0, len(data)-1500):])
}
