package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// ChooseRollbackInput asks where a rollback goes back to.
type ChooseRollbackInput struct {
	Model string `json:"model"`
	// Wanted is the track to go back to; none: during a canary the champion, else the previous champion.
	shift.Wanted
	// After is the generation that the asker knows: a newer one by anybody else overtakes the rollback. 0 goes back from whatever serves.
	After int64 `json:"after,omitempty"`
}

// ChooseRollbackOutput is the track to go back to, chosen once for all tries of the rollback.
type ChooseRollbackOutput struct {
	Target shift.Target `json:"target"`
}

// Summary says which version.
func (o ChooseRollbackOutput) Summary() string { return fmt.Sprintf("to version %d", o.Target.Version) }

// RollBackInput asks that all traffic goes back to a track.
type RollBackInput struct {
	Model  string       `json:"model"`
	Target shift.Target `json:"target"`
	// After is the generation that the asker knows: a newer one by anybody else overtakes the rollback. 0 goes back from whatever serves.
	After int64 `json:"after,omitempty"`
	// Down says that the target may be down: a delivery that gives traffic back goes on until it is served.
	Down bool `json:"down,omitempty"`
	serving.Author
}

// RollBackOutput is what the rollback recorded, or the one before that it repeated.
type RollBackOutput struct {
	Done       string `json:"done"` // in words
	Generation int64  `json:"generation"`
	// Pending says why traffic does not follow the record yet; empty when it does.
	Pending string `json:"pending,omitempty"`
}

// Summary says from which version to which.
func (o RollBackOutput) Summary() string { return withPending(o.Done, o.Pending) }

// FindRollbackInput names the record of a rollback that is to be followed; generation 0 is that of the newest.
type FindRollbackInput struct {
	Model      string `json:"model"`
	Generation int64  `json:"generation"`
}

// FindRollbackOutput is the record to be followed: that one, or that of a rollback since.
type FindRollbackOutput struct {
	Generation int64  `json:"generation"`
	Version    int    `json:"version"` // of the champion
	Digest     string `json:"digest"`
}

// Summary says what is followed.
func (o FindRollbackOutput) Summary() string {
	return fmt.Sprintf("generation %d: version %d is champion", o.Generation, o.Version)
}

// ChooseRollback says where a rollback goes back to, see shift.Choose; Overtaken when what serves is not what the asker knows.
func (e *Environments) ChooseRollback(ctx context.Context, in ChooseRollbackInput) (ChooseRollbackOutput, error) {
	if in.After > 0 {
		newest, err := e.Registry.Serving(ctx, in.Model, serving.Production)
		if err != nil {
			return ChooseRollbackOutput{}, err
		}
		known, err := isNewest(ctx, e.Registry, newest, in.After)
		if err != nil {
			return ChooseRollbackOutput{}, err
		}
		if !known {
			return ChooseRollbackOutput{}, overtakenBy(newest)
		}
	}
	target, err := shift.Choose(ctx, e.Registry, e.Agent, in.Model, in.Wanted)
	return ChooseRollbackOutput{Target: target}, err
}

// RollBack gives all traffic to an earlier champion that still runs, in seconds, see shift.RollBack.
func (e *Environments) RollBack(ctx context.Context, in RollBackInput) (RollBackOutput, error) {
	done, err := shift.RollBack(ctx, e.Registry, e.Agent, shift.Request{Model: in.Model, Target: in.Target, After: in.After, Down: in.Down, Author: in.Author})
	if done.Record.Generation == 0 {
		return RollBackOutput{}, err
	}
	out := RollBackOutput{Done: done.String(), Generation: done.Record.Generation}
	if err != nil {
		out.Pending = err.Error()
	}
	return out, nil
}

// FindRollback finds the newest record, which must be the named one or that of a rollback since, restored perhaps by a delivery that may end
// before it is followed; Overtaken when it is neither.
func (e *Environments) FindRollback(ctx context.Context, in FindRollbackInput) (FindRollbackOutput, error) {
	history, err := e.Registry.ServingHistory(ctx, in.Model, serving.Production)
	if err != nil {
		return FindRollbackOutput{}, err
	}
	newest := serving.Newest(history, in.Model, serving.Production)
	named, err := isNewest(ctx, e.Registry, newest, in.Generation)
	switch {
	case err != nil:
		return FindRollbackOutput{}, err
	case !named && serving.Decided(history).Change != serving.RolledBack:
		return FindRollbackOutput{}, overtakenBy(newest)
	case newest.Champion == nil:
		return FindRollbackOutput{}, fault.New(fault.NotFound, "%s has no champion: there is no rollback to follow", in.Model)
	}
	champion, err := e.Registry.Version(ctx, in.Model, newest.Champion.Version)
	return FindRollbackOutput{Generation: newest.Generation, Version: champion.Version, Digest: champion.Digest}, err
}
