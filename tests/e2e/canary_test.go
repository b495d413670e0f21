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
	Verdict      string        `json:"verdict"`
	CanaryChecks []canaryCheck `json:"canary_checks"`
}

// Each fault is found in copies of requests, by the check that is meant for it, before any client met it, under the limits that are shipped.
func TestDrillsAreFoundByTheMirror(t *testing.T) {
	champion := shared.champion(t)
	unharmed := shared.client(t, name, champion)
	for _, test := range []struct{ drill, check string }{
		{"delay=300ms", "slow"},
		{"crash_after=20", "failed"},
		{"errors=5%", "failed"},
		{"reject=5%", "refused"},
		{"hang=10%", "unended"},
		{"swap", "verdicts"},
	} {
		t.Run(test.drill, func(t *testing.T) {
			var r result
			shared.runJSON(t, &r, 4, "cd", "start", name, "--version", strconv.Itoa(other(champion)), "--drill", test.drill, "--wait")
			last := shared.requireAborted(t, r, champion)
			require.Equal(t, "mirroring", last.Phase, "no client met it")
			for _, reason := range r.Reasons {
				require.Regexp(t, `\(after \d+ (requests of clients|synthetic requests)\)$`, reason)
			}
			require.Equal(t, test.check, r.FoundBy.Check, "%v", r.Reasons)
			require.Positive(t, r.FoundBy.Requests)
		})
	}
	unharmed()
}

// Without a mirror the steps find it, before the challenger has half of the traffic.
func TestADrillIsFoundByTheStepsWithoutAMirror(t *testing.T) {
	var r result
	shared.settleRuled(t)
	champion := *shared.serving(t, ruled).Champion
	file := ruledSpec(t, "mirror: true ", "mirror: false ", "cutoff: 0.25", "cutoff: 0.26")
	shared.runJSON(t, &r, 0, "ct", "start", "--pipeline", file, "--register-only", "--wait")
	shared.runJSON(t, &r, 4, "cd", "start", ruled, "--version", strconv.Itoa(champion.Version), "--drill", "errors=50%", "--wait")
	require.Equal(t, "aborted", r.Verdict)
	require.Regexp(t, "^failed: ", r.Reasons[0])
	require.Equal(t, champion, *shared.serving(t, ruled).Champion)
	var last canaryRun
	shared.runJSON(t, &last, 0, "runs", "show", "delivery-"+ruled)
	for _, check := range last.CanaryChecks {
		require.Equal(t, "progressing", check.Phase)
		require.Less(t, check.Weight, 50)
	}
}

// other is a good version that is not the champion: both of the first run are good.
func other(champion int) int {
	if champion == 1 {
		return 2
	}
	return 1
}

// The labels of a source change their meaning: the model learns well, passes every gate on the same labels, and would approve the
// wrong applicants. The prediction shows it before any traffic.
func TestAChallengerThatTurnsVerdictsAroundIsRefused(t *testing.T) {
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
	shared.runJSON(t, &r, 3, "cd", "start", name, "--version", strconv.Itoa(registered.Model.Version), "--wait")
	require.Equal(t, "refused", r.Verdict)
	require.Regexp(t, `^the approval rate would go from .* swapped in and .* out; at most 10 points are allowed`, r.Reasons[0])
	require.Contains(t, r.Artifacts, "swap_set_html")
	require.Equal(t, champion, shared.champion(t))
}

// canaryCheck is one analysis of a canary.
type canaryCheck struct {
	Phase   string          `json:"phase"`
	Weight  int             `json:"weight"`
	Verdict string          `json:"verdict"`
	Reasons []string        `json:"reasons"`
	Tracks  json.RawMessage `json:"tracks"`
}

// requireAborted checks what an aborted canary must leave behind, and returns its last analysis.
func (p *platform) requireAborted(t *testing.T, r result, champion int) canaryCheck {
	t.Helper()
	require.Equal(t, "aborted", r.Verdict)
	require.NotEmpty(t, r.Reasons)
	p.requireServes(t, name, champion)

	var last canaryRun
	p.runJSON(t, &last, 0, "runs", "show", "delivery-"+name)
	require.NotEmpty(t, last.CanaryChecks)
	for _, check := range last.CanaryChecks {
		require.Less(t, check.Weight, 50, "aborted before half of the traffic")
	}
	require.Equal(t, "fail", last.CanaryChecks[len(last.CanaryChecks)-1].Verdict)

	decided, err := p.caller(t, name, champion).Ask()
	require.NoError(t, err)
	require.Equal(t, champion, decided.Version)
	require.Equal(t, 0, plan(t, p.workspace(name)), "the abort goes through Terraform")
	return last.CanaryChecks[len(last.CanaryChecks)-1]
}
