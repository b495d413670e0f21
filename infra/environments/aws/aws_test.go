// Package aws_test holds the Terraform of AWS against the recorded schema of its provider: it is valid, and means what its tests say.
// Nothing here reaches AWS.
package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/settings"
)

// recordedVersion is the provider's whose schema stubprovider serves.
const recordedVersion = "6.25.0"

var installation struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(installation.dir)
	os.Exit(code)
}

// stubInstalled returns the CLI configuration with which Terraform finds the stub, under the provider's name, and nothing else.
func stubInstalled(t *testing.T) string {
	installation.Do(func() { installation.dir, installation.err = install() })
	require.NoError(t, installation.err)
	return filepath.Join(installation.dir, "cli.tfrc")
}

func install() (string, error) {
	dir, err := os.MkdirTemp("", "loanops-aws-")
	if err != nil {
		return "", err
	}
	// Terraform's and OpenTofu's names of one provider.
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		program := filepath.Join(dir, "mirror", host, "hashicorp", "aws", recordedVersion, runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-aws_v"+recordedVersion)
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./stubprovider")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("building the stub: %w\n%s", err, out)
		}
	}
	config := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %s\n  }\n}\n", strconv.Quote(filepath.Join(dir, "mirror")))
	return dir, os.WriteFile(filepath.Join(dir, "cli.tfrc"), []byte(config), 0o600)
}

// workspace is a copy of a configuration and its tests in which Terraform has everything that it needs.
type workspace struct{ dir, executable, cliConfig string }

func open(t *testing.T, configuration string) workspace {
	executable, err := settings.FindTerraform()
	require.NoError(t, err)
	w := workspace{dir: t.TempDir(), executable: executable, cliConfig: stubInstalled(t)}
	for _, folder := range []string{"", "tests"} {
		entries, err := os.ReadDir(filepath.Join(configuration, folder))
		require.NoError(t, err)
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				data, err := os.ReadFile(filepath.Join(configuration, folder, entry.Name()))
				require.NoError(t, err)
				require.NoError(t, os.MkdirAll(filepath.Join(w.dir, folder), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(w.dir, folder, entry.Name()), data, 0o600))
			}
		}
	}
	out, err := w.run(t.Context(), "init", "-backend=false", "-input=false", "-no-color")
	require.NoError(t, err, out)
	return w
}

// run runs Terraform without anybody's credentials and variables.
func (w workspace) run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, w.executable, args...)
	command.Dir = w.dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + os.Getenv("TMPDIR"), "TF_CLI_CONFIG_FILE=" + w.cliConfig, "CHECKPOINT_DISABLE=1"}
	out, err := command.CombinedOutput()
	return string(out), err
}

var (
	aRun     = regexp.MustCompile(`(?m)^run "`)
	finished = regexp.MustCompile(`(?m)^Success! (\d+) passed, 0 failed\.$`)
)

// Every run in the *.tftest.hcl files is run and passes.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	for _, configuration := range []string{".", "shared"} {
		t.Run(configuration, func(t *testing.T) {
			t.Parallel()
			w := open(t, configuration)
			out, err := w.run(t.Context(), "validate", "-no-color")
			require.NoError(t, err, out)
			files, err := filepath.Glob(filepath.Join(configuration, "tests", "*.tftest.hcl"))
			require.NoError(t, err)
			runs := 0
			for _, file := range files {
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				runs += len(aRun.FindAll(data, -1))
			}
			require.Positive(t, runs)
			out, err = w.run(t.Context(), "test", "-no-color")
			require.NoError(t, err, out)
			passed := finished.FindStringSubmatch(out)
			require.NotNil(t, passed, out)
			require.Equal(t, strconv.Itoa(runs), passed[1], out)
		})
	}
}

// Validation against the stub is not empty: the provider does not know such an argument, wants another, and sets a third one itself.
func TestWhatTheProviderDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct{ old, new, message string }{
		"unknown":  {`retention_in_days = var.log_retention_days`, `retention_days = var.log_retention_days`, `An argument named "retention_days" is not expected here`},
		"missing":  {`container_definitions    = jsonencode(local.containers[each.key])`, ``, `The argument "container_definitions" is required`},
		"computed": {`network_mode             = "awsvpc"`, `arn = "mine"`, `Value for unconfigurable attribute`},
		"too many": {"  volume {\n", "  runtime_platform {}\n\n  volume {\n", `Too many runtime_platform blocks`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, ".")
			path := filepath.Join(w.dir, "tasks.tf")
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(data), wrong.old))
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), wrong.old, wrong.new, 1)), 0o600))
			out, err := w.run(t.Context(), "validate", "-no-color")
			require.Error(t, err)
			require.Contains(t, strings.Join(strings.Fields(out), " "), wrong.message)
		})
	}
}

// What a worker writes for the local environment is what this one asks for.
func TestInputsAreThoseOfTheLocalEnvironment(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("tests", "delivery.auto.tfvars.json"))
	require.NoError(t, err)
	var desired terraform.Desired
	require.NoError(t, json.Unmarshal(data, &desired))
	for slot, track := range desired.Tracks {
		require.NoError(t, track.Validate(), slot)
	}
	again, err := json.Marshal(desired)
	require.NoError(t, err)
	require.JSONEq(t, string(again), string(data))

	local, here := declared(t, filepath.Join("..", "local", "variables.tf")), declared(t, "variables.tf")
	delete(local, "agent_url")
	delete(local, "agent_token_file")
	require.Equal(t, local, here)
	var written map[string]any
	require.NoError(t, json.Unmarshal(again, &written))
	for name := range written {
		require.Contains(t, here, name)
	}
	require.Len(t, here, len(written))
}

var variable = regexp.MustCompile(`(?ms)^variable "(\w+)" \{\n(.*?)^\}\n`)

// declared are the variables of a file and their types.
func declared(t *testing.T, path string) map[string]string {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	all := map[string]string{}
	for _, each := range variable.FindAllStringSubmatch(string(data), -1) {
		_, kind, found := strings.Cut(each[2], "  type")
		require.True(t, found, each[1])
		kind, _, _ = strings.Cut(kind, "\n\n")
		kind, _, _ = strings.Cut(kind, "\n  default")
		all[each[1]] = strings.Join(strings.Fields(kind), " ")
	}
	require.NotEmpty(t, all)
	return all
}

// The constraint of the configurations admits the version that was recorded, and the tests name it.
func TestRecordedVersion(t *testing.T) {
	t.Parallel()
	for _, configuration := range []string{".", "shared"} {
		data, err := os.ReadFile(filepath.Join(configuration, "versions.tf"))
		require.NoError(t, err)
		require.Regexp(t, `version += "~> 6\.25"`, string(data), configuration)
	}
	data, err := os.ReadFile(filepath.Join("stubprovider", "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(data), recordedVersion)
}
