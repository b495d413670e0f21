package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// HashOf returns the hash that m must carry: SHA-256 over its fields and PrevHash, each preceded by its length, so that no
// two different moves have the same bytes.
func HashOf(m AliasMove) string {
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	number := func(n int64) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text(m.PrevHash)
	text(m.Name)
	number(int64(m.Seq))
	text(m.Alias)
	number(int64(m.Version))
	number(int64(m.From))
	text(m.Actor)
	text(m.Reason)
	number(m.At.UnixMicro())
	text(m.Operation)
	return hex.EncodeToString(h.Sum(nil))
}

// VerifyChain checks that moves, oldest first, are the whole history as it was written: numbered without gaps from 1, each with
// its own hash and that of the one before. What does not hold is a fault.Internal that names the row. A history whose
// last rows were removed cannot be told from a shorter one by itself: whoever keeps the newest hash elsewhere can.
func VerifyChain(moves []AliasMove) error {
	before := ""
	for i, m := range moves {
		switch {
		case m.Seq != i+1:
			return fault.New(fault.Internal, "alias history of %s: row %d is missing", m.Name, i+1)
		case m.PrevHash != before:
			return fault.New(fault.Internal, "alias history of %s: row %d does not follow row %d", m.Name, m.Seq, i)
		case m.Hash != HashOf(m):
			return fault.New(fault.Internal, "alias history of %s: row %d was altered", m.Name, m.Seq)
		}
		before = m.Hash
	}
	return nil
}

// Current returns what each alias names after moves; an alias that names nothing is absent.
func Current(moves []AliasMove) map[string]int {
	current := map[string]int{}
	for _, m := range moves {
		if m.Version == 0 {
			delete(current, m.Alias)
		} else {
			current[m.Alias] = m.Version
		}
	}
	return current
}

// Next returns the moves that op adds to a history, hashed; changes that change nothing are left out.
func Next(history []AliasMove, op AliasOperation, at time.Time) []AliasMove {
	current := Current(history)
	seq, before := len(history), ""
	if seq > 0 {
		before = history[seq-1].Hash
	}
	var moves []AliasMove
	for _, change := range op.Changes {
		if current[change.Alias] == change.Version {
			continue
		}
		seq++
		m := AliasMove{
			Name: op.Name, Seq: seq, Alias: change.Alias, Version: change.Version, From: current[change.Alias],
			Actor: op.Actor, Reason: op.Reason, At: at, Operation: op.ID, PrevHash: before,
		}
		m.Hash = HashOf(m)
		before = m.Hash
		current[change.Alias] = change.Version
		moves = append(moves, m)
	}
	return moves
}
