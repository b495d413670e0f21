package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/store/postgrestest"
	"github.com/loanops/loanops/internal/store/storetest"
)

var server *postgrestest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = postgrestest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// opener opens further handles on the database at url.
func opener(url string) func(*testing.T) registry.Registry {
	return func(t *testing.T) registry.Registry {
		r, err := store.Open(t.Context(), url)
		if err != nil {
			t.Error(err)
			t.FailNow()
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
}

// tamperer runs statements without the registry, after dropping what protects its tables.
func tamperer(driver, source string, unprotect ...string) func(*testing.T, string) {
	return func(t *testing.T, statement string) {
		db, err := sql.Open(driver, source)
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Exec(statement)
		require.ErrorContains(t, err, "append-only", "the database itself refuses to change history")
		for _, drop := range unprotect {
			_, err = db.Exec(drop)
			require.NoError(t, err)
		}
		result, err := db.Exec(statement)
		require.NoError(t, err)
		changed, err := result.RowsAffected()
		require.NoError(t, err)
		require.Equal(t, int64(1), changed)
	}
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "registry.db")
		tamper := func(t *testing.T, statement string) {
			// Each case starts protected.
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			defer db.Close()
			for _, op := range []string{"update", "delete"} {
				_, err = db.Exec(fmt.Sprintf("CREATE TRIGGER IF NOT EXISTS serving_records_no_%s BEFORE %s ON serving_records BEGIN SELECT RAISE(ABORT, 'serving_records is append-only'); END", op, op))
				require.NoError(t, err)
			}
			tamperer("sqlite", path, "DROP TRIGGER IF EXISTS serving_records_no_update", "DROP TRIGGER IF EXISTS serving_records_no_delete")(t, statement)
		}
		return storetest.Database{Open: opener("sqlite://" + path), Tamper: tamper}
	})
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		url := server.Database(t)
		tamper := func(t *testing.T, statement string) {
			tamperer("pgx", url, "ALTER TABLE serving_records DISABLE TRIGGER serving_records_append_only")(t, statement)
			db, err := sql.Open("pgx", url)
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Exec("ALTER TABLE serving_records ENABLE TRIGGER serving_records_append_only")
			require.NoError(t, err)
		}
		return storetest.Database{Open: opener(url), Tamper: tamper}
	})
}

func TestOpenSaysWhatIsWrongWithoutThePassword(t *testing.T) {
	for _, url := range []string{"", "mysql://root:secret@host/db", "sqlite://relative.db"} {
		_, err := store.Open(t.Context(), url)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), url)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := store.Open(t.Context(), "postgres://user:secret@127.0.0.1:1/none?connect_timeout=2")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.NotContains(t, err.Error(), "secret")
}
