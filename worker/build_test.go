package main

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/workers"
)

func TestAWorkersBuild(t *testing.T) {
	told, err := buildID("release-7")
	require.NoError(t, err)
	require.Equal(t, "release-7", told)
	_, err = buildID("release 7")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))

	self, err := os.Executable()
	require.NoError(t, err)
	want, err := workers.BuildOf(self)
	require.NoError(t, err)
	own, err := buildID("")
	require.NoError(t, err)
	require.Equal(t, want, own)
}

// Whoever upgrades workers asks a container's program which build to promote.
func TestAWorkerSaysItsBuild(t *testing.T) {
	stdout := os.Stdout
	t.Cleanup(func() { os.Stdout = stdout })
	said, out, err := os.Pipe()
	require.NoError(t, err)
	os.Stdout = out
	t.Setenv("LOANOPS_BUILD_ID", "release-7")
	require.Equal(t, 0, jobs["build"](t.Context(), nil))
	require.NoError(t, out.Close())
	text, err := io.ReadAll(said)
	require.NoError(t, err)
	require.Equal(t, "release-7\n", string(text))
	require.Equal(t, 2, sayBuild(t.Context(), []string{"release-7"}))
	t.Setenv("LOANOPS_BUILD_ID", "release 7")
	require.Equal(t, 2, sayBuild(t.Context(), nil))
}
