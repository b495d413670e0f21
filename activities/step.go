package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// Step is one step of a workflow, as a value that registers it, calls it and is the identity of its cached results. The types of
// what goes in and comes out are part of it: a workflow that gives it anything else does not compile.
type Step[In any, Out Output] struct {
	// Name is the activity's type name, which an operator reads. It is pinned: histories hold it.
	Name string
	// Version is a part of the cache's key, raised when the same input means another output. Steps that are not cached have none.
	Version string
	// Role is whose workers do the step.
	Role Role
	// Patience is how long it may take.
	Patience Patience
	// Urgent steps take seconds and must not wait: they are taken from a queue of their own, see Queue.
	Urgent bool
}

// Queue is the task queue from which the role's workers take the step.
func (s Step[In, Out]) Queue() string {
	if s.Urgent {
		return s.Role.UrgentQueue()
	}
	return s.Role.Queue()
}

// Output is what a step returns. Its summary is the sentence that the run's progress shows.
type Output interface{ Summary() string }

// producer is an output that refers to objects. They are known by their roles, see package artifact.
type producer interface {
	Artifacts() map[string]artifact.Ref
}

// Role is a kind of worker: what it needs to reach, and what it competes for.
type Role string

// The roles.
const (
	Data    Role = "data"    // reads, checks and splits raw data
	Train   Role = "train"   // trains, evaluates and registers models
	Deliver Role = "deliver" // brings versions to production
	// Integrate tests commits, packages and publishes them.
	Integrate Role = "integrate"
)

// Roles are all of them.
var Roles = []Role{Data, Train, Deliver, Integrate}

// Queue is the task queue from which the role's workers take their steps.
func (r Role) Queue() string { return "loanops-" + string(r) }

// UrgentQueue is that of the urgent ones. Its slots are its own: who records that a champion has all traffic, and tells the agent, never waits
// for a canary's window or for a terraform apply that is being cancelled.
func (r Role) UrgentQueue() string { return r.Queue() + "-urgent" }

// Patience is how long a step may take before it is tried again.
type Patience int

// The patiences.
const (
	// Quick is for steps that take seconds: registry rows, parsing, judging.
	Quick Patience = iota
	// Long is for steps that may take many minutes.
	Long
	// Brief is for steps that may take minutes and whose failure is soon to be answered otherwise: it is tried three times.
	Brief
	// Lasting is for what is of use even a day later, and takes seconds once it can be done.
	Lasting
)

// On is the step on the queue of another role.
func (s Step[In, Out]) On(role Role) Step[In, Out] {
	s.Role = role
	return s
}

// registrar takes the steps of one queue of a role.
type registrar struct {
	worker.ActivityRegistry
	role   Role
	urgent bool
	runs   *Runs
}

// register makes work the step's activity under its pinned name, if the step is one of the registrar's queue.
func (s Step[In, Out]) register(to registrar, work func(context.Context, In) (Out, error)) {
	if s.Role == to.role && s.Urgent == to.urgent {
		to.RegisterActivityWithOptions(s.wrap(to.runs, work), activity.RegisterOptions{Name: s.Name})
	}
}

// wrap makes an activity of a stage's method: it heartbeats while the method works, notes the artifacts of its output as the
// run's, and maps its faults.
func (s Step[In, Out]) wrap(runs *Runs, work func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		info := activity.GetInfo(ctx)
		p := &pulse{}
		stop := p.beat(ctx, info.HeartbeatTimeout/5)
		defer stop()
		out, err := work(context.WithValue(ctx, pulseKey{}, p), in)
		if err == nil {
			err = runs.note(ctx, info.WorkflowExecution.RunID, out)
		}
		return out, mapped(ctx, err)
	}
}

// mapped turns a fault into Temporal's terms: its code becomes the error's type, and what another try cannot mend is not
// tried again. What is said in Temporal's terms already stays. Work that ended because it was cancelled says so, whatever it made of that.
func mapped(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		return err
	}
	code := fault.CodeOf(err)
	if fault.Permanent(code) {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(code), nil)
	}
	return temporal.NewApplicationError(err.Error(), string(code))
}
