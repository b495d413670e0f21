package serving

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Seal is r with its time and the hash that it must carry.
func (r Record) Seal(at time.Time) Record {
	r.At = at
	r.Hash = HashOf(r)
	return r
}

// HashOf is SHA-256 over r's fields and PrevHash, each text preceded by its length and each track by whether it is there, so that no
// two different records have the same bytes.
func HashOf(r Record) string {
	h := sha256.New()
	number := func(n int64) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	track := func(t *Track) {
		if t == nil {
			number(0)
			return
		}
		number(1)
		number(int64(t.Version))
		text(t.Policy)
	}
	text(r.PrevHash)
	text(r.Pipeline)
	text(r.Environment)
	number(r.Generation)
	track(r.Champion)
	track(r.Challenger)
	number(int64(r.Weight))
	track(r.Previous)
	text(r.Drill)
	text(string(r.Change))
	text(r.Writer)
	text(r.Actor)
	text(r.Reason)
	text(r.Operation)
	number(r.At.UnixMicro())
	return hex.EncodeToString(h.Sum(nil))
}

// Verify checks that records, oldest first, are a whole history as it was written: numbered without gaps from 1, each with its own
// hash and that of the one before. What does not hold is a fault.Internal that names the row. A history whose last rows were
// removed cannot be told from a shorter one by itself: whoever keeps the newest hash elsewhere can.
func Verify(records []Record) error { return follow(Record{}, records) }

// VerifyNewest checks the last two records of a history, oldest first, or its only one: each has its own hash, and the newest follows
// the one before. It costs the same however long the history is; what was altered further back is for Verify to find.
func VerifyNewest(last []Record) error {
	var before Record
	if len(last) > 1 && last[0].Generation > 1 {
		before = Record{Generation: last[0].Generation - 1, Hash: last[0].PrevHash} // taken on trust
	}
	return follow(before, last)
}

// follow checks that records, oldest first, follow each other and before.
func follow(before Record, records []Record) error {
	for _, r := range records {
		switch {
		case r.Generation != before.Generation+1:
			return fault.New(fault.Internal, "serving record of %s in %s: generation %d is missing", r.Pipeline, r.Environment, before.Generation+1)
		case r.PrevHash != before.Hash:
			return fault.New(fault.Internal, "serving record of %s in %s: generation %d does not follow generation %d",
				r.Pipeline, r.Environment, r.Generation, before.Generation)
		case r.Hash != HashOf(r):
			return fault.New(fault.Internal, "serving record of %s in %s: generation %d was altered", r.Pipeline, r.Environment, r.Generation)
		}
		before = r
	}
	return nil
}
