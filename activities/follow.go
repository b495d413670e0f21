package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// FollowInput names a record of production that is to be followed while it is the newest.
type FollowInput struct {
	Model      string `json:"model"`
	Generation int64  `json:"generation"`
	// Spec is the digest of the pipeline spec; empty: the current one.
	Spec string `json:"spec,omitempty"`
}

// FollowOutput is that production follows.
type FollowOutput struct {
	Champion int `json:"champion"` // version, 0 for none
}

// Summary says who serves.
func (o FollowOutput) Summary() string {
	if o.Champion == 0 {
		return "nothing serves"
	}
	return fmt.Sprintf("champion %d serves as recorded", o.Champion)
}

// Shift makes traffic follow the record with the agent alone. A track that is gone is NotFound: another try cannot help, Terraform can.
func (e *Environments) Shift(ctx context.Context, in FollowInput) (FollowOutput, error) {
	record, err := e.recorded(ctx, in)
	if err != nil {
		return FollowOutput{}, err
	}
	err = shift.Reconcile(ctx, e.Agent, record)
	switch {
	case errors.Is(err, shift.ErrNotRunning):
		return FollowOutput{}, fault.New(fault.NotFound, "%s", err)
	case err != nil:
		return FollowOutput{}, e.overtaken(ctx, record, err)
	}
	return followed(record), nil
}

// Adopt makes Terraform follow the record, and production with it: its plan is clean after it.
func (e *Environments) Adopt(ctx context.Context, in FollowInput) (FollowOutput, error) {
	record, err := e.recorded(ctx, in)
	if err != nil {
		return FollowOutput{}, err
	}
	if in.Spec == "" {
		current, err := e.Registry.Pipeline(ctx, in.Model)
		if err != nil {
			return FollowOutput{}, err
		}
		in.Spec = current.Digest
	}
	record, err = e.apply(ctx, record, in.Spec)
	return followed(record), err
}

// recorded is the named record, or its renewal; Overtaken when there is a newer one.
func (e *Environments) recorded(ctx context.Context, in FollowInput) (serving.Record, error) {
	newest, err := e.Registry.Serving(ctx, in.Model, serving.Production)
	if err != nil {
		return newest, err
	}
	same, err := isNewest(ctx, e.Registry, newest, in.Generation)
	if err == nil && !same {
		err = overtakenBy(newest)
	}
	return newest, err
}

func followed(record serving.Record) FollowOutput {
	if record.Champion == nil {
		return FollowOutput{}
	}
	return FollowOutput{Champion: record.Champion.Version}
}
