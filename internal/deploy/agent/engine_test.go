package agent

import (
	"context"
	"sync"
	"syscall"

	"github.com/loanops/loanops/internal/deploy/runtime"
)

// limitMiB is what test tracks are granted, see deploytest.Spec.
const limitMiB = 100

// engine is a runtime whose predictors outlive an agent that is killed, as containers do. It counts what it starts.
type engine struct {
	runtime.Runtime

	mu      sync.Mutex
	started int
	crashes int
	alive   map[runtime.Instance]runtime.Left
	over    map[runtime.Instance]bool // killed at their limit
}

func newEngine(of runtime.Runtime) *engine {
	return &engine{Runtime: of, alive: map[runtime.Instance]runtime.Left{}, over: map[runtime.Instance]bool{}}
}

// Bring is the runtime's, and notes what is started.
func (e *engine) Bring(ctx context.Context, image string) (runtime.Start, error) {
	start, err := e.Runtime.Bring(ctx, image)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, what runtime.Launch) (runtime.Instance, error) {
		instance, err := start(ctx, what)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.started++
		e.alive[instance] = runtime.Left{Owner: what.Owner, Spec: runtime.SpecDigest(what.Spec)}
		return &handedOut{instance, e, e.crashes}, nil
	}, nil
}

// Left are those that an agent before the last crash started.
func (e *engine) Left(context.Context) (left []runtime.Left, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for instance, of := range e.alive {
		of.Instance = &handedOut{instance, e, e.crashes}
		left = append(left, of)
	}
	return left, nil
}

// Close leaves the runtime to the next agent.
func (e *engine) Close() {}

// crash ends the agent without a word: what it does from now on to its predictors does not reach them.
func (e *engine) crash() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.crashes++
}

// outOfMemory kills the process as the kernel does at a container's limit.
func (e *engine) outOfMemory(pid int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for instance := range e.alive {
		if instance.PID() == pid {
			e.over[instance] = true
		}
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// starts is how many predictors were started so far.
func (e *engine) starts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.started
}

// handedOut is a predictor as one agent knows it.
type handedOut struct {
	runtime.Instance
	engine *engine
	life   int
}

// Err is how it ended.
func (h *handedOut) Err() error {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	if h.engine.over[h.Instance] {
		return &runtime.OutOfMemory{LimitMiB: limitMiB}
	}
	return h.Instance.Err()
}

// Stop stops it, unless the agent that does so is dead.
func (h *handedOut) Stop() {
	h.engine.mu.Lock()
	dead := h.life != h.engine.crashes
	if !dead {
		delete(h.engine.alive, h.Instance)
	}
	h.engine.mu.Unlock()
	if !dead {
		h.Instance.Stop()
	}
}
