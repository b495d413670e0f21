package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// recordPID makes the workspace's Terraform write its process ID to the returned file.
func (b *bench) recordPID() (pidFile string) {
	b.t.Helper()
	dir := b.t.TempDir()
	pidFile = filepath.Join(dir, "pid")
	script := filepath.Join(dir, "terraform")
	text := fmt.Sprintf("#!/bin/sh\necho $$ > %q\nexec %q \"$@\"\n", pidFile, b.config.Terraform)
	require.NoError(b.t, file.Write(script, []byte(text), 0o700))
	b.config.Terraform = script
	b.workspace = terraform.NewWorkspace(b.config)
	return pidFile
}

// Terraform killed in the middle, its plugin orphaned; the worker lives and gives the lock back.
func TestKilledTerraformIsCompletedByTheNextApply(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pidFile := b.recordPID()
	gate := filepath.Join(t.TempDir(), "gate")
	one := b.Spec(1, deploytest.Behaviour{Gate: gate})
	want := desired(&one, nil, 100)
	done := make(chan error, 1)
	go func() { done <- b.workspace.Apply(t.Context(), want) }()
	b.await("the predictor starting", func() bool { return b.Actual().Tracks["blue"].State == contract.TrackStarting })
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	err = <-done
	require.False(t, fault.Permanent(fault.CodeOf(err)), "%v", err)

	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.apply(want)
	require.Equal(t, 100, b.Actual().Weight("blue"))
}

func TestProviderBuiltAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	built := filepath.Join(t.TempDir(), "terraform-provider-loanops")
	data, err := os.ReadFile(providerBinary)
	require.NoError(t, err)
	require.NoError(t, file.Write(built, data, 0o700))
	b.config.ProviderBinary = built
	b.workspace = terraform.NewWorkspace(b.config)
	b.apply(desired(&one, nil, 100))

	// Bytes after the end of an executable change its checksum and nothing else.
	require.NoError(t, file.Write(built, append(data, 0), 0o700))
	require.Equal(t, 0, b.personsPlan(), "the workspace has its own copy")
	b.apply(desired(&one, nil, 100))
	installed, err := os.ReadFile(filepath.Join(b.config.Dir, ".terraform", "providers", "loanops.local", "loanops", "loanops",
		contract.ProviderVersion, platform(), "terraform-provider-loanops_v"+contract.ProviderVersion))
	require.NoError(t, err)
	require.Len(t, installed, len(data)+1)
}

func TestPrepareFollowsTheAgentToANewAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	before := b.config.AgentURL
	b.Stop()
	require.Equal(t, 1, b.personsPlan())
	b.restart()
	require.NotEqual(t, before, b.config.AgentURL)
	require.NoError(t, b.workspace.Prepare(t.Context()))
	require.Equal(t, 0, b.personsPlan(), "predictors at new addresses are nothing to do")
}

func TestCallersTerraformSettingsDoNotReachIt(t *testing.T) {
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	t.Setenv("TF_CLI_CONFIG_FILE", "/does/not/exist")
	t.Setenv("TF_DATA_DIR", filepath.Join(t.TempDir(), "elsewhere"))
	t.Setenv("TF_VAR_weights", `{"green": 100}`)
	t.Setenv("TF_CLI_ARGS_apply", "-no-such-flag")
	require.NoError(t, b.workspace.Apply(t.Context(), desired(&one, nil, 100)))
	require.Equal(t, map[string]int{"blue": 100}, b.Actual().Route.Weights)
	require.DirExists(t, filepath.Join(b.config.Dir, ".terraform"))
}

func TestConfigurationInTheFolderIsTheEmbeddedOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.workspace.Prepare(t.Context()))
	main := filepath.Join(b.config.Dir, "main.tf")
	want, err := os.ReadFile(main)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(main, []byte("# edited"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(b.config.Dir, "of_an_older_version.tf"), []byte(`output "x" { value = 1 }`), 0o600))
	require.NoError(t, b.workspace.Prepare(t.Context()))
	got, err := os.ReadFile(main)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.NoFileExists(t, filepath.Join(b.config.Dir, "of_an_older_version.tf"))
}

func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }
