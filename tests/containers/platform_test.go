package containers

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// model is the pipeline that is delivered.
const model = "contained"

// platform is one whose predictors are containers, with a champion.
func platform(t *testing.T) *platformtest.Platform {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	dir := t.TempDir()
	spec := filepath.Join(dir, model+".yaml")
	require.NoError(t, platformtest.QuickSpec("../../pipelines/loan-eligibility.yaml", spec, model, 1))
	p := &platformtest.Platform{State: filepath.Join(dir, "state"), Bin: bin, Runtime: "docker"}
	require.NoError(t, p.Start("--no-run", "--pipeline", spec))
	t.Cleanup(func() {
		if p.Running() {
			require.NoError(t, p.Stop())
		}
	})
	for _, data := range [][]string{{"--pipeline", spec, "--as-of", "2026-03-31"}, {model}} {
		var trained platformtest.Result
		require.NoError(t, p.JSON(&trained, append([]string{"ct", "start", "--wait"}, data...)...))
		require.Contains(t, []string{"bootstrapped", "promoted"}, trained.Verdict)
	}
	return p
}

// of are the running containers of the model.
func of(t *testing.T) (names []string) {
	t.Helper()
	engine, err := client.New(client.FromEnv)
	require.NoError(t, err)
	defer engine.Close()
	listed, err := engine.ContainerList(t.Context(), client.ContainerListOptions{Filters: make(client.Filters).Add("label", "dev.loanops.pipeline="+model)})
	require.NoError(t, err)
	for _, one := range listed.Items {
		names = append(names, one.Names[0])
	}
	slices.Sort(names)
	return names
}

// A challenger whose predictor leaks is killed by the kernel at what its plan grants; the canary ends with that reason, and no client has met it. Before, the
// agent is killed: nobody notices, for the predictors serve on. When the platform ends nothing of them is left.
func TestAPlatformOfContainers(t *testing.T) {
	p := platform(t)
	serves, err := p.Serving(model)
	require.NoError(t, err)
	var mu sync.Mutex
	var failed []error
	asked := 0
	load, err := p.Load(model, func(r platformtest.Request) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; r.Err != nil {
			failed = append(failed, r.Err)
		}
	})
	require.NoError(t, err)

	before := of(t)
	require.Len(t, before, 3, "champion and previous in production, the newest in staging")
	endpoints, err := p.Endpoints()
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(endpoints.PID["agent"], syscall.SIGKILL))
	require.Eventually(t, func() bool {
		actual, err := p.Actual("production", model)
		return err == nil && actual.Whole()
	}, time.Minute, 20*time.Millisecond)
	require.Equal(t, before, of(t), "they are the very same")

	end, err := p.Command("cd", "start", model, "--version", "1", "--drill", "leak=8MiB", "--wait", "--output", "json")
	require.NoError(t, err)
	ended := end()
	require.Equal(t, 4, ended.Code, "%s", ended.Stderr)
	var result platformtest.Result
	require.NoError(t, json.Unmarshal(ended.Stdout, &result))
	require.Equal(t, "aborted", result.Verdict)
	require.Equal(t, []string{"memory: the challenger's predictor was killed at 128 MiB, the plan's limit"}, result.Reasons)
	require.Equal(t, "memory", result.FoundBy.Check)
	still, err := p.Serving(model)
	require.NoError(t, err)
	require.Equal(t, serves.Champion, still.Champion)

	load.Stop()
	require.Empty(t, failed)
	require.Positive(t, asked)
	t.Logf("%d requests of clients, none failed", asked)
	require.NoError(t, p.Stop())
	require.Empty(t, of(t))
}
