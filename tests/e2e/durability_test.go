package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
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

// slicedSpec writes a spec and its rows: sixteen slices of 16,384, for so many rows of 200 columns make one. Some rows break a rule, which refuses the run
// when its dataset is made.
func slicedSpec(t *testing.T, model string) (spec string) {
	t.Helper()
	const columns, rows = 200, 16 * 16_384
	folder := t.TempDir()
	spec = filepath.Join(folder, model+".yaml")
	require.NoError(t, os.WriteFile(spec, []byte("name: "+model+`
source: {uri: rows.csv, known_at: 2026-06-30}
label: {column: y, positive: "1", negative: "0"}
entity: id
schema: {quarantine: {max_share: 0}}
columns:
  - {name: n, type: number, max: 900}
`), 0o600))
	file, err := os.Create(filepath.Join(folder, "rows.csv"))
	require.NoError(t, err)
	out := bufio.NewWriter(file)
	fmt.Fprint(out, "id,y,n")
	for i := 3; i < columns; i++ {
		fmt.Fprintf(out, ",x%d", i)
	}
	rest := strings.Repeat(",7", columns-3)
	for row := range rows {
		fmt.Fprintf(out, "\nA-%d,%d,%d%s", row, row%2, row%1000, rest)
	}
	require.NoError(t, out.Flush())
	require.NoError(t, file.Close())
	return spec
}

// store is the platform's object store.
func (p *platform) store(t *testing.T) *artifact.Store {
	t.Helper()
	variable := func(name string) string {
		value, err := p.Environment(name)
		require.NoError(t, err)
		return value
	}
	e := p.mustEndpoints(t)
	store, err := artifact.Open(t.Context(), artifact.Config{Bucket: e.Bucket, CacheDir: t.TempDir(), S3: artifact.S3{
		Endpoint: e.S3, Region: variable("AWS_REGION"), AccessKeyID: variable("AWS_ACCESS_KEY_ID"), SecretAccessKey: variable("AWS_SECRET_ACCESS_KEY"),
	}})
	require.NoError(t, err)
	return store
}

// A worker that is killed in the midst of its rows does not make the finished ones again, and the dataset is that of a desk where nobody was killed.
func TestAnExtractionSurvivesAKillWithTheSameDataset(t *testing.T) {
	t.Parallel()
	const model = "killed-extraction"
	spec := slicedSpec(t, model)
	undisturbed, stderr, code := checkData(t, "--pipeline", spec)
	require.Equal(t, 3, code, stderr)

	p := newPlatform(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, p.Start("--no-run"))
	t.Cleanup(func() {
		if p.Running() {
			_ = p.Stop()
		}
	})
	wait := p.begin(t, "ct", "start", "--pipeline", spec, "--wait")
	store := p.store(t)
	eventually(t, "a finished slice", 3*time.Minute, func() bool {
		found, err := store.List(t.Context(), "s3://"+p.mustEndpoints(t).Bucket+"/artifacts/")
		return err == nil && slices.ContainsFunc(found, func(uri string) bool { return strings.HasSuffix(uri, ".slice") })
	})
	require.True(t, p.running("training-"+model, "ExtractData"), "it was over too soon to be killed in its midst")
	p.killWorkerDuring(t, "training-"+model, "ExtractData")
	ended := wait(t)
	require.Equal(t, 3, ended.Code)

	history := p.workflowHistory(t, "training-"+model)
	require.Contains(t, history, undisturbed.Digest, "a run that was killed must give the same bytes")
	resumed := regexp.MustCompile(`"resumed": ?([0-9]+)`).FindStringSubmatch(history)
	require.NotNil(t, resumed, "no slice was taken from the try that was killed")
	taken, err := strconv.Atoi(resumed[1])
	require.NoError(t, err)
	require.Less(t, taken, 13, "all sixteen but the first three, which are not kept: the kill came too late")
	require.NoError(t, p.Stop())
}
