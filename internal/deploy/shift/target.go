package shift

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Registry is the part of the registry that choosing a target needs.
type Registry interface {
	serving.Records
	Version(ctx context.Context, name string, version int) (registry.ModelVersion, error)
}

// Target is the track that a rollback goes back to.
type Target struct {
	serving.Track
	Digest string `json:"digest"` // of its bundle
}

// Choose says where a rollback goes back to: to that version, or when it is 0 during a canary to the champion, else to the previous
// champion. While the last change of what serves is a rollback to there, it is the same: a repetition goes no further back.
//
// It is asked once for a rollback that is tried several times: between two tries the canary that it is to end may have ended, and
// what would then be chosen is not what was asked for.
//
// The error is NotFound when there is nothing to go back to, Refused when the version does not run any more, or is champion and has all
// traffic already.
func Choose(ctx context.Context, reg Registry, agent Agent, model string, version int) (Target, error) {
	newest, history, err := read(ctx, reg, model)
	if err != nil {
		return Target{}, err
	}
	track, err := choose(ctx, agent, newest, history, version)
	if err != nil {
		return Target{}, err
	}
	registered, err := reg.Version(ctx, model, track.Version)
	return Target{Track: track, Digest: registered.Digest}, err
}

func choose(ctx context.Context, agent Agent, newest serving.Record, history []serving.Record, version int) (serving.Track, error) {
	switch {
	case newest.Champion == nil:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no champion yet: there is nothing to go back to", newest.Pipeline)
	case version == 0 && newest.Challenger != nil, repeats(history, version):
		return *newest.Champion, nil
	}
	actual, err := agent.Actual(ctx, serving.Production, newest.Pipeline)
	if err != nil {
		return serving.Track{}, err
	}
	switch {
	case newest.Champion.Version == version:
		if newest.Challenger == nil && OutOfSync(newest, actual) == "" {
			return serving.Track{}, fault.New(fault.Refused, "version %d of %s is champion and has all traffic already", version, newest.Pipeline)
		}
		return *newest.Champion, nil
	case version == 0 && newest.Previous == nil:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no previous version to go back to; name one that runs with --version (%s)", newest.Pipeline, actual)
	case newest.Previous != nil && (version == 0 || newest.Previous.Version == version):
		return *newest.Previous, nil
	}
	for _, slot := range contract.Slots() {
		if track, ok := actual.Tracks[slot]; ok && track.Spec.ModelVersion == version {
			return track.Spec.Identity(), nil
		}
	}
	return serving.Track{}, notRunning(newest.Pipeline, version, actual)
}

// repeats reports whether the last change of what serves is what is asked for: restoring it since changed nothing.
func repeats(history []serving.Record, version int) bool {
	for _, record := range slices.Backward(history) {
		if record.Change != serving.Restored {
			return record.Change == serving.RolledBack && (version == 0 || record.Champion.Version == version)
		}
	}
	return false
}

func notRunning(model string, version int, actual contract.Actual) error {
	return fault.New(fault.Refused, "version %d of %s does not run in %s any more (%s); deliver it: loanops cd start %s --version %d",
		version, model, serving.Production, actual, model, version)
}
