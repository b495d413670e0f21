package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
)

func TestLargeLogIsPutAside(t *testing.T) {
	const limit = 8 << 20
	path := filepath.Join(t.TempDir(), "log")
	for _, size := range []int64{0, limit, limit + 1} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, size))
		log, err := file.OpenLog(path)
		require.NoError(t, err)
		info, err := log.Stat()
		require.NoError(t, err)
		if size <= limit {
			require.Equal(t, size, info.Size())
			require.NoFileExists(t, path+".1")
		} else {
			require.Zero(t, info.Size())
			require.FileExists(t, path+".1")
		}
		require.NoError(t, log.Close())
	}
}

func TestALogIsAppendedToAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		log, err := file.OpenLog(path)
		require.NoError(t, err)
		_, err = log.WriteString("started\n")
		require.NoError(t, err)
		require.NoError(t, log.Close())
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "started\nstarted\n", string(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
