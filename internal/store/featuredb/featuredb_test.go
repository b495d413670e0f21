package featuredb_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/store/featuredb"
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

// opener opens further handles on the feature database at url.
func opener(url string) storetest.OpenFeatures {
	return func(t *testing.T) feature.Store {
		s, err := featuredb.Open(t.Context(), url)
		if err != nil {
			t.Error(err)
			t.FailNow()
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
}

func TestSQLite(t *testing.T) {
	storetest.Features(t, func(t *testing.T) storetest.OpenFeatures {
		return opener("sqlite://" + filepath.Join(t.TempDir(), "features.db"))
	})
}

func TestPostgreSQL(t *testing.T) {
	storetest.Features(t, func(t *testing.T) storetest.OpenFeatures { return opener(server.Database(t)) })
}

func registryAt(t *testing.T, url string) registry.Registry {
	r, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// One PostgreSQL database may have the tables of both, whichever was there first.
func TestBesideTheRegistry(t *testing.T) {
	for _, registryFirst := range []bool{true, false} {
		url := server.Database(t)
		if registryFirst {
			require.NoError(t, registryAt(t, url).Ping(t.Context()))
		}
		require.NoError(t, opener(url)(t).Ping(t.Context()))
		require.NoError(t, registryAt(t, url).Ping(t.Context()))
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	_, err := featuredb.Open(t.Context(), "mysql://root:secret@host/db")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_FEATURES_DATABASE")
	require.NotContains(t, err.Error(), "secret")
	path := filepath.Join(t.TempDir(), "mistyped", "features.db")
	_, err = featuredb.OpenExisting(t.Context(), "sqlite://"+path)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.NoDirExists(t, filepath.Dir(path))
	opener("sqlite://" + path)(t)
	s, err := featuredb.OpenExisting(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for _, database := range []struct{ open, driver, source string }{{"sqlite://" + path, "sqlite", path}, {server.Database(t), "pgx", ""}} {
		if database.source == "" {
			database.source = database.open
			opener(database.open)(t)
		}
		db, err := sql.Open(database.driver, database.source)
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Exec("UPDATE feature_applied_migrations SET sha256 = 'of another text' WHERE version = 1")
		require.NoError(t, err)
		_, err = featuredb.Open(t.Context(), database.open)
		require.Equal(t, fault.Conflict, fault.CodeOf(err))
		require.ErrorContains(t, err, "the feature database has the schema of another LoanOps")
	}
}

// What was declared, and by whom, is never written over.
func TestDefinitionsAreAppendOnly(t *testing.T) {
	path, url := filepath.Join(t.TempDir(), "features.db"), server.Database(t)
	for _, database := range []struct{ open, driver, source string }{{"sqlite://" + path, "sqlite", path}, {url, "pgx", url}} {
		_, err := opener(database.open)(t).Register(t.Context(), 0, []feature.Registered{{
			Kind: feature.KindEntity, Name: "applicant", Version: 1, Meaning: "digest", Document: []byte("{}"), Stage: feature.Active, Actor: "ada",
		}})
		require.NoError(t, err)
		db, err := sql.Open(database.driver, database.source)
		require.NoError(t, err)
		defer db.Close()
		for _, statement := range []string{"UPDATE feature_definitions SET actor = 'bo'", "DELETE FROM feature_definitions"} {
			_, err = db.Exec(statement)
			require.ErrorContains(t, err, "append-only", statement)
		}
	}
}
