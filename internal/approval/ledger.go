package approval

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Entry is one row of the ledger: a signed statement in its place, chained to the one before.
type Entry struct {
	Seq int64 `json:"seq"` // 1, 2, 3 … without gaps
	Signed
	// CountsFor is the ID of the run for which it counts: that which an approval names, and the one that a start began. Empty for operators.
	CountsFor  string    `json:"counts_for,omitempty"`
	RecordedAt time.Time `json:"recorded_at"`
	PrevHash   string    `json:"prev_hash"` // hash of the entry before; empty for the first
	Hash       string    `json:"hash"`
}

// hashOf is SHA-256 over an entry's fields and PrevHash as netstrings, so that no two different entries have the same bytes.
func hashOf(e Entry) string {
	return sha256hex.Of(netstrings(e.PrevHash, strconv.FormatInt(e.Seq, 10), string(e.Bytes()), hex.EncodeToString(e.Signature), e.CountsFor,
		strconv.FormatInt(e.RecordedAt.UnixMicro(), 10)))
}

// Ledger is everything that operators signed, in order. Who was an operator when is a part of it: whether a signature counts is decided by the entries
// before it, not by a clock.
type Ledger struct {
	entries   []Entry
	operators []Operator     // in the order in which they were added
	said      map[string]int // place in entries by the bytes of the statement
	starts    map[string]int // place in entries by the run that was started
	approved  map[run]Entry  // by run and person
}

// run is a person's part in one.
type run struct{ id, by string }

// Read verifies entries, oldest first, from the first on: each follows the one before, its signature is that of who was an operator then, and it was
// allowed. What does not hold is a fault.Internal that names the row. A ledger whose last rows were removed cannot be told from a shorter one by itself,
// nor one that was written anew from the beginning by who holds all of its keys: whoever keeps Head and the first operator's fingerprint elsewhere can.
func Read(entries []Entry) (Ledger, error) {
	l := Ledger{said: map[string]int{}, starts: map[string]int{}, approved: map[run]Entry{}}
	for _, e := range entries {
		switch {
		case e.Seq != int64(len(l.entries))+1:
			return Ledger{}, fault.New(fault.Internal, "signed record %d is missing", len(l.entries)+1)
		case e.PrevHash != l.Head():
			return Ledger{}, fault.New(fault.Internal, "signed record %d does not follow the one before", e.Seq)
		case e.Hash != hashOf(e):
			return Ledger{}, fault.New(fault.Internal, "signed record %d was altered", e.Seq)
		}
		if err := l.admits(e.Signed, e.CountsFor, e.RecordedAt); err != nil {
			return Ledger{}, fault.New(fault.Internal, "signed record %d should not be there: %s", e.Seq, err)
		}
		l.append(e)
	}
	return l, nil
}

// Head is the hash of the newest entry; empty before the first.
func (l Ledger) Head() string {
	if len(l.entries) == 0 {
		return ""
	}
	return l.entries[len(l.entries)-1].Hash
}

// Entries are all of them, oldest first.
func (l Ledger) Entries() []Entry { return l.entries }

// Next is the entry that a statement becomes when it is recorded at that time for that run. The same one again is the entry that is there already,
// with known true, and so is another approval of the same by the same person, who may not have heard of the first. A statement that is not to be recorded is fault.Refused or fault.Invalid, and says why.
func (l Ledger) Next(s Signed, countsFor string, at time.Time) (next Entry, known bool, err error) {
	next = Entry{Seq: int64(len(l.entries)) + 1, Signed: s, CountsFor: countsFor, RecordedAt: at.UTC().Truncate(time.Microsecond), PrevHash: l.Head()}
	next.Hash = hashOf(next)
	if place, found := l.said[string(s.Bytes())]; found {
		if e := l.entries[place]; e.CountsFor == countsFor && string(e.Signature) == string(s.Signature) {
			return e, true, nil
		}
	}
	if e, found := l.approved[run{countsFor, s.By}]; found && s.Kind == Approve && s.Subject == e.Subject {
		if err := s.complete(); err != nil {
			return next, false, err
		}
		return e, true, l.signedBy(s, next.RecordedAt)
	}
	return next, false, l.admits(s, countsFor, next.RecordedAt)
}

// append takes in an entry that the ledger admits.
func (l *Ledger) append(e Entry) {
	place := len(l.entries)
	l.entries = append(l.entries, e)
	l.said[string(e.Bytes())] = place
	switch e.Kind {
	case Add:
		l.operators = append(l.operators, Operator{Name: e.Operator, PublicKey: e.PublicKey, AddedBy: e.By, AddedAt: e.RecordedAt})
	case Revoke:
		for i := range l.operators {
			if l.operators[i].Name == e.Operator {
				l.operators[i].Revoked = &Revocation{By: e.By, Reason: e.Reason, At: e.RecordedAt}
			}
		}
	case Start:
		l.starts[e.CountsFor] = place
	case Approve:
		l.approved[run{e.CountsFor, e.By}] = e
	}
}

// admits refuses what must not become the next entry.
func (l Ledger) admits(s Signed, countsFor string, at time.Time) error {
	if err := s.complete(); err != nil {
		return err
	}
	if s.Kind == Add {
		if err := l.admitsNew(s.Statement); err != nil {
			return err
		}
		if len(l.operators) == 0 {
			return l.admitsFirst(s, at)
		}
	}
	if err := l.signedBy(s, at); err != nil {
		return err
	}
	switch s.Kind {
	case Revoke:
		return l.admitsRevocation(s.Statement)
	case Start:
		return l.admitsStart(s, countsFor)
	case Approve:
		return l.admitsApproval(s, countsFor)
	case Add:
	}
	return nil
}

// signedBy checks that an operator who may sign now did, not long ago.
func (l Ledger) signedBy(s Signed, at time.Time) error {
	signer, found := l.operator(s.By)
	if !found {
		return fault.New(fault.Refused, "no operator is called %q; `loanops operators list` shows those that there are", clip(s.By))
	}
	key, err := keyOf(signer.PublicKey)
	if err != nil {
		return err
	}
	if err := s.by(key); err != nil {
		return err
	}
	if signer.Revoked != nil {
		return fault.New(fault.Refused, "operator %q was revoked at %s by %s: %s", signer.Name, signer.Revoked.At.Format(time.RFC3339), signer.Revoked.By, signer.Revoked.Reason)
	}
	return s.timely(at)
}

// admitsStart refuses the signature of one run's start for another: whoever saw it could start again in that person's name.
func (l Ledger) admitsStart(s Signed, countsFor string) error {
	if countsFor == "" {
		return fault.New(fault.Invalid, "the start of a run needs the run's ID")
	}
	if place, found := l.said[string(s.Bytes())]; found {
		return fault.New(fault.Refused, "the signature started run %s already, and starts no other", l.entries[place].CountsFor)
	}
	if e, found := l.StartOf(countsFor); found {
		return fault.New(fault.Refused, "run %s was started by %s", countsFor, e.By)
	}
	return nil
}

// admitsApproval refuses a second approval of a run, for another version or policy, by the same person.
func (l Ledger) admitsApproval(s Signed, countsFor string) error {
	if s.RunID != countsFor {
		return fault.New(fault.Refused, "the signature is for another run: %s, this is %s", clip(s.RunID), clip(countsFor))
	}
	if e, found := l.approved[run{countsFor, s.By}]; found {
		return fault.New(fault.Refused, "%s has approved this run already, at %s", s.By, e.RecordedAt.Format(time.RFC3339))
	}
	return nil
}

// StartOf is whose signature started the run; false where it was started without one.
func (l Ledger) StartOf(runID string) (Entry, bool) {
	place, found := l.starts[runID]
	if !found {
		return Entry{}, false
	}
	return l.entries[place], true
}

// Approvals are those of a model's version, oldest first; version 0: of all.
func (l Ledger) Approvals(model string, version int) []Entry {
	found := []Entry{}
	for _, e := range l.entries {
		if e.Kind == Approve && e.Model == model && (version == 0 || e.Version == version) {
			found = append(found, e)
		}
	}
	return found
}

// Records keeps the ledger. Every error has a fault code; one that was tampered with is fault.Internal naming the row.
type Records interface {
	// Ledger reads and verifies all of it.
	Ledger(ctx context.Context) (Ledger, error)
	// RecordSigned verifies the ledger and appends the statement, see Ledger.Next, at the time of the registry. Repeating it returns the entry of the
	// first call.
	RecordSigned(ctx context.Context, s Signed, countsFor string) (Entry, error)
}
