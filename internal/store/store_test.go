package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
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

// chained are the tables whose rows carry the hash of the one before.
var chained = []string{"serving_records", "signed_records"}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "registry.db")
		tamper := func(t *testing.T, statement string) {
			// Each case starts protected.
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			defer db.Close()
			var drops []string
			for _, table := range chained {
				for _, op := range []string{"update", "delete"} {
					_, err = db.Exec(fmt.Sprintf("CREATE TRIGGER IF NOT EXISTS %[1]s_no_%[2]s BEFORE %[2]s ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END", table, op))
					require.NoError(t, err)
					drops = append(drops, fmt.Sprintf("DROP TRIGGER IF EXISTS %s_no_%s", table, op))
				}
			}
			tamperer("sqlite", path, drops...)(t, statement)
		}
		return storetest.Database{Open: opener("sqlite://" + path), Tamper: tamper}
	})
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database {
		url := server.Database(t)
		tamper := func(t *testing.T, statement string) {
			var disable []string
			for _, table := range chained {
				disable = append(disable, fmt.Sprintf("ALTER TABLE %[1]s DISABLE TRIGGER %[1]s_append_only", table))
			}
			tamperer("pgx", url, disable...)(t, statement)
			db, err := sql.Open("pgx", url)
			require.NoError(t, err)
			defer db.Close()
			for _, table := range chained {
				_, err = db.Exec(fmt.Sprintf("ALTER TABLE %[1]s ENABLE TRIGGER %[1]s_append_only", table))
				require.NoError(t, err)
			}
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

// What people were told, and who took care of it, is never written over.
func TestAlertsAreAppendOnly(t *testing.T) {
	path, url := filepath.Join(t.TempDir(), "registry.db"), server.Database(t)
	for _, database := range []struct{ open, driver, source string }{{"sqlite://" + path, "sqlite", path}, {url, "pgx", url}} {
		r := opener(database.open)(t)
		a, _, err := r.RaiseAlert(t.Context(), alert.Alert{Pipeline: "loans", Subject: alert.Delivery, State: alert.Failed, Since: time.Unix(1, 0), Operation: "run/end"})
		require.NoError(t, err)
		require.NoError(t, r.PutAlertSending(t.Context(), a.ID, "pager"))
		_, err = r.AckAlert(t.Context(), a.ID, alert.Ack{Actor: "ada", Reason: "looking"})
		require.NoError(t, err)
		db, err := sql.Open(database.driver, database.source)
		require.NoError(t, err)
		defer db.Close()
		for _, statement := range []string{
			"UPDATE alerts SET document = ''", "DELETE FROM alerts", "UPDATE alert_sendings SET at = 0", "DELETE FROM alert_sendings", "UPDATE alert_acks SET actor = ''", "DELETE FROM alert_acks",
		} {
			_, err = db.Exec(statement)
			require.ErrorContains(t, err, "append-only", statement)
		}
	}
}
