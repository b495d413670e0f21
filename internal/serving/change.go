package serving

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// after is the record that follows r: the same content, one generation later, with no author yet.
func (r Record) after(change Change) Record {
	next := r
	next.Generation++
	next.Change = change
	next.PrevHash = r.Hash
	next.Author, next.Hash = Author{}, ""
	return next
}

// By is r with its author, whose words are made such that every database keeps them as they are: what is no UTF-8, and NUL, becomes
// U+FFFD. A reason may be what a program printed, and must not keep a challenger from being taken away.
func (r Record) By(author Author) Record {
	for _, text := range []*string{&author.Writer, &author.Actor, &author.Reason, &author.Operation} {
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
	}
	r.Author = author
	return r
}

// Prepare brings the first challenger up without traffic: golden requests are asked of it before it is routed.
func (r Record) Prepare(challenger Track, drill string) (Record, error) {
	if r.Champion != nil {
		return Record{}, fault.New(fault.Refused, "%s has a champion, version %d: a challenger goes through a canary", r.Pipeline, r.Champion.Version)
	}
	next := r.after(Prepared)
	next.Challenger, next.Weight, next.Drill = &challenger, 0, drill
	return next, nil
}

// Canary gives the challenger weight percent of the traffic, 0 to 99. At 0 it gets copies of the champion's requests, see Record.Mirror.
func (r Record) Canary(challenger Track, weight int, drill string) (Record, error) {
	switch {
	case r.Champion == nil:
		return Record{}, fault.New(fault.Refused, "%s has no champion that a canary could be held against", r.Pipeline)
	case *r.Champion == challenger:
		return Record{}, fault.New(fault.Refused, "version %d of %s is champion already", challenger.Version, r.Pipeline)
	case weight < 0 || weight > 99:
		return Record{}, fault.New(fault.Invalid, "a canary's weight is 0 to 99 percent, not %d", weight)
	}
	next := r.after(Shared)
	next.Challenger, next.Weight, next.Drill = &challenger, weight, drill
	return next, nil
}

// Promote makes the challenger champion. A drilled one is refused: what it would serve with is a fault on purpose.
func (r Record) Promote() (Record, error) {
	switch {
	case r.Challenger == nil:
		return Record{}, fault.New(fault.Refused, "%s has no challenger to promote", r.Pipeline)
	case r.Drill != "":
		return Record{}, fault.New(fault.Refused, "version %d of %s runs under the drill %s and cannot be promoted", r.Challenger.Version, r.Pipeline, r.Drill)
	}
	next := r.after(Promoted)
	next.Champion, next.Previous = r.Challenger, r.Champion
	next.Challenger, next.Weight = nil, 0
	return next, nil
}

// Abort takes the challenger away; the champion, where there is one, has all traffic. What was aborted is no place to go back to.
func (r Record) Abort() Record {
	next := r.after(Aborted)
	next.Challenger, next.Weight, next.Drill = nil, 0, ""
	if Is(r.Previous, r.Challenger) {
		next.Previous = nil
	}
	return next
}

// RollBack gives all traffic to target. During a canary the target may be the champion: then the canary ends and previous stays. In
// no case does previous name what was left: that is no place to go back to.
func (r Record) RollBack(target Track) (Record, error) {
	switch {
	case r.Champion == nil:
		return Record{}, fault.New(fault.NotFound, "%s has no champion yet: there is nothing to roll back", r.Pipeline)
	case Is(r.Challenger, &target):
		return Record{}, fault.New(fault.Refused, "version %d of %s is the challenger of a canary: a rollback does not promote", target.Version, r.Pipeline)
	}
	next := r.after(RolledBack)
	next.Challenger, next.Weight, next.Drill = nil, 0, ""
	if *r.Champion != target || Is(r.Previous, r.Challenger) {
		next.Champion, next.Previous = &target, nil
	}
	return next, nil
}

// Restore writes the same anew: whoever brings back what is lost takes a generation as everybody does.
func (r Record) Restore() Record { return r.after(Restored) }

// renewal stands between the operation of a record and what it was renewed for.
const renewal = "/renewed for "

// Renew writes the same for the same author under a newer generation: whoever breaks the lock of a dead writer needs one. The
// change stays as well, so that a rollback is still seen as one.
func (r Record) Renew(lock string) Record {
	next := r.after(r.Change).By(r.Author)
	next.Operation += renewal + lock
	return next
}

// DoneBy reports whether r is what operation wrote, or a renewal of that.
func (r Record) DoneBy(operation string) bool {
	return r.Generation > 0 && (r.Operation == operation || strings.HasPrefix(r.Operation, operation+renewal))
}

// Stage puts t into an environment without clients.
func (r Record) Stage(t Track) Record {
	next := r.after(Staged)
	next.Champion, next.Challenger, next.Previous, next.Weight, next.Drill = &t, nil, nil, 0, ""
	return next
}

// String names the record in a sentence.
func (r Record) String() string {
	if r.Generation == 0 {
		return "generation 0 (before the first)"
	}
	return fmt.Sprintf("generation %d (%s by %s: %s)", r.Generation, r.Change, r.Writer, r.Reason)
}
