// Package shift moves traffic to safety: with the database and the agent alone, in seconds.
package shift

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// RollbackRequest asks that traffic and the alias champion go back to a version that still runs in a slot.
type RollbackRequest struct {
	Model string
	// Version to go back to. 0: the version that the alias previous names.
	Version int
	Actor   string
	Reason  string
	// Operation identifies the request: repeating it after an interruption completes it and adds no rows.
	Operation string
	// Environment defaults to production.
	Environment string
}

// RollbackResult says from which version to which.
type RollbackResult struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Digest string `json:"digest"`
}

// Rollback makes the target champion and gives it all traffic, in this order: the registry's rows (champion is the target,
// previous the champion before) and then the agent's weights. Interrupted in between, the same request, or one that names the version, completes
// it. It needs the database and the agent only, neither Temporal nor a worker.
//
// The error is NotFound when there is no version to go back to, Refused when the target does not run any more or is
// champion with all traffic already, Unavailable when database or agent do not answer.
func Rollback(ctx context.Context, reg registry.Registry, agent *contract.AgentClient, request RollbackRequest) (RollbackResult, error) {
	if request.Model == "" || request.Operation == "" {
		return RollbackResult{}, fault.New(fault.Invalid, "rollback: model and operation are needed")
	}
	if request.Environment == "" {
		request.Environment = contract.Production
	}
	result, moved, err := rollbackTarget(ctx, reg, request)
	if err != nil {
		return RollbackResult{}, err
	}
	version, err := reg.Version(ctx, request.Model, result.To)
	if err != nil {
		return RollbackResult{}, err
	}
	result.Digest = version.Digest
	slot, routed, err := rollbackSlot(ctx, agent, request, version)
	if err != nil {
		return RollbackResult{}, err
	}
	if routed && !moved && result.From == result.To {
		return RollbackResult{}, fault.New(fault.Refused, "version %d of %s is champion and has all traffic already", result.To, request.Model)
	}
	if !moved && result.From != result.To {
		if err := moveAliases(ctx, reg, request, result); err != nil {
			return RollbackResult{}, err
		}
	}
	if _, err := agent.Rollback(ctx, request.Environment, request.Model, map[string]int{slot: 100, contract.OtherSlot(slot): 0}); err != nil {
		return RollbackResult{}, fault.Wrap(fault.Unavailable, err,
			"version %d of %s is champion in the registry, but its traffic is not set; repeat the rollback", result.To, request.Model)
	}
	return result, nil
}

// rollbackTarget says from and to which version. moved is true when an earlier try of the same operation wrote its rows:
// then the aliases are those after it, and previous no longer names the target.
func rollbackTarget(ctx context.Context, reg registry.Registry, request RollbackRequest) (result RollbackResult, moved bool, err error) {
	history, err := reg.AliasHistory(ctx, request.Model)
	if err != nil {
		return RollbackResult{}, false, err
	}
	aliases := map[string]int{}
	for _, move := range history {
		if move.Operation == request.Operation && move.Alias == registry.Champion {
			return RollbackResult{From: move.From, To: move.Version}, true, nil
		}
		aliases[move.Alias] = move.Version
	}
	result = RollbackResult{From: aliases[registry.Champion], To: request.Version}
	if result.To == 0 {
		result.To = aliases[registry.Previous]
	}
	if result.To == 0 {
		return RollbackResult{}, false, fault.New(fault.NotFound, "%s has no previous version to go back to", request.Model)
	}
	return result, false, nil
}

// rollbackSlot returns the slot where version is ready with the registered bundle, and whether it has all traffic.
func rollbackSlot(ctx context.Context, agent *contract.AgentClient, request RollbackRequest, version registry.ModelVersion) (slot string, routed bool, err error) {
	actual, err := agent.Actual(ctx, request.Environment, request.Model)
	if err != nil {
		return "", false, err
	}
	slot = actual.SlotOf(version.Version)
	if slot == "" {
		return "", false, fault.New(fault.Refused, "version %d of %s does not run in %s any more (%s); deliver it: loanops cd start %s --version %d",
			version.Version, request.Model, request.Environment, running(actual), request.Model, version.Version)
	}
	track, err := agent.SettledTrack(ctx, request.Environment, request.Model, slot)
	if err != nil {
		return "", false, err
	}
	if track.State != contract.TrackReady {
		return "", false, fault.New(fault.Refused, "version %d of %s is %s in %s, slot %s: %s",
			version.Version, request.Model, track.State, request.Environment, slot, track.Message)
	}
	if track.Spec.Digest != version.Digest {
		return "", false, fault.New(fault.Refused, "slot %s of %s runs a bundle with digest %s, but version %d of %s is %s",
			slot, request.Environment, track.Spec.Digest, version.Version, request.Model, version.Digest)
	}
	return slot, actual.Weight(slot) == 100, nil
}

// running lists what is in the slots, in words.
func running(actual contract.Actual) string {
	var parts []string
	for _, slot := range []string{contract.Blue, contract.Green} {
		if track, ok := actual.Tracks[slot]; ok {
			parts = append(parts, fmt.Sprintf("%s: version %d, %s", slot, track.Spec.ModelVersion, track.State))
		} else {
			parts = append(parts, slot+": nothing")
		}
	}
	return strings.Join(parts, "; ")
}

func moveAliases(ctx context.Context, reg registry.Registry, request RollbackRequest, result RollbackResult) error {
	_, err := reg.MoveAliases(ctx, registry.AliasOperation{
		ID: request.Operation, Name: request.Model, Actor: request.Actor, Reason: request.Reason,
		Changes: []registry.AliasChange{
			{Alias: registry.Champion, Version: result.To},
			{Alias: registry.Previous, Version: result.From},
		},
	})
	return err
}
