package artifact_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/fault"
)

func TestStore(t *testing.T) {
	s3test.Start(t)
	ctx, cache := t.Context(), t.TempDir()
	store, err := artifact.Open(ctx, artifact.Config{Bucket: "loanops", CacheDir: cache})
	require.NoError(t, err)
	_, err = artifact.Open(ctx, artifact.Config{Bucket: "loanops", CacheDir: cache})
	require.NoError(t, err, "the bucket is there already")
	data := []byte("some bytes")
	ref, err := store.Put(ctx, data, "text/plain", "txt")
	require.NoError(t, err)
	require.Contains(t, ref.URI, ref.SHA256)
	require.Equal(t, int64(len(data)), ref.Bytes)

	t.Run("put is idempotent", func(t *testing.T) {
		again, err := store.Put(ctx, data, "text/plain", "txt")
		require.NoError(t, err)
		require.Equal(t, ref, again)
	})
	t.Run("get from another machine", func(t *testing.T) {
		elsewhere, err := artifact.Open(ctx, artifact.Config{Bucket: "loanops", CacheDir: t.TempDir()})
		require.NoError(t, err)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				got, err := elsewhere.Get(ctx, ref)
				if err != nil || string(got) != string(data) {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		wait.Wait()
	})
	t.Run("a damaged local copy is fetched again", func(t *testing.T) {
		path, err := store.Path(ctx, ref)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte("other bytes"), 0o600))
		got, err := store.Get(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, data, got)
	})
	t.Run("a local copy that was verified and then damaged is fetched again", func(t *testing.T) {
		path, err := store.Path(ctx, ref)
		require.NoError(t, err)
		past := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(path, past, past))
		for range 2 {
			again, err := store.Path(ctx, ref)
			require.NoError(t, err)
			require.Equal(t, path, again)
		}
		require.NoError(t, os.WriteFile(path, []byte("evil bytes"), 0o600))
		got, err := store.Get(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, data, got)
	})
	t.Run("another object under the digest is refused", func(t *testing.T) {
		other, err := store.Put(ctx, []byte("evil bytes"), "text/plain", "txt")
		require.NoError(t, err)
		forged := ref
		forged.URI = other.URI
		require.NoError(t, os.RemoveAll(cache))
		require.NoError(t, os.MkdirAll(cache, 0o700))
		_, err = store.Get(ctx, forged)
		require.ErrorContains(t, err, "changed in the store")
		entries, err := os.ReadDir(cache)
		require.NoError(t, err)
		require.Empty(t, entries, "nothing is left half-written")
	})
	t.Run("what is not there", func(t *testing.T) {
		missing := ref
		missing.URI += ".no"
		there, err := store.Exists(ctx, missing)
		require.NoError(t, err)
		require.False(t, there)
		_, _, err = store.Fetch(ctx, missing.URI, 100)
		require.Equal(t, fault.NotFound, fault.CodeOf(err))
		_, _, err = store.Fetch(ctx, filepath.Join(cache, "none.csv"), 100)
		require.Equal(t, fault.NotFound, fault.CodeOf(err))
	})
	t.Run("fetch", func(t *testing.T) {
		path, digest, err := store.Fetch(ctx, ref.URI, 100)
		require.NoError(t, err)
		require.Equal(t, ref.SHA256, digest)
		_, local, err := store.Fetch(ctx, path, 100)
		require.NoError(t, err)
		require.Equal(t, digest, local)
		for _, uri := range []string{ref.URI, path} {
			_, _, err = store.Fetch(ctx, uri, 3)
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "limits hold for %s", uri)
		}
	})
	t.Run("bad references", func(t *testing.T) {
		_, err := store.Get(ctx, artifact.Ref{URI: ref.URI, SHA256: "../../etc/passwd"})
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		_, _, err = store.Fetch(ctx, "s3://", 3)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "guess")
		_, err := artifact.Open(ctx, artifact.Config{Bucket: "other", CacheDir: cache})
		require.Equal(t, fault.Unauthorized, fault.CodeOf(err))
		require.NotContains(t, err.Error(), "guess")
	})
}
