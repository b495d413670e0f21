package activities

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
)

// What was read is kept by its digest, of every relation and also where the dataset comes from the cache: the same bytes may lie elsewhere now.
func TestWhatWasReadIsKeptByDigest(t *testing.T) {
	b := newBench(t)
	loaded := b.loaded(t, b.spec)
	folder := t.TempDir()
	base, joined := filepath.Join(folder, "rows.csv"), filepath.Join(folder, "outcomes.csv")
	require.NoError(t, os.WriteFile(base, []byte("application_id,dti\na,1\n"), 0o600))
	require.NoError(t, os.WriteFile(joined, []byte("application_id,outcome\na,repaid\n"), 0o600))
	in := ExtractInput{Schema: loaded.Schema.Ref, Limits: loaded.Limits, Source: pipeline.Source{
		Relation: pipeline.Relation{URI: base}, Join: []pipeline.Join{{Relation: pipeline.Relation{URI: joined}, On: pipeline.Names{"application_id"}}},
	}}
	files := func(uri string) []lineage.File {
		data, err := os.ReadFile(uri)
		require.NoError(t, err)
		return []lineage.File{{URI: uri, SHA256: sha256hex.Of(data), Bytes: int64(len(data))}}
	}
	want := lineage.Sources{Source: base + " and 1 joined", Relations: []lineage.Relation{{Name: base, Files: files(base)}, {Name: joined, Files: files(joined)}}}
	first, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.False(t, first.Cached)
	kept, err := getJSON[lineage.Sources](t.Context(), b.objects, first.Sources)
	require.NoError(t, err)
	require.Equal(t, want, kept)

	moved := filepath.Join(folder, "moved.csv")
	require.NoError(t, os.Rename(base, moved))
	in.Source.URI = moved
	again, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.True(t, again.Cached, "where it was read from is no part of the key")
	kept, err = getJSON[lineage.Sources](t.Context(), b.objects, again.Sources)
	require.NoError(t, err)
	require.Equal(t, files(moved), kept.Relations[0].Files)

	simulated, err := getJSON[lineage.Sources](t.Context(), b.objects, b.parts(t).extracted.Sources)
	require.NoError(t, err)
	require.Equal(t, b.spec.Source.Simulate, simulated.Simulate)
	require.Empty(t, simulated.Relations)
}
