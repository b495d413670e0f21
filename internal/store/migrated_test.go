package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Versions that were registered before they named a predictor are kept, name none, and are as unchangeable as before; the same bundle may then be registered
// with one, and not twice.
func TestVersionsFromBeforeTheyNamedPredictors(t *testing.T) {
	t.Parallel()
	for _, on := range []struct {
		folder, driver string
		source         func(*testing.T) string
	}{
		{"sqlite", "sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "loanops.db") }},
		{"postgres", "pgx", func(t *testing.T) string { return server.Database(t) }},
	} {
		t.Run(on.folder, func(t *testing.T) {
			t.Parallel()
			db, err := sql.Open(on.driver, on.source(t))
			require.NoError(t, err)
			defer db.Close()
			db.SetMaxOpenConns(1)
			ups, err := filepath.Glob(filepath.Join("..", "..", "migrations", on.folder, "*.up.sql"))
			require.NoError(t, err)
			for _, up := range ups {
				if filepath.Base(up) == "0005_model_predictors.up.sql" {
					_, err = db.Exec("INSERT INTO model_versions (name, version, digest, meaning, document, created_at) VALUES ('loans', 1, 'aa', 'default', '{}', 1)")
					require.NoError(t, err)
				}
				statements, err := os.ReadFile(up)
				require.NoError(t, err)
				_, err = db.Exec(string(statements))
				require.NoError(t, err, up)
			}
			var predictor, document string
			require.NoError(t, db.QueryRow("SELECT predictor, document FROM model_versions WHERE name = 'loans' AND version = 1").Scan(&predictor, &document))
			require.Equal(t, []string{"", "{}"}, []string{predictor, document})
			put := func(version int, predictor string) error {
				_, err := db.Exec("INSERT INTO model_versions (name, version, digest, meaning, predictor, document, created_at) VALUES ('loans', " +
					string(rune('0'+version)) + ", 'aa', 'default', '" + predictor + "', '{}', 1)")
				return err
			}
			require.NoError(t, put(2, "an image"))
			require.Error(t, put(3, "an image"))
			require.Error(t, put(3, ""))
			for _, change := range []string{"UPDATE model_versions SET document = '{}'", "DELETE FROM model_versions"} {
				_, err = db.Exec(change)
				require.ErrorContains(t, err, "append-only")
			}
		})
	}
}
