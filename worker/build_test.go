package main

import (
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
