package settings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
)

func TestEnvironRoundTripThroughAState(t *testing.T) {
	dir := t.TempDir()
	want := settings.Settings{
		Database: "sqlite:///x", Bucket: "b", WorkDir: "/w", BinDir: "/b", Terraform: "/t", Agent: "http://a", AgentTokenFile: "/at",
		RollbackTokenFile: "/rt", Gateway: "http://g", SyntheticKeyFile: "/k",
	}
	for _, line := range append(want.Environ(), "TEMPORAL_ADDRESS=x") {
		name, _, _ := strings.Cut(line, "=")
		t.Setenv(name, "") // restored after the test
		require.NoError(t, os.Unsetenv(name))
	}
	_, err := settings.FromState(dir)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "loanops up --state")
	text := strings.Join(append(want.Environ(), "TEMPORAL_ADDRESS=127.0.0.1:7"), "\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, settings.PlatformEnv), []byte(text), 0o600))
	got, err := settings.FromState(dir)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, "127.0.0.1:7", os.Getenv("TEMPORAL_ADDRESS"))
}

func TestMissingVariablesAreAllNamed(t *testing.T) {
	t.Setenv("LOANOPS_DATABASE", "")
	t.Setenv("LOANOPS_GATEWAY", "")
	_, err := settings.FromEnvironment()
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_DATABASE")
	require.ErrorContains(t, err, "LOANOPS_GATEWAY")
}

// docker-compose.yml must give the control plane every variable, and the agent its few.
func TestComposeSetsEveryVariable(t *testing.T) {
	data, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	var compose struct {
		Services map[string]struct {
			Environment map[string]any `yaml:"environment"`
		} `yaml:"services"`
	}
	require.NoError(t, yaml.Unmarshal(data, &compose))
	for service, read := range map[string]func() (settings.Settings, error){
		"worker": settings.FromEnvironment, "cli": settings.FromEnvironment, "agent": settings.ForAgent,
	} {
		t.Run(service, func(t *testing.T) {
			var all settings.Settings
			for _, line := range all.Environ() {
				name, _, _ := strings.Cut(line, "=")
				t.Setenv(name, "")
			}
			t.Setenv("LOANOPS_TERRAFORM", "/usr/local/bin/terraform") // on the image's PATH
			for name, value := range compose.Services[service].Environment {
				t.Setenv(name, fmt.Sprint(value))
			}
			_, err := read()
			require.NoError(t, err)
		})
	}
}
