// Package shift moves traffic to where the serving record says, with the database and the agent alone: in seconds, while every
// worker, Terraform's lock or Temporal is away. Terraform adopts it afterwards.
package shift

import (
	"context"
	"errors"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// Agent is the deployment agent as far as traffic is concerned, see contract.AgentClient.
type Agent interface {
	Actual(ctx context.Context, environment, pipeline string) (contract.Actual, error)
	Teach(ctx context.Context, environment, pipeline string, generation int64) error
	Rollback(ctx context.Context, environment, pipeline string, weights map[string]int, generation int64) (contract.Route, error)
}

// ErrNotRunning says of a Conflict that the agent alone cannot help: a track is in no slot.
var ErrNotRunning = errors.New("only Terraform can bring it up")

// Reconcile makes traffic what record says. Doing it again, by whoever it is, changes nothing.
//
// The error is fault.Conflict when the agent has heard of a newer generation, or when a track that shall have traffic does not run:
// then Terraform must bring it back first.
func Reconcile(ctx context.Context, agent Agent, record serving.Record) error {
	if err := agent.Teach(ctx, record.Environment, record.Pipeline, record.Generation); err != nil {
		return err
	}
	if record.Champion == nil {
		return nil // nothing is routed before there is one
	}
	actual, err := agent.Actual(ctx, record.Environment, record.Pipeline)
	if err != nil {
		return err
	}
	weights, err := Weights(record, actual)
	if err != nil {
		return err
	}
	_, err = agent.Rollback(ctx, record.Environment, record.Pipeline, weights, record.Generation)
	return err
}

// Weights are record's shares by slot, as the tracks run now; fault.Conflict when one that shall have traffic runs in none.
func Weights(record serving.Record, actual contract.Actual) (map[string]int, error) {
	weights := map[string]int{contract.Blue: 0, contract.Green: 0}
	for _, track := range record.Tracks() {
		share := record.Share(track)
		slot := actual.SlotOf(track)
		if share > 0 && slot == "" {
			return nil, fault.Wrap(fault.Conflict, ErrNotRunning, "version %d of %s shall have %d %% of the traffic in %s and does not run there (%s)",
				track.Version, record.Pipeline, share, record.Environment, actual)
		}
		if share > 0 {
			weights[slot] = share
		}
	}
	return weights, nil
}

// OutOfSync says in words why traffic is not what record says; empty when it is.
func OutOfSync(record serving.Record, actual contract.Actual) string {
	if record.Champion == nil {
		if actual.Route != nil {
			return "traffic is routed although there is no champion"
		}
		return ""
	}
	for _, track := range record.Tracks() {
		slot := actual.SlotOf(track)
		running, share := actual.Tracks[slot], record.Share(track)
		switch {
		case slot == "":
			return fmt.Sprintf("version %d does not run", track.Version)
		case running.State != contract.TrackReady:
			return fmt.Sprintf("version %d is %s: %s", track.Version, running.State, running.Message)
		case actual.Weight(slot) != share:
			return fmt.Sprintf("version %d has %d %% of the traffic instead of %d %%", track.Version, actual.Weight(slot), share)
		case serving.Is(record.Champion, &track) && running.Spec.Drill != "":
			return fmt.Sprintf("version %d runs under the drill %s", track.Version, running.Spec.Drill)
		}
	}
	if mirror := record.Mirror(); mirror != nil && (actual.Route == nil || actual.Route.Mirror != actual.SlotOf(*mirror)) {
		return fmt.Sprintf("version %d gets no copies of requests", mirror.Version)
	}
	if record.Mirror() == nil && actual.Route != nil && actual.Route.Mirror != "" {
		return fmt.Sprintf("copies of requests go to slot %s", actual.Route.Mirror)
	}
	if actual.Generation != record.Generation {
		return fmt.Sprintf("the agent has heard of generation %d, the record's is %d", actual.Generation, record.Generation)
	}
	return ""
}
