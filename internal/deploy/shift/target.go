package shift

import (
	"context"
	"strings"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Registry is the part of the registry that a rollback needs.
type Registry interface {
	serving.Records
	Version(ctx context.Context, name string, version int) (registry.ModelVersion, error)
}

// Target is the track that a rollback goes back to.
type Target struct {
	serving.Track
	Digest string `json:"digest"` // of its bundle
}

// Wanted says what a person knows of the track to go back to. The zero Wanted knows nothing.
type Wanted struct {
	Version int    `json:"version,omitempty"`
	Policy  string `json:"policy,omitempty"` // the digest of its policy, or how that begins
}

func (w Wanted) names(t *serving.Track) bool {
	return w != Wanted{} && t != nil && (w.Version == 0 || w.Version == t.Version) && strings.HasPrefix(t.Policy, w.Policy)
}

// whole is w with the whole digest of its policy, where a champion's begins so.
func (w Wanted) whole(model string, history []serving.Record) (Wanted, error) {
	var policies []string
	for _, record := range history {
		if w.names(record.Champion) {
			policies = append(policies, record.Champion.Policy)
		}
	}
	if w.Policy == "" || len(policies) == 0 {
		return w, nil
	}
	var err error
	w.Policy, err = registry.PolicyNamed(model, policies, w.Policy)
	return w, err
}

// Choose says where a rollback goes back to: to the wanted track, or when none is named during a canary to the champion, else to the
// previous champion. While the last change of what serves is a rollback to there, it is the same: a repetition goes no further back.
//
// It is asked once for a rollback that is tried several times: between two tries the canary that it is to end may have ended, and
// what would then be chosen is not what was asked for.
//
// The error is NotFound when there is nothing to go back to, Invalid when several champions' policies begin as the wanted one, Refused when
// what is wanted does not run any more, or is champion and has all traffic already.
func Choose(ctx context.Context, reg Registry, agent Agent, model string, wanted Wanted) (Target, error) {
	newest, history, err := read(ctx, reg, model)
	if err != nil {
		return Target{}, err
	}
	if wanted, err = wanted.whole(model, history); err != nil {
		return Target{}, err
	}
	track, err := choose(ctx, agent, newest, history, wanted)
	if err != nil {
		return Target{}, err
	}
	registered, err := reg.Version(ctx, model, track.Version)
	return Target{Track: track, Digest: registered.Digest}, err
}

func choose(ctx context.Context, agent Agent, newest serving.Record, history []serving.Record, wanted Wanted) (serving.Track, error) {
	switch {
	case newest.Champion == nil:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no champion yet: there is nothing to go back to", newest.Pipeline)
	case newest.Challenger != nil && (wanted == Wanted{} || wanted.names(newest.Champion)), repeats(history, wanted):
		return *newest.Champion, nil
	}
	actual, err := agent.Actual(ctx, serving.Production, newest.Pipeline)
	if err != nil {
		return serving.Track{}, err
	}
	switch {
	case wanted.names(newest.Champion) && OutOfSync(newest, actual) != "":
		return *newest.Champion, nil
	case wanted.names(newest.Previous), wanted == Wanted{} && newest.Previous != nil:
		return *newest.Previous, nil
	case wanted == Wanted{}:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no previous version to go back to; name one that runs with --version (%s)", newest.Pipeline, actual)
	}
	for _, slot := range contract.Slots() {
		track, ok := actual.Tracks[slot]
		if identity := track.Spec.Identity(); ok && wanted.names(&identity) && identity != *newest.Champion {
			return identity, nil
		}
	}
	if wanted.names(newest.Champion) {
		return serving.Track{}, fault.New(fault.Refused, "version %d of %s is champion and has all traffic already", newest.Champion.Version, newest.Pipeline)
	}
	return serving.Track{}, notRunning(newest.Pipeline, wanted, actual)
}

// repeats reports whether what was decided last is what is asked for.
func repeats(history []serving.Record, wanted Wanted) bool {
	decided := serving.Decided(history)
	return decided.Change == serving.RolledBack && (wanted == Wanted{} || wanted.names(decided.Champion))
}

func notRunning(model string, wanted Wanted, actual contract.Actual) error {
	if wanted.Policy != "" {
		return fault.New(fault.Refused, "no track of %s that runs in %s has the version and the policy that are wanted (%s); `loanops serving history %s` shows those that were champion",
			model, serving.Production, actual, model)
	}
	return fault.New(fault.Refused, "version %d of %s does not run in %s any more (%s); deliver it: loanops cd start %s --version %d",
		wanted.Version, model, serving.Production, actual, model, wanted.Version)
}
