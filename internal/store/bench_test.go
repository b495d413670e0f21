package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/store"
)

// What a canary asks every two seconds, beside what verifies the whole chain, when 1,000 changes were recorded.
func BenchmarkServing(b *testing.B) {
	const rows = 1000
	for name, url := range map[string]func() string{
		"SQLite":     func() string { return "sqlite://" + filepath.Join(b.TempDir(), "registry.db") },
		"PostgreSQL": func() string { return server.Database(b) },
	} {
		r, err := store.Open(b.Context(), url())
		require.NoError(b, err)
		defer r.Close()
		version, _, err := r.RegisterVersion(b.Context(), registry.ModelVersion{Name: "loans", Digest: "digest"})
		require.NoError(b, err)
		record := serving.Record{Pipeline: "loans", Environment: serving.Production}
		for i := range rows {
			author := serving.Author{Writer: "delivery-loans/run", Actor: "ada", Reason: "because", Operation: fmt.Sprint(i)}
			record, err = r.TakeGeneration(b.Context(), record.Stage(serving.Track{Version: version.Version, Policy: "policy"}).By(author))
			require.NoError(b, err)
		}
		b.Run(name+"/newest", func(b *testing.B) {
			for b.Loop() {
				newest, err := r.Serving(b.Context(), "loans", serving.Production)
				require.NoError(b, err)
				require.Equal(b, int64(rows), newest.Generation)
			}
		})
		b.Run(name+"/history", func(b *testing.B) {
			for b.Loop() {
				history, err := r.ServingHistory(b.Context(), "loans", serving.Production)
				require.NoError(b, err)
				require.Len(b, history, rows)
			}
		})
	}
}
