package agent

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

// limitMiB is what test tracks are granted, see deploytest.Spec.
const limitMiB = 100

// engine is a runtime whose predictors outlive an agent that is killed, as containers do. It counts what it starts.
type engine struct {
	runtime.Runtime

	mu      sync.Mutex
	started int
	crashes int
	alive   map[runtime.Instance]runtime.Orphan
	over    map[runtime.Instance]bool // killed at their limit
	release string                    // of the program whose agents start predictors: another one makes them in another way
	away    int                       // how many starts fail for the engine is away
	broken  error                     // why none starts
}

func newEngine(of runtime.Runtime) *engine {
	return &engine{Runtime: of, alive: map[runtime.Instance]runtime.Orphan{}, over: map[runtime.Instance]bool{}}
}

// Bring is the runtime's, and notes what is started.
func (e *engine) Bring(ctx context.Context, image string) (runtime.Start, error) {
	start, err := e.Runtime.Bring(ctx, image)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, what runtime.Launch) (runtime.Instance, error) {
		e.mu.Lock()
		if e.away > 0 {
			e.away--
			e.mu.Unlock()
			return nil, fault.New(fault.Unavailable, "the engine is away")
		}
		broken := e.broken
		e.mu.Unlock()
		if broken != nil {
			return nil, broken
		}
		instance, err := start(ctx, what)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.started++
		e.alive[instance] = runtime.Orphan{Owner: what.Owner, Identity: e.identity(what.Spec)}
		return &handedOut{instance, e, e.crashes}, nil
	}, nil
}

// Orphans are those that an agent before the last crash started.
func (e *engine) Orphans(context.Context) (orphans []runtime.Orphan, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for instance, of := range e.alive {
		of.Log = func(to io.WriteCloser, _ time.Time) { _ = to.Close() }
		of.Instance = &handedOut{instance, e, e.crashes}
		orphans = append(orphans, of)
	}
	return orphans, nil
}

// Identify tells releases apart.
func (e *engine) Identify(spec contract.TrackSpec) (runtime.Identity, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.identity(spec), nil
}

func (e *engine) identity(spec contract.TrackSpec) runtime.Identity {
	data, _ := json.Marshal(spec)
	return runtime.Identity{Made: e.release + sha256hex.Of(data), Decides: runtime.DecidesOf(spec)}
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
