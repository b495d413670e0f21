package artifact_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// A folder keeps what a store would, under the same digests.
func TestFolder(t *testing.T) {
	t.Parallel()
	folder := artifact.Folder(t.TempDir())
	ref, err := folder.Put(t.Context(), []byte("some bytes"), "text/plain", "txt")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("some bytes"), 0o600))
	again, err := folder.PutFile(t.Context(), path, "text/plain", "txt")
	require.NoError(t, err)
	require.Equal(t, ref, again)
	require.Equal(t, ref, folder.At(ref.SHA256, ref.Bytes, ref.MediaType, "txt"))
	data, err := folder.Get(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, "some bytes", string(data))
	there, err := folder.Exists(t.Context(), ref)
	require.NoError(t, err)
	require.True(t, there)

	other := folder.At("0123", 4, "text/plain", "txt")
	there, err = folder.Exists(t.Context(), other)
	require.NoError(t, err)
	require.False(t, there)
	_, err = folder.Get(t.Context(), other)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, _, err = folder.Fetch(t.Context(), "s3://bucket/rows.csv", 10)
	require.ErrorContains(t, err, "without a platform there is no store")
}

// Special files have no end, or none that is known.
func TestFetchTakesRegularFilesAlone(t *testing.T) {
	t.Parallel()
	folder := artifact.Folder(t.TempDir())
	for _, uri := range []string{"/dev/zero", t.TempDir()} {
		_, _, err := folder.Fetch(t.Context(), uri, 1<<40)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), uri)
		require.ErrorContains(t, err, "a regular file is wanted")
	}
	path := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(path, make([]byte, 11), 0o600))
	_, _, err := folder.Fetch(t.Context(), path, 10)
	require.ErrorContains(t, err, "has 11 bytes; limits.max_bytes is 10")
}
