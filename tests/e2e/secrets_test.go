package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forbidden are the variables by which a secret, or the way to one, could reach a process that reads what lenders send.
func forbidden(variable string) bool {
	switch variable {
	case "AWS_SECRET_ACCESS_KEY", "LOANOPS_DATABASE":
		return true
	case "LOANOPS_FEATURES_KEY_FILE": // which reads features, as a predictor must, and nothing else
		return false
	}
	return strings.HasSuffix(variable, "_TOKEN_FILE") || strings.HasSuffix(variable, "_KEY_FILE") || strings.HasSuffix(variable, "_SECRET_FILE") || strings.HasSuffix(variable, "_PASSWORD_FILE")
}

func TestWhatFacesLendersHasNoSecretInItsEnvironment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	files, err := filepath.Glob(filepath.Join(shared.State, "secrets", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	secrets := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		secrets[filepath.Base(file)] = strings.TrimSpace(string(data))
	}
	processes := map[string]int{"gateway": shared.mustEndpoints(t).PID["gateway"]}
	for _, environment := range []string{"staging", "production"} {
		actual, err := shared.Actual(environment, name)
		require.NoError(t, err)
		for slot, track := range actual.Tracks {
			processes[environment+" "+slot] = track.PID
		}
	}
	require.Greater(t, len(processes), 1, "a predictor runs")
	for process, pid := range processes {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		require.NoError(t, err, process)
		for variable := range strings.SplitSeq(string(data), "\x00") {
			key, value, _ := strings.Cut(variable, "=")
			require.False(t, forbidden(key), "the %s has %s", process, key)
			for file, secret := range secrets {
				require.False(t, strings.Contains(value, secret), "the %s has secrets/%s in %s", process, file, key)
			}
		}
	}
}
