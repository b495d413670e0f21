package activities

import (
	"context"

	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/serving"
)

// RollBackInput asks for an earlier champion.
type RollBackInput struct {
	Model string `json:"model"`
	// Version to go back to; 0: during a canary the champion, else the previous champion.
	Version int `json:"version"`
	serving.Author
}

// RollBackOutput is what the rollback recorded, or the one before that it repeated.
type RollBackOutput struct {
	Done       string `json:"done"` // in words
	To         int    `json:"to"`
	Digest     string `json:"digest"`
	Generation int64  `json:"generation"`
	// Pending says why traffic does not follow the record yet; empty when it does.
	Pending string `json:"pending,omitempty"`
}

// Summary says from which version to which.
func (o RollBackOutput) Summary() string { return withPending(o.Done, o.Pending) }

// RollBack gives all traffic to an earlier champion that still runs, in seconds, see shift.RollBack.
func (e *Environments) RollBack(ctx context.Context, in RollBackInput) (RollBackOutput, error) {
	done, err := shift.RollBack(ctx, e.Registry, e.Agent, shift.Request{Model: in.Model, Version: in.Version, Author: in.Author})
	if done.Record.Generation == 0 || done.Digest == "" {
		return RollBackOutput{}, err
	}
	out := RollBackOutput{Done: done.String(), To: done.To, Digest: done.Digest, Generation: done.Record.Generation}
	if err != nil {
		out.Pending = err.Error()
	}
	return out, nil
}
