package settings_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/sha256hex"
)

// Under Compose a service has every secret that its variables and flags name, secrets.sh makes the files, and no service has one of which it says nothing. What predictors read
// features with may read and do nothing else.
func TestComposeGivesServicesTheSecretsThatTheyName(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "infra", "compose")
	require.NoError(t, os.MkdirAll(folder, 0o700))
	script, err := os.ReadFile("../../infra/compose/secrets.sh")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "secrets.sh"), script, 0o700))
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(folder, "secrets.sh")).CombinedOutput()
	require.NoError(t, err, "%s", out)

	data, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	var compose struct {
		Services map[string]struct {
			Command     any            `yaml:"command"`
			Entrypoint  any            `yaml:"entrypoint"`
			Environment map[string]any `yaml:"environment"`
			Secrets     []string       `yaml:"secrets"`
		} `yaml:"services"`
		Secrets map[string]struct {
			File string `yaml:"file"`
		} `yaml:"secrets"`
	}
	require.NoError(t, yaml.Unmarshal(data, &compose))
	used := map[string]bool{}
	for service, of := range compose.Services {
		said, err := json.Marshal([]any{of.Command, of.Entrypoint, of.Environment})
		require.NoError(t, err)
		for name := range compose.Secrets {
			names := strings.Contains(string(said), "/run/secrets/"+name)
			used[name] = used[name] || names
			require.Equal(t, names, slices.Contains(of.Secrets, name), "%s and secret %s", service, name)
		}
	}
	for name, of := range compose.Secrets {
		require.True(t, used[name], "nobody names secret %s", name)
		require.FileExists(t, filepath.Join(filepath.Dir(filepath.Dir(folder)), of.File), name)
	}
	require.Contains(t, compose.Services["agent"].Environment["LOANOPS_FEATURES_KEY_FILE"], "features_reader_key")

	key, err := os.ReadFile(filepath.Join(folder, "secrets", "features-reader.key"))
	require.NoError(t, err)
	data, err = os.ReadFile(filepath.Join(folder, "secrets", "features-server-keys.json"))
	require.NoError(t, err)
	var callers map[string]struct {
		SHA256 string   `json:"sha256"`
		Rights []string `json:"rights"`
	}
	require.NoError(t, json.Unmarshal(data, &callers))
	require.Equal(t, sha256hex.Of(key), callers["reader"].SHA256)
	require.Equal(t, []string{"read"}, callers["reader"].Rights)
}
