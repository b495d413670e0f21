package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sandbox"
	"github.com/loanops/loanops/internal/settings"
)

// This test program is the supervisor of its commands, as the worker is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Job {
		os.Exit(jobs[sandbox.Job](context.Background(), os.Args[2:]))
	}
	os.Exit(m.Run())
}

func TestCommandsAreOffUnlessAllowed(t *testing.T) {
	run, err := commands(t.Context(), settings.Settings{})
	require.NoError(t, err)
	require.Nil(t, run)
	for variable, cfg := range map[string]settings.Settings{
		"LOANOPS_CI_COMMANDS":    {CICommands: "true"},
		"LOANOPS_CI_NETWORK":     {CINetwork: "host"},
		"LOANOPS_CI_USERS":       {CICommands: "allow", CIUsers: "root"},
		"LOANOPS_CI_ENVIRONMENT": {CICommands: "allow", CIEnvironment: "AWS_SECRET_ACCESS_KEY"},
		"LOANOPS_CI_DIR":         {CICommands: "allow-same-user", CIDir: "/nosuch"},
	} {
		_, err := commands(t.Context(), cfg)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), variable)
		require.ErrorContains(t, err, variable)
	}
}

// A command of a repository runs over its files, with what the operator names.
func TestACommandOfARepository(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
	cfg := settings.Settings{CICommands: "allow-same-user", CIUsers: "64300-64301", CIEnvironment: "GOPROXY"}
	cfg.Environment = settings.NewEnvironment("PATH="+os.Getenv("PATH"), "GOPROXY=off", "AWS_SECRET_ACCESS_KEY=planted-secret")
	run, err := commands(t.Context(), cfg)
	require.NoError(t, err)
	var tree ci.Tree
	require.NoError(t, tree.Add("scripts/check", ci.File{Data: []byte("#!/bin/sh\ncat data/x; env; exit 3\n"), Executable: true}))
	require.NoError(t, tree.Add("data/x", ci.File{Data: []byte("rows\n")}))
	ended, err := run(t.Context(), &tree, ci.Command{Name: "check", Run: []string{"scripts/check"}, Timeout: time.Minute, Output: 1 << 20})
	require.NoError(t, err)
	require.Equal(t, "ended with 3", ended.Why)
	require.Equal(t, "rows", ended.Printed[0])
	require.Contains(t, ended.Printed, "GOPROXY=off")
	require.NotContains(t, strings.Join(ended.Printed, "\n"), "planted-secret")
}
