// Package serving is the one answer to "what should serve now?": an append-only record per pipeline and environment, whose
// generation only grows. Whoever wants to change what serves takes the next generation first; everything downstream refuses an
// older one (a fencing token). The package computes; stores keep the record, see Records.
package serving

import (
	"context"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Track is what answers an application: a model version under a policy.
type Track struct {
	Version int    `json:"version"`
	Policy  string `json:"policy"` // digest of the policy document
}

// The environments.
const (
	Staging    = "staging"
	Production = "production"
)

// Change is what a record does to the one before. The set is closed.
type Change string

// The changes.
const (
	Prepared   Change = "prepare"  // the first challenger is brought up without traffic
	Shared     Change = "canary"   // the challenger gets a share
	Promoted   Change = "promote"  // the challenger becomes champion
	Aborted    Change = "abort"    // the challenger is taken away
	RolledBack Change = "rollback" // a person gives all traffic to an earlier champion
	Restored   Change = "restore"  // the same as before, written anew to be brought back
	Staged     Change = "stage"    // a version is put into an environment without clients
)

// Author says who writes a record, and why.
type Author struct {
	// Writer is the run, see RunWriter, or the person that wrote.
	Writer string `json:"writer"`
	// Actor is the person who answers for it: who started the run, approved, aborted or rolled back.
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Operation makes a repeated write harmless: the same operation is the same row.
	Operation string `json:"operation"`
}

// Record is one row: what should serve from At on, until the next generation.
type Record struct {
	Pipeline    string `json:"pipeline"`
	Environment string `json:"environment"`
	// Generation counts 1, 2, 3 … without gaps; 0 is before the first record.
	Generation int64 `json:"generation"`
	// Champion, Challenger and Previous are nil when there is none.
	Champion   *Track `json:"champion"`
	Challenger *Track `json:"challenger"`
	// Weight is the challenger's share of traffic in percent; the champion has the rest. A challenger without a share gets copies, see Mirror.
	Weight   int    `json:"weight"`
	Previous *Track `json:"previous"`
	// Drill is the fault that the challenger injects on purpose; empty for none.
	Drill  string `json:"drill,omitempty"`
	Change Change `json:"change"`
	Author
	At       time.Time `json:"at"`
	PrevHash string    `json:"prev_hash"` // hash of the record before; empty for the first
	Hash     string    `json:"hash"`
}

// Is reports whether r names t, both being something.
func Is(r, t *Track) bool { return r != nil && t != nil && *r == *t }

// InCanary reports whether a challenger is held against the champion.
func (r Record) InCanary() bool { return r.Champion != nil && r.Challenger != nil }

// Mirror is the track that gets copies of requests, whose answers reach nobody: a challenger that has no share yet; nil for none.
func (r Record) Mirror() *Track {
	if r.InCanary() && r.Weight == 0 {
		return r.Challenger
	}
	return nil
}

// Tracks lists what should run: the champion and the challenger, as far as there are any.
func (r Record) Tracks() []Track {
	var tracks []Track
	for _, t := range []*Track{r.Champion, r.Challenger} {
		if t != nil {
			tracks = append(tracks, *t)
		}
	}
	return tracks
}

// Share is the percentage of traffic that t should get.
func (r Record) Share(t Track) int {
	switch {
	case Is(r.Challenger, &t):
		return r.Weight
	case Is(r.Champion, &t) && r.Challenger != nil:
		return 100 - r.Weight
	case Is(r.Champion, &t):
		return 100
	}
	return 0
}

// Complete refuses a record that does not say what it is about, who wrote it and why.
func (r Record) Complete() error {
	for _, field := range []struct{ name, value string }{
		{"pipeline", r.Pipeline}, {"environment", r.Environment}, {"change", string(r.Change)},
		{"writer", r.Writer}, {"actor", r.Actor}, {"reason", r.Reason}, {"operation", r.Operation},
	} {
		if field.value == "" {
			return fault.New(fault.Invalid, "a serving record needs a pipeline, an environment, a change, a writer, an actor, a reason and an operation: the %s is missing",
				field.name)
		}
	}
	return nil
}

// Records keeps what serves. Every error has a fault code; a chain that was tampered with is fault.Internal naming the row.
type Records interface {
	// Serving returns the newest record, after verifying it, the one before, and that it follows that one; before the first one it is
	// that of generation 0. It is asked often, so it costs the same however long the chain is.
	Serving(ctx context.Context, pipeline, environment string) (Record, error)
	// ServingHistory returns every record, oldest first, after verifying the whole chain.
	ServingHistory(ctx context.Context, pipeline, environment string) ([]Record, error)
	// TakeGeneration verifies the whole chain and appends next, with At and Hash set, when its generation follows the newest one
	// (compare-and-set); else it is a fault.Conflict that says who took it. Repeating next.Operation returns the row of the first call,
	// whatever came after.
	// A version that does not exist is fault.NotFound; a record without pipeline, environment, change or any of its Author's fields
	// is fault.Invalid.
	TakeGeneration(ctx context.Context, next Record) (Record, error)
}

// Newest is the last record of a history, oldest first, or the one before the first.
func Newest(history []Record, pipeline, environment string) Record {
	if len(history) == 0 {
		return Record{Pipeline: pipeline, Environment: environment}
	}
	return history[len(history)-1]
}

// Decided is the last record of a history, oldest first, that decided what serves: restoring it since changed nothing. The zero Record when
// there is none.
func Decided(history []Record) Record {
	for _, r := range slices.Backward(history) {
		if r.Change != Restored {
			return r
		}
	}
	return Record{}
}

// WasChampion reports whether t was champion in any of the records.
func WasChampion(history []Record, t Track) bool {
	for _, r := range history {
		if Is(r.Champion, &t) {
			return true
		}
	}
	return false
}
