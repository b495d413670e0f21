// Package runtime is how predictors run: as processes of this machine, or as containers of a container engine, which enforces what a plan grants.
package runtime

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// The names of the runtimes, as settings, tracks and plans have them.
const (
	Process = "process"
	Docker  = "docker"
)

// DrainGrace is how long a predictor may answer what it has begun before it is killed.
const DrainGrace = 10 * time.Second

// Runtime runs predictors.
type Runtime interface {
	// Name is one of the names above.
	Name() string
	// Bring makes an image, named repository@sha256:…, ready, and returns how it is started from then on, also while its registry is away.
	Bring(ctx context.Context, image string) (Start, error)
	// Left are the predictors that an agent before this one started and did not stop, because it was killed. Whoever asks owns them.
	Left(ctx context.Context) ([]Left, error)
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

// Left is a predictor that runs though nobody who knows it does.
type Left struct {
	Owner Owner
	// Spec is the digest of what it runs, see SpecDigest.
	Spec     string
	Instance Instance
}

// OutOfMemory is how a predictor ends that wanted more memory than its plan grants.
type OutOfMemory struct{ LimitMiB int64 }

// Error names the limit.
func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("killed at %d MiB, the plan's limit", e.LimitMiB)
}
