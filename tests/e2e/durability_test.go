package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running reports whether the named activity of the workflow has been started by a worker and has not ended.
func (p *platform) running(workflowID, activity string) bool {
	execution, err := p.Describe(workflowID)
	return err == nil && execution.Runs(activity)
}

// killWorkerDuring waits until the activity runs and ends the worker with SIGKILL; the platform starts it again.
func (p *platform) killWorkerDuring(t *testing.T, workflowID, activity string) {
	t.Helper()
	eventually(t, activity+" running", 3*time.Minute, func() bool { return p.running(workflowID, activity) })
	before := p.mustEndpoints(t).PID["worker"]
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	t.Logf("killed worker %d during %s", before, activity)
	eventually(t, "another worker", time.Minute, func() bool {
		e, err := p.Endpoints()
		return err == nil && e.PID["worker"] != before && e.PID["worker"] != 0
	})
}

func TestRunSurvivesKillsWithTheSameModels(t *testing.T) {
	// More rows than in the other tests: every step that is to be killed takes long enough to be met.
	const large = name + "-large"
	file := quickSpec(t, large)
	spec, err := os.ReadFile(file)
	require.NoError(t, err)
	text := strings.Replace(string(spec), "rows: 20000", "rows: 60000", 1)
	require.NotEqual(t, string(spec), text)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	var undisturbed result
	shared.runJSON(t, &undisturbed, 0, "ct", "start", "--pipeline", file, "--register-only", "--wait")

	t.Parallel() // what follows is on a platform of its own
	p := newPlatform(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, p.Start("--pipeline", file))
	p.killWorkerDuring(t, "training-"+large, "TrainModel")
	p.killWorkerDuring(t, "delivery-"+large, "ApplyStaging")
	p.killWorkerDuring(t, "delivery-"+large, "AnalyseCanary")
	eventually(t, "canary going on", 2*time.Minute, func() bool { return p.running("delivery-"+large, "AnalyseCanary") })
	require.NoError(t, p.KillAll())

	require.NoError(t, p.Start("--pipeline", file))
	p.closed(t, "training-"+large)
	require.Equal(t, 2, p.aliasOf(t, large, "champion"))
	var second modelVersion
	p.runJSON(t, &second, 0, "models", "show", large, "2")
	require.Equal(t, undisturbed.Model.Digest, second.Digest, "a run that was killed must give the same bytes")
	require.NoError(t, p.Stop())
}
