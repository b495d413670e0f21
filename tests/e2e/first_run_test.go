package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFirstRunBootstrapsAndThenPromotesThroughACanary(t *testing.T) {
	var champions []int
	for _, move := range shared.history(t, name) {
		if move.Alias == "champion" {
			champions = append(champions, move.Version)
		}
	}
	require.GreaterOrEqual(t, len(champions), 2)
	require.Equal(t, []int{1, 2}, champions[:2])
}

// A stopped platform starts again on the same state, skips what is done and serves the same champion.
func TestRestartServesFromTheSameState(t *testing.T) {
	champion, moves := shared.champion(t), len(shared.history(t, name))
	require.NoError(t, shared.Stop())
	_, err := os.Stat(filepath.Join(shared.State, "endpoints.json"))
	require.True(t, errors.Is(err, os.ErrNotExist), "a clean stop removes endpoints.json")

	require.NoError(t, shared.Start())
	var answer decision
	require.Equal(t, 200, shared.post(t, "/v1/decisions", shared.example(t), &answer))
	require.Equal(t, champion, answer.Model.Version)
	require.Len(t, shared.history(t, name), moves, "nothing is trained or moved again")
	for environment, dir := range shared.mustEndpoints(t).TerraformDir {
		require.Equal(t, 0, plan(t, dir), "plan of %s after the restart", environment)
	}
}

func TestASecondPlatformOnTheSameStateIsRefused(t *testing.T) {
	require.True(t, shared.Running(), "the first platform does not run; a second one would, without end")
	_, code := shared.run(t, "up", "--no-run")
	require.Equal(t, 1, code)
}

func TestCommandsSayWhatIsWrongByTheirExitCode(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"unknown flag", []string{"models", "list", "--colour"}, 2},
		{"unknown command", []string{"fly"}, 2},
		{"unknown model", []string{"models", "show", "cards"}, 5},
		{"unknown version", []string{"models", "show", name, "999"}, 5},
		{"unknown pipeline", []string{"ct", "start", "cards", "--wait"}, 5},
		{"unknown run", []string{"runs", "show", "no-such-run"}, 5},
		{"what serves of an unknown model", []string{"serving", "show", "cards"}, 5},
		{"approval of an unknown run", []string{"approve", "no-such-run", "--reason", "why"}, 5},
		{"abort without a reason", []string{"abort", "no-such-run"}, 2},
		{"data of the wrong kind", []string{"ct", "start", name, "--data", "main_test.go"}, 2},
		{"drill of the wrong kind", []string{"cd", "start", name, "--drill", "meteor"}, 2},
		{"decision without an application", []string{"decide"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, code := shared.run(t, test.args...)
			require.Equal(t, test.want, code)
		})
	}
}
