package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Workspace is Terraform in one pipeline's environment, see terraform.Workspace.
type Workspace interface {
	Plan(ctx context.Context, desired terraform.Desired) (terraform.PlanSummary, error)
	Apply(ctx context.Context, desired terraform.Desired) error
	BreakLock(ctx context.Context, lock terraform.Lock) error
}

// Environments changes what runs where and what serves. Every change is a record first: the generation that it takes is what Terraform
// and the agent are then asked to follow.
type Environments struct {
	Registry registry.Registry
	Agent    shift.Agent
	// Image is what new tracks of versions that name none run in, repository@sha256:….
	Image string
	// Workspace is where a step works.
	Workspace func(pipeline, environment string, step terraform.Step) Workspace
	// Gone reports whether a step cannot do anything any more: its attempt was given up, or its run is closed.
	Gone func(ctx context.Context, step terraform.Step) (bool, error)
	// Running reports whether the run that wrote a record is still open; false for a person.
	Running func(ctx context.Context, by serving.Author) (bool, error)
}

// PlanInput asks what bringing the candidate into the environment would change.
type PlanInput struct {
	Candidate   Candidate `json:"candidate"`
	Environment string    `json:"environment"`
}

// PlanOutput is a Terraform plan in words and figures, for the candidate.
type PlanOutput struct {
	Plan    terraform.PlanSummary `json:"plan"`
	Planned capacity.Grant        `json:"planned"`
}

// Summary says how much changes and what the predictor gets.
func (o PlanOutput) Summary() string {
	return fmt.Sprintf("%d changes, %d MiB and %d millicores planned", len(o.Plan.Changes), o.Planned.MemoryMiB, o.Planned.CPUMillis)
}

// Plan says what the candidate would change where it gets no clients' traffic yet. It records nothing.
func (e *Environments) Plan(ctx context.Context, in PlanInput) (PlanOutput, error) {
	newest, err := e.Registry.Serving(ctx, in.Candidate.Model, in.Environment)
	if err != nil {
		return PlanOutput{}, err
	}
	next := newest.Stage(in.Candidate.Track)
	if in.Environment == serving.Production {
		if next, err = newest.Prepare(in.Candidate.Track, ""); err != nil {
			return PlanOutput{}, err
		}
	}
	desired, err := e.desired(ctx, next, in.Candidate.Spec)
	if err != nil {
		return PlanOutput{}, err
	}
	say(ctx, "terraform plan")
	summary, err := e.Workspace(in.Candidate.Model, in.Environment, stepOf(ctx)).Plan(ctx, desired)
	if err != nil {
		return PlanOutput{}, err
	}
	for slot, track := range desired.Tracks {
		if planned, ok := summary.Planned[slot]; ok && track.Identity() == in.Candidate.Track {
			return PlanOutput{Plan: summary, Planned: planned}, nil
		}
	}
	return PlanOutput{}, fault.New(fault.Internal, "the plan of %s grants version %d nothing", in.Environment, in.Candidate.Version)
}

// desired is the environment that follows record, given what it is now.
func (e *Environments) desired(ctx context.Context, record serving.Record, specDigest string) (terraform.Desired, error) {
	spec, err := specAt(ctx, e.Registry, record.Pipeline, specDigest)
	if err != nil {
		return terraform.Desired{}, err
	}
	history, err := e.Registry.ServingHistory(ctx, record.Pipeline, record.Environment)
	if err != nil {
		return terraform.Desired{}, err
	}
	actual, err := e.Agent.Actual(ctx, record.Environment, record.Pipeline)
	if err != nil {
		return terraform.Desired{}, err
	}
	return terraform.Follow(record, history, actual, func(track serving.Track) (contract.TrackSpec, error) {
		return trackSpec(ctx, e.Registry, spec, track, e.Image)
	})
}

// apply makes the environment follow record, through Terraform, and returns the record that it follows in the end: where the lock
// of a writer who is gone is in the way, that is a renewal, see breakLock. Doing it again changes nothing.
func (e *Environments) apply(ctx context.Context, record serving.Record, specDigest string) (serving.Record, error) {
	err := e.applyOnce(ctx, record, specDigest)
	var locked *terraform.LockedError
	if !errors.As(err, &locked) {
		return record, err
	}
	if record, err = e.breakLock(ctx, record, locked); err != nil {
		return record, err
	}
	return record, e.applyOnce(ctx, record, specDigest)
}

// applyOnce tells the agent the generation first, so that whoever followed an older one is refused from here on.
func (e *Environments) applyOnce(ctx context.Context, record serving.Record, specDigest string) error {
	if err := e.Agent.Teach(ctx, record.Environment, record.Pipeline, record.Generation); err != nil {
		return e.overtaken(ctx, record, err)
	}
	desired, err := e.desired(ctx, record, specDigest)
	if err != nil {
		return err
	}
	say(ctx, "terraform apply")
	if err := e.Workspace(record.Pipeline, record.Environment, stepOf(ctx)).Apply(ctx, desired); err != nil {
		return e.overtaken(ctx, record, err)
	}
	return nil
}

// overtaken makes of an error what it means when the record has moved on: this writer is not to try again.
func (e *Environments) overtaken(ctx context.Context, record serving.Record, err error) error {
	newest, readErr := e.Registry.Serving(ctx, record.Pipeline, record.Environment)
	if readErr == nil && newest.Generation > record.Generation && !newest.DoneBy(record.Operation) {
		return overtakenBy(newest)
	}
	return err
}

// overtakenBy names who took over.
func overtakenBy(newest serving.Record) error {
	return fault.New(fault.Overtaken, "overtaken in %s of %s by %s", newest.Environment, newest.Pipeline, newest)
}
