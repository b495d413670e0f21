package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/git"
)

// The hook that is installed is the one that is printed, and it finds this program and this state from anywhere.
func TestTheHookOfABareRepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := gogit.PlainInit(dir, true)
	require.NoError(t, err)
	stdout, stderr, code := run(t, "ci", "hook", "install", "--repo", dir, "--state", "here")
	require.Equal(t, 0, code, stderr)
	file := filepath.Join(dir, "hooks/post-receive")
	require.Equal(t, file+"\n", stdout)
	installed, err := os.ReadFile(file)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	state, err := filepath.Abs("here")
	require.NoError(t, err)
	require.Equal(t, git.Hook{Program: program, State: state}.Script(), string(installed))

	stdout, _, code = run(t, "ci", "hook", "print", "--state", "here")
	require.Equal(t, 0, code)
	require.Equal(t, string(installed), stdout)
	stdout, _, code = run(t, "ci", "hook", "print", "--environment", "/etc/loanops.env", "--program", "/opt/loanops", "--output", "json")
	require.Equal(t, 0, code)
	var printed map[string]string
	require.NoError(t, json.Unmarshal([]byte(stdout), &printed))
	require.Contains(t, printed["script"], "environment='/etc/loanops.env'\n")
	require.Contains(t, printed["script"], "loanops='/opt/loanops'\n")

	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755))
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"--repo", dir}, exitRefused},
		{[]string{"--repo", dir, "--force"}, exitDone},
		{[]string{"--repo", filepath.Join(dir, "none")}, exitNotFound},
		{nil, exitUsage},
		{[]string{"--repo", dir, "more"}, exitUsage},
	} {
		_, _, code := run(t, append([]string{"ci", "hook", "install"}, test.args...)...)
		require.Equal(t, test.code, code, test.args)
	}
}
