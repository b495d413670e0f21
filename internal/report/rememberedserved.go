package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/serving"
)

// held is a time in which a track was what it was in production without a break.
type held struct {
	version  int
	from, to time.Time // to is zero while it goes on
	began    serving.Record
}

func championOf(r serving.Record) *serving.Track   { return r.Champion }
func challengerOf(r serving.Record) *serving.Track { return r.Challenger }

// heldBy are the times of a role, oldest first. The same version under another policy is another track.
func heldBy(history []serving.Record, role func(serving.Record) *serving.Track) (all []held) {
	var before *serving.Track
	for _, r := range history {
		now := role(r)
		if before != nil && !serving.Is(before, now) {
			all[len(all)-1].to = r.At
		}
		if now != nil && !serving.Is(before, now) {
			all = append(all, held{version: now.Version, from: r.At, began: r})
		}
		before = now
	}
	return all
}

// renews reports whether a record only writes anew what the one before said.
func renews(history []serving.Record, i int) bool {
	return i > 0 && history[i].DoneBy(history[i-1].Operation)
}

// deed is what was done to production: one record, or the steps of one canary.
type deed struct {
	Class, Sign           string
	From, Until           string // Until is empty for a single record
	Title, Detail         string
	Actor, Reason, Writer string
	First, Last           int64 // generations
}

// deeds are newest first.
func deeds(history []serving.Record) []deed {
	var all []deed
	var shares []string
	for i, r := range history {
		var before serving.Record
		if i > 0 {
			before = history[i-1]
		}
		share := fmt.Sprintf("%d %%", r.Weight)
		if r.Weight == 0 {
			share = "copies only"
		}
		goesOn := r.Change == serving.Shared && before.Change == serving.Shared && serving.Is(before.Challenger, r.Challenger) && before.Drill == r.Drill
		if goesOn || renews(history, i) {
			all[len(all)-1].Until = moment(r.At)
		} else {
			shares = nil
			all = append(all, deed{From: moment(r.At), First: r.Generation})
		}
		last := &all[len(all)-1]
		if r.Change == serving.Shared && (len(shares) == 0 || shares[len(shares)-1] != share) {
			shares = append(shares, share)
		}
		last.Class, last.Sign = changeSign(r.Change)
		if !renews(history, i) {
			last.Title = deedTitle(before, r)
		}
		last.Detail = strings.Join(shares, " → ")
		last.Actor, last.Reason, last.Writer, last.Last = r.Actor, r.Reason, r.Writer, r.Generation
	}
	slices.Reverse(all)
	return all
}

func changeSign(c serving.Change) (class, sign string) {
	switch c {
	case serving.Promoted:
		return "calm", "✓"
	case serving.Aborted:
		return "warn", "×"
	case serving.RolledBack:
		return "bad", "↩"
	case serving.Shared, serving.Prepared:
		return "act", "→"
	default:
		return "quiet", "·"
	}
}

// changeWord is how one became champion.
func changeWord(c serving.Change) string {
	switch c {
	case serving.Promoted:
		return "promoted"
	case serving.RolledBack:
		return "gone back to"
	default:
		return string(c)
	}
}

func deedTitle(before, r serving.Record) string {
	drill := ""
	if r.Drill != "" {
		drill = ", under the drill " + r.Drill
	}
	switch r.Change {
	case serving.Prepared:
		return named(r.Challenger) + " is brought up without traffic" + drill
	case serving.Shared:
		return "canary of " + named(r.Challenger) + " beside " + named(r.Champion) + drill
	case serving.Promoted:
		return named(r.Champion) + " becomes champion" + inPlaceOf(before.Champion, r.Champion)
	case serving.Aborted:
		if r.Champion == nil {
			return named(before.Challenger) + " is taken away, nothing serves"
		}
		return named(before.Challenger) + " is taken away, " + named(r.Champion) + " goes on"
	case serving.RolledBack:
		if serving.Is(before.Champion, r.Champion) {
			return "back to " + named(r.Champion) + " alone"
		}
		return "back to " + named(r.Champion) + inPlaceOf(before.Champion, r.Champion)
	case serving.Restored:
		return "the same is brought back: " + named(r.Champion)
	default:
		return string(r.Change) + ": " + named(r.Champion)
	}
}

// inPlaceOf says what served before. The same version can follow itself, under another policy.
func inPlaceOf(before, now *serving.Track) string {
	switch {
	case before == nil:
		return ""
	case before.Version == now.Version:
		return fmt.Sprintf(", under policy %.12s in place of %.12s", now.Policy, before.Policy)
	}
	return " in place of " + named(before)
}

func named(t *serving.Track) string {
	if t == nil {
		return "nothing"
	}
	return fmt.Sprintf("version %d", t.Version)
}
