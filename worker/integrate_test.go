package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
)

// A developer tests what a commit would hold: what was built in the folder, and git leaves out, is not read, however much it is.
func TestAWorkingCopyIsTestedAsItWouldBeCommitted(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("git", "init", "--quiet", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	var held ci.Tree
	for name, text := range map[string]string{".gitignore": "/bin/\n", "pipeline.yaml": "no spec"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		require.NoError(t, held.Add(name, ci.File{Data: []byte(text)}))
	}
	want, err := held.Digest()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	built := filepath.Join(dir, "bin", "program")
	require.NoError(t, os.WriteFile(built, nil, 0o600))
	require.NoError(t, os.Truncate(built, ci.MaxTreeBytes+1)) // it takes no room
	tested, err := integrated(t.Context(), dir, "")
	require.NoError(t, err)
	require.Equal(t, ci.CheckSpec, tested.FailedStep)
	require.Equal(t, want, tested.Tree)
}
