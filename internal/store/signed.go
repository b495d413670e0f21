package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
)

func (s *store) Ledger(ctx context.Context) (approval.Ledger, error) { return s.ledger(ctx, s.DB) }

// RecordSigned reads, judges and inserts in one transaction. When another writer inserts in between, the primary key refuses the row, and the
// transaction runs again: what the other one wrote is then a part of what is judged by.
func (s *store) RecordSigned(ctx context.Context, signed approval.Signed, countsFor string) (approval.Entry, error) {
	var entry approval.Entry
	err := s.Transact(ctx, "recording what was signed", func(tx *sql.Tx) error {
		ledger, err := s.ledger(ctx, tx)
		if err != nil {
			return err
		}
		var known bool
		if entry, known, err = ledger.Next(signed, countsFor, now()); err != nil || known {
			return err
		}
		_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO signed_records (seq, statement, signature, counts_for, at, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"),
			entry.Seq, string(entry.Bytes()), hex.EncodeToString(entry.Signature), entry.CountsFor, entry.RecordedAt.UnixMicro(), entry.PrevHash, entry.Hash)
		return err
	})
	if err != nil {
		return approval.Entry{}, err
	}
	return entry, nil
}

// ledger reads and verifies all that was signed.
func (s *store) ledger(ctx context.Context, q querier) (approval.Ledger, error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, statement, signature, counts_for, at, prev_hash, hash FROM signed_records ORDER BY seq")
	if err != nil {
		return approval.Ledger{}, s.Dialect.Fault(err, "reading what was signed")
	}
	defer rows.Close()
	var entries []approval.Entry
	for rows.Next() {
		var e approval.Entry
		var statement, signature string
		var at int64
		if err := rows.Scan(&e.Seq, &statement, &signature, &e.CountsFor, &at, &e.PrevHash, &e.Hash); err != nil {
			return approval.Ledger{}, s.Dialect.Fault(err, "reading what was signed")
		}
		e.RecordedAt = time.UnixMicro(at).UTC()
		if e.Statement, err = approval.Decode([]byte(statement)); err == nil {
			e.Signature, err = hex.DecodeString(signature)
		}
		if err != nil {
			return approval.Ledger{}, fault.New(fault.Internal, "signed record %d was altered: it cannot be read", e.Seq)
		}
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return approval.Ledger{}, s.Dialect.Fault(err, "reading what was signed")
	}
	return approval.Read(entries)
}
