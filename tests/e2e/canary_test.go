package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// canaryRun is the part of `loanops runs show` that these tests read.
type canaryRun struct {
	Verdict      string `json:"verdict"`
	CanaryChecks []struct {
		Weight  int             `json:"weight"`
		Verdict string          `json:"verdict"`
		Tracks  json.RawMessage `json:"tracks"`
	} `json:"canary_checks"`
}

func TestASlowChallengerAborts(t *testing.T) { abortsWithDrill(t, "delay=300ms") }

func TestACrashingChallengerAborts(t *testing.T) { abortsWithDrill(t, "crash_after=20") }

func abortsWithDrill(t *testing.T, drill string) {
	t.Helper()
	champion := shared.champion(t)
	var r result
	shared.runJSON(t, &r, 4, "cd", "start", name, "--version", strconv.Itoa(other(champion)), "--drill", drill, "--wait")
	shared.requireAborted(t, r, champion)
}

// other is a good version that is not the champion: both of the first run are good.
func other(champion int) int {
	if champion == 1 {
		return 2
	}
	return 1
}

// The labels of a source change their meaning: the model learns well, passes every gate on the same labels, and would approve the
// wrong applicants. Only the canary can notice.
func TestAChallengerWithSwappedScoresAborts(t *testing.T) {
	const original = "../../pipelines/" + name + ".yaml"
	champion := shared.champion(t)
	spec, err := os.ReadFile(original)
	require.NoError(t, err)
	swapped := strings.NewReplacer(`positive: "1"`, `positive: "0"`, `negative: "0"`, `negative: "1"`).Replace(string(spec))
	require.NotEqual(t, string(spec), swapped)
	file := filepath.Join(t.TempDir(), "swapped.yaml")
	require.NoError(t, os.WriteFile(file, []byte(swapped), 0o600))
	// Whatever comes of it, the next test trains with the pipeline as it was.
	defer func() {
		_, code := shared.run(t, "ct", "start", "--pipeline", original, "--register-only", "--wait")
		require.Equal(t, 0, code)
	}()

	var registered, r result
	shared.runJSON(t, &registered, 0, "ct", "start", "--pipeline", file, "--register-only", "--wait")
	require.Equal(t, "registered", registered.Verdict)
	shared.runJSON(t, &r, 4, "cd", "start", name, "--version", strconv.Itoa(registered.Model.Version), "--wait")
	shared.requireAborted(t, r, champion)
}

// requireAborted checks what an aborted canary must leave behind.
func (p *platform) requireAborted(t *testing.T, r result, champion int) {
	t.Helper()
	require.Equal(t, "aborted", r.Verdict)
	require.NotEmpty(t, r.Reasons)
	require.Equal(t, champion, p.champion(t))

	var last canaryRun
	p.runJSON(t, &last, 0, "runs", "show", "delivery-"+name)
	require.NotEmpty(t, last.CanaryChecks)
	for _, check := range last.CanaryChecks {
		require.Less(t, check.Weight, 50, "aborted before half of the traffic")
	}
	require.Equal(t, "fail", last.CanaryChecks[len(last.CanaryChecks)-1].Verdict)

	var answer decision
	require.Equal(t, 200, p.post(t, "/v1/decisions", p.example(t), &answer))
	require.Equal(t, champion, answer.Model.Version)
	require.Equal(t, 0, plan(t, p.mustEndpoints(t).TerraformDir["production"]), "the abort goes through Terraform")
}
