package bearer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

type said struct {
	Desk string `json:"desk"`
}

func read(t *testing.T, file string) (bearer.Callers[said], error) {
	path := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	return bearer.Read[said](path, "a file of keys")
}

func TestWhoAsks(t *testing.T) {
	t.Parallel()
	callers, err := read(t, `{"south": {"sha256": "`+sha256hex.Of([]byte("k-s"))+`"}, "north": {"sha256": "`+sha256hex.Of([]byte("k-n"))+`", "desk": "loans"}}`)
	require.NoError(t, err)
	require.Equal(t, []string{"north", "south"}, []string{callers[0].Name, callers[1].Name})
	require.Equal(t, said{"loans"}, callers.Of("Bearer k-n").Says)
	require.Equal(t, "south", callers.Of("Bearer k-s").Name)
	for _, header := range []string{"", "k-n", "Bearer ", "Bearer k-", "bearer k-n", "Basic k-n", "Bearer k-n "} {
		require.Nil(t, callers.Of(header), header)
	}
}

func TestFilesOfKeysThatAreWrong(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		`[]`: "a file of keys is wanted", `{"a": {"sha256": "zz"}}`: `sha256 of "a" is not`, `{"a": {"sha256": "abcd"}}`: `sha256 of "a" is not`,
		`{"a": {"desk": "loans"}}`: `sha256 of "a" is not`, `{"a": {"sha256": "` + sha256hex.Of(nil) + `", "desk": 3}}`: "a file of keys is wanted",
		`{"": {"sha256": "` + sha256hex.Of(nil) + `"}}`: "a key has no name; a file of keys is wanted",
	} {
		_, err := read(t, file)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, want, file)
	}
}
