// Package runtime is how predictors run: as processes of this machine, or as containers of a container engine, which enforces what a plan grants.
package runtime

import (
	"context"
	"io"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// DrainGrace is how long a predictor may answer what it has begun before it is killed.
const DrainGrace = 10 * time.Second

// Runtime runs predictors.
type Runtime interface {
	// Name is which it is.
	Name() contract.Runtime
	// Enforces reports whether a predictor that wants more memory than its plan grants is killed.
	Enforces() bool
	// Keep tells, before anything is started, how to ask which images have to stay on this machine: they may start again while the registry is away.
	Keep(images func() []string)
	// Bring makes an image, named repository@sha256:…, ready, and returns how it is started from then on, also while its registry is away.
	Bring(ctx context.Context, image string) (Start, error)
	// Identify says what a predictor of the spec would be, if it were started now for a slot.
	Identify(spec contract.TrackSpec) (Identity, error)
	// Orphans are the predictors that an agent before this one started and did not stop, because it was killed. Whoever asks owns them, and stops also those that
	// have ended.
	Orphans(ctx context.Context) ([]Orphan, error)
	// Close gives back what the runtime holds; predictors go on.
	Close()
}

// Start starts a predictor and returns while it is not ready yet. ctx bounds the starting, not the predictor's life.
type Start func(ctx context.Context, what Launch) (Instance, error)

// Launch says what to run.
type Launch struct {
	// Owner is whose it is. The zero value is nobody's: it goes with whoever started it, and asks no feature store.
	Owner Owner
	Spec  contract.TrackSpec
	// Bundle is the local file of the model bundle, verified.
	Bundle string
	// Log takes what it prints. It is closed when it has ended.
	Log io.WriteCloser
	// Metered makes Usage known, which costs a little.
	Metered bool
}

// Owner is the slot that a predictor was started for, and the generation of the serving record under which that was asked.
type Owner struct {
	Environment, Pipeline, Slot string
	Generation                  int64
}

// Instance is a predictor that was started. Its methods may be called at any time by anybody.
type Instance interface {
	// PID is that of its process on the machine that it runs on.
	PID() int
	// URL is the base of its address, empty as long as it is not known.
	URL() string
	// Ended is closed when it has ended, by itself or because it was stopped.
	Ended() <-chan struct{}
	// Err says how it ended, once it has: *OutOfMemory when it was killed at its limit.
	Err() error
	// Stop lets it finish what it has begun, kills it after DrainGrace, removes what is left of it, and returns when that is done. Of what has ended by
	// itself it removes what is left.
	Stop()
	// Usage is what it used in its life, once it was stopped.
	Usage() Usage
}

// Usage is what a predictor used.
type Usage struct {
	// CPU is user and system time.
	CPU time.Duration
	// PeakMemory is the most memory that it held at a time, in bytes: what counts for its limit, without what the kernel would take back first.
	PeakMemory int64
}

// Identity tells predictors apart.
type Identity struct {
	// Made is the digest of all that it is made of: two of one digest are the same in everything but whose they are.
	Made string
	// Decides is the digest of what decides in it, see DecidesOf: two of one digest decide the same, whatever else differs.
	Decides string
}

// Orphan is a predictor that an agent left.
type Orphan struct {
	Owner    Owner
	Identity Identity
	// Instance runs, or has ended meanwhile.
	Instance Instance
	// Log makes what it has printed since then, and will, go to a log, which is closed when it has ended. It is called once, before Stop.
	Log func(to io.WriteCloser, since time.Time)
}

// OutOfMemory is how a predictor ends that wanted more memory than its plan grants.
type OutOfMemory struct{ LimitMiB int64 }

// Error names the limit.
func (e *OutOfMemory) Error() string { return contract.Kill{LimitMiB: e.LimitMiB}.String() }
