package shift

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Request asks that all traffic of production goes back to a target.
type Request struct {
	Model  string
	Target Target // see Choose
	// After is the generation that the asker knows: a newer one by anybody else overtakes the request. 0 goes back from whatever serves.
	After int64
	// Down says that the target may be down: a delivery that gives traffic back goes on until it is served.
	Down bool
	serving.Author
}

// follows reports whether newest is what the request may follow: the record that the asker knows, or but a renewal of it, or the request's own.
func (r Request) follows(newest serving.Record, history []serving.Record) bool {
	if r.After == 0 || newest.Generation == r.After || newest.DoneBy(r.Operation) {
		return true
	}
	return r.After > 0 && r.After < newest.Generation && newest.DoneBy(history[r.After-1].Operation)
}

// Result is what a rollback did, or what the one before had done that it completed.
type Result struct {
	// Record is the newest one, which traffic follows now.
	Record serving.Record
	// From and To are versions; From is 0 when there was nothing to be recorded any more.
	From int
	To   int
}

// String says what happened.
func (r Result) String() string {
	switch r.From {
	case r.To:
		return fmt.Sprintf("version %d from one policy to another, %.12s: %s", r.To, r.Record.Champion.Policy, r.Record.Reason)
	case 0:
		return fmt.Sprintf("version %d is champion since generation %d and has all traffic: %s", r.To, r.Record.Generation, r.Record.Reason)
	}
	return fmt.Sprintf("from version %d to %d: %s", r.From, r.To, r.Record.Reason)
}

// RollBack takes a generation whose champion is the target, and makes traffic follow. Where the target is champion and nothing is held
// against it, as when a rollback is repeated, only traffic is made to follow. It needs the database and the agent only, neither
// Temporal nor a worker.
//
// The error is Refused when the target never was champion, or does not run any more and the request does not say that it may be down,
// Overtaken when the record has moved on since the request was recorded, or since the generation that it follows. With any other the record may stand: the same request again completes it.
func RollBack(ctx context.Context, reg Registry, agent Agent, request Request) (Result, error) {
	newest, history, err := read(ctx, reg, request.Model)
	if err != nil {
		return Result{}, err
	}
	if !request.follows(newest, history) { // a newer one than was read here is a Conflict where the generation is taken
		return Result{}, fault.New(fault.Overtaken, "overtaken in %s of %s by %s", newest.Environment, newest.Pipeline, newest)
	}
	result := Result{Record: newest}
	if !serving.Is(newest.Champion, &request.Target.Track) || newest.Challenger != nil {
		if result, err = record(ctx, reg, agent, newest, history, request); err != nil {
			return Result{}, err
		}
	}
	result.To = request.Target.Version
	if err := Reconcile(ctx, agent, result.Record); err != nil {
		return result, fault.Wrap(fault.Unavailable, err, "the record says that version %d of %s has all traffic (generation %d), but traffic does not follow yet; repeat the rollback",
			result.To, request.Model, result.Record.Generation)
	}
	return result, nil
}

// read is production's record and its newest row.
func read(ctx context.Context, reg serving.Records, model string) (newest serving.Record, history []serving.Record, err error) {
	history, err = reg.ServingHistory(ctx, model, serving.Production)
	return serving.Newest(history, model, serving.Production), history, err
}

// record takes the generation of the rollback.
func record(ctx context.Context, reg Registry, agent Agent, newest serving.Record, history []serving.Record, request Request) (Result, error) {
	for _, taken := range history {
		if taken.Operation == request.Operation {
			return Result{}, fault.New(fault.Overtaken, "this rollback of %s was %s, and is overtaken since by %s", request.Model, taken, newest)
		}
	}
	next, err := newest.RollBack(request.Target.Track)
	if err != nil {
		return Result{}, err
	}
	if !serving.Is(newest.Champion, &request.Target.Track) { // which serves already
		version, err := reg.Version(ctx, request.Model, request.Target.Version)
		if err != nil {
			return Result{}, err
		}
		actual, err := agent.Actual(ctx, serving.Production, request.Model)
		if err != nil {
			return Result{}, err
		}
		err = canServe(newest, history, actual, request.Target.Track, version)
		if request.Down && down(actual, request.Target.Track) {
			err = wasChampion(newest, history, request.Target.Track)
		}
		if err != nil {
			return Result{}, err
		}
	}
	from := newest.Champion.Version
	if newest.Challenger != nil {
		from = newest.Challenger.Version
	}
	taken, err := reg.TakeGeneration(ctx, next.By(request.Author))
	return Result{Record: taken, From: from}, err
}

// canServe refuses a target that traffic must not go to. A person's own terraform apply can run another bundle, or another meaning of its scores,
// under the version's number.
func canServe(newest serving.Record, history []serving.Record, actual contract.Actual, target serving.Track, version registry.ModelVersion) error {
	slot := actual.SlotOf(target)
	track := actual.Tracks[slot]
	switch {
	case slot == "":
		return notRunning(newest.Pipeline, Wanted{Version: target.Version}, actual)
	case track.State == contract.TrackFailed:
		return fault.New(fault.Refused, "version %d of %s is %s in %s, slot %s: %s", target.Version, newest.Pipeline, track.State, newest.Environment, slot, track.Message)
	case track.Spec.Digest != version.Digest:
		return fault.New(fault.Refused, "slot %s of %s runs a bundle with digest %s, but version %d of %s is %s",
			slot, newest.Environment, track.Spec.Digest, target.Version, newest.Pipeline, version.Digest)
	case track.Spec.Meaning != string(version.Meaning):
		return fault.New(fault.Refused, "slot %s of %s runs with label meaning %s, but version %d of %s has %s",
			slot, newest.Environment, track.Spec.Meaning, target.Version, newest.Pipeline, version.Meaning)
	case track.Spec.Drill != "":
		return fault.New(fault.Refused, "version %d of %s runs under the drill %s in slot %s", target.Version, newest.Pipeline, track.Spec.Drill, slot)
	}
	return wasChampion(newest, history, target)
}

// down says that the target runs in no slot, or was given up there: the agent starts it again when it is to get traffic, or Terraform that follows
// the record does.
func down(actual contract.Actual, target serving.Track) bool {
	slot := actual.SlotOf(target)
	return slot == "" || actual.Tracks[slot].State == contract.TrackFailed
}

func wasChampion(newest serving.Record, history []serving.Record, target serving.Track) error {
	if !serving.WasChampion(history, target) {
		return fault.New(fault.Refused, "version %d of %s never was champion: a rollback goes back, it does not promote", target.Version, newest.Pipeline)
	}
	return nil
}
