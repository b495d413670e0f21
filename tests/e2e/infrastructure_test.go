package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// terraformIn is a person's Terraform command in a workspace.
func terraformIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		program, err = exec.LookPath("tofu")
	}
	require.NoError(t, err)
	return exec.Command(program, append([]string{"-chdir=" + dir}, args...)...)
}

// terraform runs the command and returns its exit code.
func terraform(t *testing.T, dir string, args ...string) int {
	t.Helper()
	cmd := terraformIn(t, dir, args...)
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
	value, err := p.Environment(variable)
	require.NoError(t, err)
	return value
}

// put sends a JSON body and returns the status.
func put(t *testing.T, url, token string, body any) int {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(data))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	return response.StatusCode
}

// slotOf is the slot that gets all the traffic.
func (p *platform) slotOf(t *testing.T, model string) string {
	t.Helper()
	actual := p.production(t, model)
	require.NotNil(t, actual.Route)
	for slot, weight := range actual.Route.Weights {
		if weight == 100 {
			return slot
		}
	}
	t.Fatalf("no slot has all the traffic: %v", actual.Route.Weights)
	return ""
}

func TestPlanShowsATamperedWeight(t *testing.T) {
	shared.settle(t)
	dir := shared.workspace(quick)
	require.Equal(t, 0, plan(t, dir), "after a delivery nothing is to be changed")

	route := shared.production(t, quick).Route
	weights := map[string]int{}
	for slot, weight := range route.Weights {
		weights[slot] = 100 - weight
	}
	require.Equal(t, http.StatusOK, shared.putRoute(t, quick, weights, route.Generation))

	require.Equal(t, 2, plan(t, dir), "somebody changed the weights")
	apply(t, dir)
	require.Equal(t, 0, plan(t, dir))
}

// A predictor that crashes is started again, until it crashes too often: then it stays away and the plan says so.
func TestPlanShowsAPredictorThatIsGoneForGood(t *testing.T) {
	dir := shared.mustEndpoints(t).TerraformDir["production"]
	require.Equal(t, 0, plan(t, dir))
	slot := shared.slotOf(t, name)
	killed := map[int]bool{}
	eventually(t, "the predictor being given up", time.Minute, func() bool {
		track := shared.production(t, name).Tracks[slot]
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
