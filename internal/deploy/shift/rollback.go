package shift

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Registry is the part of the registry that a rollback needs: it must work with little.
type Registry interface {
	serving.Records
	Version(ctx context.Context, name string, version int) (registry.ModelVersion, error)
}

// Request asks that all traffic of production goes back to an earlier champion.
type Request struct {
	Model string
	// Version to go back to. 0: during a canary the champion, else the previous champion.
	Version int
	serving.Author
}

// Result is what a rollback did, or what the one before had done that it completed.
type Result struct {
	// Record is the newest one, which traffic follows now.
	Record serving.Record
	// From and To are versions; From is 0 when the request repeated one that had been recorded.
	From   int
	To     int
	Digest string
}

// String says what happened.
func (r Result) String() string {
	if r.From == 0 {
		return fmt.Sprintf("version %d is champion since generation %d and has all traffic: %s", r.To, r.Record.Generation, r.Record.Reason)
	}
	return fmt.Sprintf("from version %d to %d: %s", r.From, r.To, r.Record.Reason)
}

// RollBack takes a generation whose champion is the target, and makes traffic follow. A request that repeats one which was recorded
// completes it: without a version while the newest record is a rollback's, or naming the version that it went to. It needs the
// database and the agent only, neither Temporal nor a worker.
//
// The error is NotFound when there is no version to go back to, Refused when the target does not run any more, never was
// champion, or is champion with all traffic already, Overtaken when the request was recorded and the record has moved on since. With
// any other the record may stand: the same request again completes it.
func RollBack(ctx context.Context, reg Registry, agent Agent, request Request) (Result, error) {
	newest, err := reg.Serving(ctx, request.Model, serving.Production)
	if err != nil {
		return Result{}, err
	}
	history, err := reg.ServingHistory(ctx, request.Model, serving.Production)
	if err != nil {
		return Result{}, err
	}
	result := Result{Record: newest}
	if !repeats(history, request) {
		if result, err = record(ctx, reg, agent, newest, history, request); err != nil {
			return Result{}, err
		}
	}
	result.To = result.Record.Champion.Version
	version, err := reg.Version(ctx, request.Model, result.To)
	if err != nil {
		return Result{}, err
	}
	result.Digest = version.Digest
	if err := Obey(ctx, agent, result.Record); err != nil {
		return result, fault.Wrap(fault.Unavailable, err, "the record says that version %d of %s has all traffic (generation %d), but traffic does not follow yet; repeat the rollback",
			result.To, request.Model, result.Record.Generation)
	}
	return result, nil
}

// repeats reports whether the last change of what serves is what the request asks for: restoring it since changed nothing.
func repeats(history []serving.Record, request Request) bool {
	for _, record := range slices.Backward(history) {
		if record.Change != serving.Restored {
			return record.Change == serving.RolledBack && (request.Version == 0 || record.Champion.Version == request.Version)
		}
	}
	return false
}

// record takes the generation of the rollback.
func record(ctx context.Context, reg Registry, agent Agent, newest serving.Record, history []serving.Record, request Request) (Result, error) {
	for _, taken := range history {
		if taken.Operation == request.Operation {
			return Result{}, fault.New(fault.Overtaken, "this rollback of %s was %s, and is overtaken since by %s", request.Model, taken, newest)
		}
	}
	actual, err := agent.Actual(ctx, serving.Production, request.Model)
	if err != nil {
		return Result{}, err
	}
	target, err := target(newest, actual, request)
	if err != nil {
		return Result{}, err
	}
	if request.Version != 0 && serving.Is(newest.Champion, &target) && newest.Challenger == nil {
		if Astray(newest, actual) == "" {
			return Result{}, fault.New(fault.Refused, "version %d of %s is champion and has all traffic already", target.Version, request.Model)
		}
		return Result{Record: newest}, nil // its traffic is to be made right, nothing is to be recorded
	}
	if err := canServe(ctx, reg, newest, history, actual, target); err != nil {
		return Result{}, err
	}
	next, err := newest.RollBack(target)
	if err != nil {
		return Result{}, err
	}
	from := newest.Champion.Version
	if newest.Challenger != nil {
		from = newest.Challenger.Version
	}
	taken, err := reg.TakeGeneration(ctx, next.By(request.Author))
	return Result{Record: taken, From: from}, err
}

// target chooses the track to go back to.
func target(newest serving.Record, actual contract.Actual, request Request) (serving.Track, error) {
	switch {
	case newest.Champion == nil:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no champion yet: there is nothing to go back to", request.Model)
	case request.Version == 0 && newest.Challenger != nil, newest.Champion.Version == request.Version:
		return *newest.Champion, nil
	case request.Version == 0 && newest.Previous == nil:
		return serving.Track{}, fault.New(fault.NotFound, "%s has no previous version to go back to; name one that runs with --version (%s)", request.Model, actual)
	case newest.Previous != nil && (request.Version == 0 || newest.Previous.Version == request.Version):
		return *newest.Previous, nil
	}
	for _, slot := range contract.Slots() {
		if track, ok := actual.Tracks[slot]; ok && track.Spec.ModelVersion == request.Version {
			return track.Spec.Identity(), nil
		}
	}
	return serving.Track{}, notRunning(request.Model, request.Version, actual)
}

func notRunning(model string, version int, actual contract.Actual) error {
	return fault.New(fault.Refused, "version %d of %s does not run in %s any more (%s); deliver it: loanops cd start %s --version %d",
		version, model, serving.Production, actual, model, version)
}

// canServe refuses a target that traffic must not go to. The champion of a canary is not held against it: it serves already.
func canServe(ctx context.Context, reg Registry, newest serving.Record, history []serving.Record, actual contract.Actual, target serving.Track) error {
	if serving.Is(newest.Champion, &target) {
		return nil
	}
	version, err := reg.Version(ctx, newest.Pipeline, target.Version)
	if err != nil {
		return err
	}
	slot := actual.SlotOf(target)
	track := actual.Tracks[slot]
	switch {
	case slot == "":
		return notRunning(newest.Pipeline, target.Version, actual)
	case track.State == contract.TrackFailed:
		return fault.New(fault.Refused, "version %d of %s is %s in %s, slot %s: %s", target.Version, newest.Pipeline, track.State, newest.Environment, slot, track.Message)
	case track.Spec.Digest != version.Digest:
		return fault.New(fault.Refused, "slot %s of %s runs a bundle with digest %s, but version %d of %s is %s",
			slot, newest.Environment, track.Spec.Digest, target.Version, newest.Pipeline, version.Digest)
	case track.Spec.Drill != "":
		return fault.New(fault.Refused, "version %d of %s runs under the drill %s in slot %s", target.Version, newest.Pipeline, track.Spec.Drill, slot)
	}
	if !serving.WasChampion(history, target) {
		return fault.New(fault.Refused, "version %d of %s never was champion: a rollback goes back, it does not promote", target.Version, newest.Pipeline)
	}
	return nil
}
