package feature

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Posted is a row of a view as it was posted.
type Posted struct {
	// ID is the sender's name of it: the same again is sent twice, or corrected.
	ID  string
	Key Key
	// Names is KeyOf of the names of the entity's keys. A version of the view whose entity has other keys knows nothing of the row.
	Names Key
	// Event is when it was true.
	Event Instant
	// Values is a JSON object of View.Inputs by their names, its names sorted. What is left out is missing.
	Values json.RawMessage
}

// Logged is a row of a view's log. A row that was corrected stays, and the correction follows it.
type Logged struct {
	Posted
	// Seq numbers the rows of a view, from 1 and without gaps, in the order in which they were written.
	Seq int64
	// Created is when it was known.
	Created Instant
}

// Appended is what became of a posted row.
type Appended struct {
	// Seq and Created are those of its row in the log.
	Seq     int64
	Created Instant
	// Duplicate says that the log had the row already, as what its ID says now.
	Duplicate bool
}

// Extent says which rows of an entity are folded into what is held of it.
type Extent int

// The extents.
const (
	NewRows   Extent = iota + 1 // those that are new, each of an instant of which the entity has no other row: they correct nothing
	WholeDays                   // all of the days on which there are new ones, corrected ones as well
	AllRows                     // all: what was held of the log counts no more
)

// Fold makes of what the online store holds of an entity, nil where that is nothing, what it is to hold with rows of the log, which are in its order. The version is a row
// of the register. It depends on nothing that another call did, for a transaction may run again. No bytes are nothing to hold. A version that whoever folds does not understand
// is a NotUnderstoodError: what is held of it stays as it is.
type Fold func(version Registered, key Key, state []byte, rows []Logged, of Extent) ([]byte, error)

// NotUnderstoodError says that this program does not know what to do with a version of a view: a newer one has registered it.
type NotUnderstoodError struct{ Reason error }

func (e *NotUnderstoodError) Error() string { return e.Reason.Error() }

func (e *NotUnderstoodError) Unwrap() error { return e.Reason }

// NotUnderstood says that err is one.
func NotUnderstood(err error) bool {
	var is *NotUnderstoodError
	return errors.As(err, &is)
}

// MovedError is the error of a posted row whose ID the log has with another entity, or the same by other keys, or another instant.
type MovedError struct {
	// Index is its place among those that were posted.
	Index int
}

func (e *MovedError) Error() string {
	return fmt.Sprintf("events[%d]: a correction keeps entity and event_timestamp of its event_id; post another event_id", e.Index)
}

// Log is what was posted to views: each view has one, whatever its versions make of it.
type Log interface {
	// Append writes rows of a view, all or none, and rewrites by fold what is held of their entities in every version of the view that is live, in one
	// transaction that outlives the machine's failure when this returns. A row whose ID and values are those of the newest row of that ID is a duplicate and has no
	// effect; one whose newest row has other values is a correction and a row of its own, also where it takes an earlier correction back; one whose ID the log has with another
	// entity or instant is fault.Refused, see MovedError. Created is what the clock says once no other writer is before it, and later than that of every row
	// before: no two rows of a view became known at once. A view of which no version is live is fault.NotFound. The answers are in the order of the rows.
	// Calls that come at once may share a transaction, and then the fold of one of them serves all: callers of one store fold alike. Each is answered as if it were alone,
	// and none fails for what another posts. A version that fold does not understand lacks the rows until Refold; what else fold fails with, as for a state that
	// is damaged, fails those who post about that entity. Where the context ends first, rows may be written all the same: the same again tells.
	Append(ctx context.Context, view string, rows []Posted, clock func() Instant, fold Fold) ([]Appended, error)
	// Events returns up to limit rows of a view's log that follow the one with that Seq, in their order. What is returned is whole: no row before the last of
	// them comes later. None is empty.
	Events(ctx context.Context, view string, after int64, limit int) ([]Logged, error)
	// Refold rewrites by fold what one version of a view holds, from all rows of the log, unless it is made of all of them already: a version that was not live
	// all the time since the first row was posted, or was not understood by who folded, is brought up by it. Until then Append folds all rows of an entity of which there is a new one. A version that is not live is fault.NotFound.
	Refold(ctx context.Context, view string, version int, fold Fold) error
	// Unfold says that a version is not made of all rows of the log, so that Refold rewrites what it holds.
	Unfold(ctx context.Context, view string, version int) error
}

// MovedAt is the place of the row that err, of Append, says is moved; false of another error.
func MovedAt(err error) (at int, is bool) {
	var moved *MovedError
	if !errors.As(err, &moved) {
		return 0, false
	}
	return moved.Index, true
}
