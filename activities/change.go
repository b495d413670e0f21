package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/serving"
)

// ChangeInput asks for the next record of an environment and for what follows from it.
type ChangeInput struct {
	Candidate Candidate `json:"candidate"`
	// After is the newest generation that the run knows. A newer one by anybody else overtakes the run.
	After int64 `json:"after"`
	// Ours accepts newer rows that this run itself wrote: a step that was given up may have written before it ended. Only the last
	// change of a run may ask for it, or the step that was given up could still undo that one.
	Ours   bool   `json:"ours,omitempty"`
	Weight int    `json:"weight,omitempty"` // percent
	Drill  string `json:"drill,omitempty"`
	serving.Author
}

// ChangeOutput is the record that was taken.
type ChangeOutput struct {
	Generation int64 `json:"generation"`
	Weight     int   `json:"weight"` // of the candidate, in percent
	// Pending says why traffic does not follow the record yet; empty when it does, or is not to be asked.
	Pending string `json:"pending,omitempty"`
}

// Summary says what the candidate has now.
func (o ChangeOutput) Summary() string {
	return withPending(fmt.Sprintf("generation %d: the candidate has %d %%", o.Generation, o.Weight), o.Pending)
}

// withPending says beside what was recorded why traffic does not follow it yet, where it does not.
func withPending(recorded, why string) string {
	if why == "" {
		return recorded
	}
	return recorded + "; traffic does not follow yet: " + why
}

// take appends the record that change makes of the newest one. Repeating it after a lost reply is the same row.
func (e *Environments) take(ctx context.Context, environment string, in ChangeInput, change func(newest serving.Record) (serving.Record, error)) (serving.Record, error) {
	newest, err := e.Registry.Serving(ctx, in.Candidate.Model, environment)
	if err != nil {
		return serving.Record{}, err
	}
	known, err := isNewest(ctx, e.Registry, newest, in.After)
	if err != nil {
		return serving.Record{}, err
	}
	switch {
	case newest.DoneBy(in.Operation):
		return newest, nil
	case known:
	case in.Ours && newest.Writer == in.Writer:
	default:
		return serving.Record{}, overtakenBy(newest)
	}
	next, err := change(newest)
	if err != nil {
		return serving.Record{}, err
	}
	taken, err := e.Registry.TakeGeneration(ctx, next.By(in.Author)) // a Conflict is tried again, and is overtaken then
	if err == nil && taken.Generation != next.Generation {
		err = overtakenBy(newest)
	}
	return taken, err
}

// follow takes a record and makes the environment follow it through Terraform.
func (e *Environments) follow(ctx context.Context, environment string, in ChangeInput, change func(serving.Record) (serving.Record, error)) (ChangeOutput, error) {
	record, err := e.take(ctx, environment, in, change)
	if err != nil {
		return ChangeOutput{}, err
	}
	record, err = e.apply(ctx, record, in.Candidate.Spec)
	return ChangeOutput{Generation: record.Generation, Weight: record.Share(in.Candidate.Track)}, err
}

// Stage puts the candidate into staging, which no client knows: whoever stages is the next.
func (e *Environments) Stage(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	newest, err := e.Registry.Serving(ctx, in.Candidate.Model, serving.Staging)
	if err != nil {
		return ChangeOutput{}, err
	}
	in.After = newest.Generation
	return e.follow(ctx, serving.Staging, in, func(newest serving.Record) (serving.Record, error) {
		return newest.Stage(in.Candidate.Track), nil
	})
}

// Prepare brings the first candidate up in production, without traffic.
func (e *Environments) Prepare(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	return e.follow(ctx, serving.Production, in, func(newest serving.Record) (serving.Record, error) {
		return newest.Prepare(in.Candidate.Track, in.Drill)
	})
}

// Weigh gives the candidate its share of production.
func (e *Environments) Weigh(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	return e.follow(ctx, serving.Production, in, func(newest serving.Record) (serving.Record, error) {
		return newest.Canary(in.Candidate.Track, in.Weight, in.Drill)
	})
}

// Promote records the candidate as champion; traffic is made to follow by the steps after.
func (e *Environments) Promote(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	record, err := e.take(ctx, serving.Production, in, serving.Record.Promote)
	return ChangeOutput{Generation: record.Generation, Weight: record.Share(in.Candidate.Track)}, err
}

// Abort records that there is no challenger any more and tells the agent at once: the champion has all traffic.
func (e *Environments) Abort(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	return e.shifted(ctx, in, func(newest serving.Record) (serving.Record, error) { return newest.Abort(), nil })
}

// Restore records anew what serves, to bring it back: the champion alone, where a canary was left behind by nobody.
func (e *Environments) Restore(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
	return e.shifted(ctx, in, func(newest serving.Record) (serving.Record, error) {
		if newest.InCanary() {
			return newest.Abort(), nil
		}
		return newest.Restore(), nil
	})
}

// shifted takes a record and tells the agent. That traffic does not follow at once is no fault of this step: it is in the output.
func (e *Environments) shifted(ctx context.Context, in ChangeInput, change func(serving.Record) (serving.Record, error)) (ChangeOutput, error) {
	record, err := e.take(ctx, serving.Production, in, change)
	if err != nil {
		return ChangeOutput{}, err
	}
	out := ChangeOutput{Generation: record.Generation, Weight: record.Share(in.Candidate.Track)}
	if err := shift.Reconcile(ctx, e.Agent, record); err != nil {
		out.Pending = err.Error()
	}
	return out, nil
}
