package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// terraform runs a person's Terraform command in a workspace and returns its exit code.
func terraform(t *testing.T, dir string, args ...string) int {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		program, err = exec.LookPath("tofu")
	}
	require.NoError(t, err)
	cmd := exec.Command(program, append([]string{"-chdir=" + dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	t.Logf("%s", out)
	return cmd.ProcessState.ExitCode()
}

// plan is 0 when production is as it was written down, 2 when it is not.
func plan(t *testing.T, dir string) int {
	t.Helper()
	return terraform(t, dir, "plan", "-detailed-exitcode", "-input=false", "-no-color")
}

func apply(t *testing.T, dir string) {
	t.Helper()
	require.Equal(t, 0, terraform(t, dir, "apply", "-auto-approve", "-input=false", "-no-color"))
}

// environment reads a variable of the platform's own environment.
func (p *platform) environment(t *testing.T, variable string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.state, "platform.env"))
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), variable+"="); ok {
			return value
		}
	}
	t.Fatalf("%s is not in platform.env", variable)
	return ""
}

// actual is what the deployment agent runs in production.
type actual struct {
	Tracks map[string]struct {
		State string `json:"state"`
		PID   int    `json:"pid"`
	} `json:"tracks"`
	Route struct {
		Weights map[string]int `json:"weights"`
	} `json:"route"`
}

func (p *platform) productionURL(t *testing.T) string {
	t.Helper()
	return p.environment(t, "LOANOPS_AGENT") + "/v1/environments/production/pipelines/" + name
}

func (p *platform) production(t *testing.T) actual {
	t.Helper()
	var a actual
	get(t, p.productionURL(t), &a)
	return a
}

// serving is the slot that gets all the traffic.
func (a actual) serving(t *testing.T) string {
	t.Helper()
	for slot, weight := range a.Route.Weights {
		if weight == 100 {
			return slot
		}
	}
	t.Fatalf("no slot has all the traffic: %v", a.Route.Weights)
	return ""
}

// withPrevious makes sure that the version before the champion still runs; an aborted canary takes its place.
func (p *platform) withPrevious(t *testing.T) {
	t.Helper()
	ready := 0
	for _, track := range p.production(t).Tracks {
		if track.State == "ready" {
			ready++
		}
	}
	if ready < 2 {
		_, code := p.run(t, "cd", "start", name, "--version", strconv.Itoa(other(p.champion(t))), "--wait")
		require.Equal(t, 0, code)
	}
}

func TestPlanShowsATamperedWeight(t *testing.T) {
	shared.withPrevious(t)
	dir := shared.mustEndpoints(t).TerraformDir["production"]
	require.Equal(t, 0, plan(t, dir), "after a delivery nothing is to be changed")

	weights := map[string]int{}
	for slot, weight := range shared.production(t).Route.Weights {
		weights[slot] = 100 - weight
	}
	body, err := json.Marshal(map[string]any{"weights": weights})
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodPut, shared.productionURL(t)+"/route", bytes.NewReader(body))
	require.NoError(t, err)
	token, err := os.ReadFile(shared.environment(t, "LOANOPS_AGENT_TOKEN_FILE"))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)

	require.Equal(t, 2, plan(t, dir), "somebody changed the weights")
	apply(t, dir)
	require.Equal(t, 0, plan(t, dir))
}

// A predictor that crashes is started again, until it crashes too often: then it stays away and the plan says so.
func TestPlanShowsAPredictorThatIsGoneForGood(t *testing.T) {
	dir := shared.mustEndpoints(t).TerraformDir["production"]
	require.Equal(t, 0, plan(t, dir))
	slot := shared.production(t).serving(t)
	killed := map[int]bool{}
	eventually(t, "the predictor being given up", time.Minute, func() bool {
		track := shared.production(t).Tracks[slot]
		if track.State == "ready" && !killed[track.PID] {
			require.NoError(t, syscall.Kill(track.PID, syscall.SIGKILL))
			killed[track.PID] = true
		}
		return track.State == "failed"
	})
	require.Greater(t, len(killed), 1, "it was started again after the first crash")
	require.Equal(t, 2, plan(t, dir))

	apply(t, dir)
	require.Equal(t, 0, plan(t, dir))
	var answer decision
	eventually(t, "decisions again", time.Minute, func() bool {
		return shared.post(t, "/v1/decisions", shared.example(t), &answer) == http.StatusOK
	})
}
