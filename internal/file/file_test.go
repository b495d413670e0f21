package file_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
)

func TestReplaceIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	require.NoError(t, file.Write(path, []byte("old"), 0o600))
	half := errors.New("half-way")
	err := file.Replace(path, 0o600, func(w io.Writer) error {
		_, _ = io.WriteString(w, "ne")
		return half
	})
	require.ErrorIs(t, err, half)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(data))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing half-written stays")

	require.NoError(t, file.Write(path, []byte("new"), 0o640))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

// Wanted: printf abc | sha256sum (also FIPS 180-2, appendix B.1).
func TestDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	digest, size, err := file.Digest(path)
	require.NoError(t, err)
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest)
	require.EqualValues(t, 3, size)
	_, _, err = file.Digest(path + "-none")
	require.ErrorIs(t, err, os.ErrNotExist)
}
