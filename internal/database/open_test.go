package database_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/database"
	"github.com/loanops/loanops/internal/fault"
)

// What was posted must outlive a machine that fails: SQLite waits for the disk at each commit (synchronous 2, FULL). The registry's rows may be written again.
func TestHowLongSQLiteWaitsForTheDisk(t *testing.T) {
	t.Parallel()
	for want, schema := range map[int]database.Schema{1: database.Metadata, 2: database.Features} {
		db, err := schema.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "new", "a.db"))
		require.NoError(t, err)
		defer db.Close()
		var synchronous int
		require.NoError(t, db.QueryRow("PRAGMA synchronous").Scan(&synchronous))
		require.Equal(t, want, synchronous)
	}
}

// Readers see what is committed while a writer is at it, and write nothing.
func TestReadersNeitherWaitNorWrite(t *testing.T) {
	t.Parallel()
	db, err := database.Features.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	defer db.Close()
	reads, err := db.Readers()
	require.NoError(t, err)
	defer reads.Close()
	_, err = db.Exec("INSERT INTO feature_logs (view, seq) VALUES ('bureau', 1)")
	require.NoError(t, err)
	require.NoError(t, db.Transact(t.Context(), "testing", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE feature_logs SET seq = 2")
		require.NoError(t, err)
		var seq int
		require.NoError(t, reads.QueryRow("SELECT seq FROM feature_logs").Scan(&seq))
		require.Equal(t, 1, seq)
		return nil
	}))
	_, err = reads.Exec("DELETE FROM feature_logs")
	require.Error(t, err)
}

// An error of the work keeps its code, and what has none is the database's.
func TestFaultsOfTransactions(t *testing.T) {
	t.Parallel()
	db, err := database.Features.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	defer db.Close()
	require.Equal(t, fault.Refused, fault.CodeOf(db.Transact(t.Context(), "testing", func(*sql.Tx) error { return fault.New(fault.Refused, "no") })))
	err = db.Transact(t.Context(), "testing", func(tx *sql.Tx) error { _, err := tx.Exec("SELECT nothing"); return err })
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "testing")
	tries := 0
	err = db.Transact(t.Context(), "testing", func(tx *sql.Tx) error {
		tries++
		_, err := tx.Exec("INSERT INTO feature_logs (view, seq) VALUES ('a', 1), ('a', 1)")
		return err
	})
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.Greater(t, tries, 1, "a race that is lost is run again")
}
