package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/store"
)

// A schema that an edited migration made has the same number and other columns: it is refused before anything is done with it.
func TestTheSchemaOfAnotherLoanOpsIsRefused(t *testing.T) {
	for _, statement := range []string{
		"DROP TABLE applied_migrations", // from before there was one
		"UPDATE applied_migrations SET sha256 = 'of another text' WHERE version = 1",
	} {
		path, url := filepath.Join(t.TempDir(), "registry.db"), server.Database(t)
		for _, database := range []struct{ open, driver, source string }{{"sqlite://" + path, "sqlite", path}, {url, "pgx", url}} {
			first, err := opener(database.open)(t).Identity(t.Context())
			require.NoError(t, err)
			again, err := opener(database.open)(t).Identity(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, first)
			require.Equal(t, first, again)

			db, err := sql.Open(database.driver, database.source)
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Exec(statement)
			require.NoError(t, err)
			_, err = store.Open(t.Context(), database.open)
			require.Equal(t, fault.Conflict, fault.CodeOf(err), err)
			require.ErrorContains(t, err, "another LoanOps")
		}
	}
}

// A process that ends between a migration and its record leaves a schema of its own.
func TestAMigrationThatIsNotRecordedIsRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	opener("sqlite://" + path)(t)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("DELETE FROM applied_migrations")
	require.NoError(t, err)
	opener("sqlite://" + path)(t)
	var recorded int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM applied_migrations").Scan(&recorded))
	require.Equal(t, 6, recorded)
}

func TestOpenExistingMakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mistyped", "registry.db")
	_, err := store.OpenExisting(t.Context(), "sqlite://"+path)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.NoDirExists(t, filepath.Dir(path))
	opener("sqlite://" + path)(t)
	r, err := store.OpenExisting(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}
