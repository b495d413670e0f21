package storetest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// says signs a statement with the key of that name.
func says(t *testing.T, s approval.Statement, by string) approval.Signed {
	t.Helper()
	seed := sha256.Sum256([]byte(by))
	s.By, s.At = by, time.Now()
	signed, err := approval.Sign(s, ed25519.NewKeyFromSeed(seed[:]))
	require.NoError(t, err)
	return signed
}

func added(t *testing.T, name, by string) approval.Signed {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	return says(t, approval.Statement{Kind: approval.Add, Operator: name, PublicKey: approval.KeyText(key)}, by)
}

func approved(t *testing.T, run, by string) approval.Signed {
	return says(t, approval.Statement{Kind: approval.Approve, Reason: "日本, reviewed: 'yes'", Subject: approval.Subject{
		WorkflowID: "delivery-loans", RunID: run, Model: "loans", Version: 2, Digest: "ab", Policy: "cd",
	}}, by)
}

func record(t *testing.T, r registry.Registry, s approval.Signed, run string) approval.Entry {
	t.Helper()
	entry, err := r.RecordSigned(ctx(t), s, run)
	require.NoError(t, err)
	return entry
}

// Every row comes back as it went in, through whichever handle, and what the ledger does not admit is not written.
func signedRecords(t *testing.T, db Database) {
	r := db.Open(t)
	empty, err := r.Ledger(ctx(t))
	require.NoError(t, err)
	require.Empty(t, empty.Entries())

	want := []approval.Entry{record(t, r, added(t, "ada", "ada"), ""), record(t, r, added(t, "grace", "ada"), "")}
	approval1 := approved(t, "run-1", "grace")
	want = append(want, record(t, r, approval1, "run-1"))
	require.Equal(t, want[2], record(t, r, approval1, "run-1"), "the same again changes nothing")
	want = append(want, record(t, r, says(t, approval.Statement{Kind: approval.Revoke, Operator: "grace", Reason: "left"}, "ada"), ""))
	require.WithinDuration(t, time.Now(), want[3].RecordedAt, time.Minute)

	_, err = r.RecordSigned(ctx(t), approved(t, "run-2", "grace"), "run-2")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, `"grace" was revoked`)
	_, err = r.RecordSigned(ctx(t), approval.Signed{}, "")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))

	ledger, err := db.Open(t).Ledger(ctx(t))
	require.NoError(t, err)
	require.Equal(t, want, ledger.Entries())
	require.Equal(t, want[3].Hash, ledger.Head())
}

// Writers of two processes' handles get the places 1 to n, each once.
func concurrentSigned(t *testing.T, db Database) {
	handles := []registry.Registry{db.Open(t), db.Open(t)}
	record(t, handles[0], added(t, "ada", "ada"), "")
	const n = 12
	var wait sync.WaitGroup
	signed := make([]approval.Signed, n)
	for i := range n {
		signed[i] = approved(t, fmt.Sprint("run-", i), "ada")
	}
	for i := range n {
		wait.Go(func() {
			if _, err := handles[i%2].RecordSigned(ctx(t), signed[i], fmt.Sprint("run-", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	ledger, err := handles[0].Ledger(ctx(t))
	require.NoError(t, err)
	require.Len(t, ledger.Approvals("loans", 2), n)
}

// Of rows that somebody altered or removed none is believed, and nothing is written after them.
func tamperingSigned(t *testing.T, db Database) {
	r := db.Open(t)
	record(t, r, added(t, "ada", "ada"), "")
	record(t, r, added(t, "grace", "ada"), "")
	record(t, r, approved(t, "run-1", "grace"), "run-1")
	for _, test := range []struct{ statement, undo, want string }{
		{"UPDATE signed_records SET statement = REPLACE(statement, 'yes', 'not') WHERE seq = 3", "UPDATE signed_records SET statement = REPLACE(statement, 'not', 'yes') WHERE seq = 3", "signed record 3 was altered"},
		{"UPDATE signed_records SET statement = 'x' || statement WHERE seq = 3", "UPDATE signed_records SET statement = SUBSTR(statement, 2) WHERE seq = 3", "signed record 3 was altered: it cannot be read"},
		{"UPDATE signed_records SET signature = 'x' || signature WHERE seq = 3", "UPDATE signed_records SET signature = SUBSTR(signature, 2) WHERE seq = 3", "signed record 3 was altered: it cannot be read"},
		{"UPDATE signed_records SET counts_for = 'run-2' WHERE seq = 3", "UPDATE signed_records SET counts_for = 'run-1' WHERE seq = 3", "signed record 3 was altered"},
		{"UPDATE signed_records SET at = at + 1 WHERE seq = 2", "UPDATE signed_records SET at = at - 1 WHERE seq = 2", "signed record 2 was altered"},
		{"UPDATE signed_records SET prev_hash = 'x' || prev_hash WHERE seq = 2", "UPDATE signed_records SET prev_hash = SUBSTR(prev_hash, 2) WHERE seq = 2", "signed record 2 does not follow"},
		{"UPDATE signed_records SET hash = 'x' || hash WHERE seq = 3", "UPDATE signed_records SET hash = SUBSTR(hash, 2) WHERE seq = 3", "signed record 3 was altered"},
		{"DELETE FROM signed_records WHERE seq = 2", "", "signed record 2 is missing"},
	} {
		db.Tamper(t, test.statement)
		noticed := func(err error) {
			t.Helper()
			require.Equal(t, fault.Internal, fault.CodeOf(err), test.statement)
			require.ErrorContains(t, err, test.want)
		}
		_, err := r.Ledger(ctx(t))
		noticed(err)
		_, err = r.RecordSigned(ctx(t), approved(t, "run-9", "ada"), "run-9")
		noticed(err)
		if test.undo != "" {
			db.Tamper(t, test.undo)
			_, err = r.Ledger(ctx(t))
			require.NoError(t, err)
		}
	}
}
