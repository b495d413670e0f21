package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/registry"
)

// A list of nothing is of a pipeline that there is; a name that nobody has is a mistake.
func TestListsOfNothing(t *testing.T) {
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_STATE", p.dir)
	for _, list := range [][]string{{"monitor", "list", "none"}, {"alerts", "list", "none"}} {
		_, stderr, code := run(t, list...)
		require.Equal(t, exitNotFound, code)
		require.Contains(t, stderr, `there is no pipeline "none"`)
	}
	require.NoError(t, p.registry(t).PutPipeline(t.Context(), registry.PipelineSpec{Name: "none", Digest: "spec", YAML: []byte("x"), Policy: registry.Policy{Digest: "policy", Document: []byte(`{}`)}}))
	require.Equal(t, []registry.Look{}, object[[]registry.Look](t, "monitor", "list", "none"))
	require.Equal(t, []alert.Alert{}, object[[]alert.Alert](t, "alerts", "list", "none"))
}

// A day that is none starts nothing: the registry, which this platform does not have, is not even asked.
func TestADayIsCheckedBeforeAnythingStarts(t *testing.T) {
	for _, command := range [][]string{
		{"ct", "start", "loans"}, {"monitor", "start", "loans"}, {"monitor", "cadence", "loans"}, {"models", "evaluate", "loans", "--data", "x.csv"},
	} {
		for _, day := range []string{"2099-13-01", "2026-02-30", "yesterday", "2026-6-1"} {
			_, stderr, code := run(t, append(command, "--as-of", day, "--state", t.TempDir())...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, "a day such as 2026-06-30 is wanted")
		}
	}
}
