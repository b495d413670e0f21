package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// look is a row of `loanops monitor list`.
type look struct {
	RunID    string `json:"run_id"`
	Verdict  string `json:"verdict"`
	Champion int    `json:"champion"`
}

// lookResult is what a look ends with.
type lookResult struct {
	result
	Findings []struct {
		Kind      string   `json:"kind"`
		Feature   string   `json:"feature"`
		Statistic string   `json:"statistic"`
		Value     float64  `json:"value"`
		P         *float64 `json:"p"`
		Limit     float64  `json:"limit"`
		Rows      int64    `json:"rows"`
	} `json:"findings"`
}

func (r lookResult) found(kind, feature, statistic string) bool {
	for _, f := range r.Findings {
		if f.Kind == kind && f.Feature == feature && f.Statistic == statistic {
			return true
		}
	}
	return false
}

// incomes writes applicants of another seed whose incomes are multiplied.
func incomes(t *testing.T, p *platform, path string, factor float64, flags ...string) {
	t.Helper()
	_, code := p.run(t, append([]string{"simulate", "--rows", "3000", "--seed", "12", "--as-of", "2026-12-31", "--out", path}, flags...)...)
	require.Zero(t, code)
	require.NoError(t, platformtest.MultiplyIncomes(path, factor))
}

// ofIncomes is a file of such applicants.
func ofIncomes(t *testing.T, p *platform, factor float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "incomes.csv")
	incomes(t, p, path, factor)
	return path
}

// What a look finds, says and does, from outside.
func TestALookSaysWhatChanged(t *testing.T) {
	var same lookResult
	shared.runJSON(t, &same, 0, "monitor", "start", name, "--data", ofIncomes(t, shared, 1), "--as-of", "2026-11-15", "--wait")
	require.Equal(t, "nothing", same.Verdict)
	require.Empty(t, same.Findings)

	var monthly lookResult
	shared.runJSON(t, &monthly, 3, "monitor", "start", name, "--data", ofIncomes(t, shared, 1./12), "--as-of", "2026-11-15", "--wait")
	require.Equal(t, "review", monthly.Verdict)
	require.True(t, monthly.found("schema", "annual_income", "unit"), "%+v", monthly.Findings)
	require.True(t, monthly.found("data_drift", "annual_income", "psi"), "%+v", monthly.Findings)

	var looks []look
	shared.runJSON(t, &looks, 0, "monitor", "list", name)
	require.Equal(t, "review", looks[0].Verdict)
	folder := t.TempDir()
	_, code := shared.run(t, "monitor", "show", name, "--save", folder)
	require.Zero(t, code)
	page, err := os.ReadFile(filepath.Join(folder, "look_html.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "annual_income")

	var few lookResult
	shared.runJSON(t, &few, 0, "monitor", "start", name, "--wait")
	require.Equal(t, "nothing", few.Verdict)
	require.Contains(t, few.Reasons[0], "not enough data")
	_, code = shared.run(t, "monitor", "start", "none", "--wait")
	require.Equal(t, 5, code)
	_, code = shared.run(t, "monitor", "start", name, "--as-of", "yesterday", "--wait")
	require.Equal(t, 2, code)
}

// arriving replaces the source of a spec, that of the shipped one, by a file that is still to come.
func arriving(t *testing.T, p *platform, spec string) (file string) {
	t.Helper()
	file = filepath.Join(p.arrivals(), filepath.Base(spec)+".csv")
	require.NoError(t, os.MkdirAll(p.arrivals(), 0o700))
	respec(t, spec, [2]string{"simulate: {rows: 20000, seed: 20260630, from: 2024-01-01, to: 2026-06-30}", "uri: " + file})
	return file
}

// lookSteps are the steps of a look at what has come.
var lookSteps = []string{
	"LoadPipeline", "FindReference", "ExtractData", "ValidateData", "FindSchemaChanges", "MeasureDrift", "FindRefusals", "MeasurePerformance", "RecordLook",
}

// killInSteps lets the worker run for some milliseconds at a time, and ends it with SIGKILL in the midst of each of the steps that it meets. It returns
// the steps that it has not met by the end of the run.
func (p *platform) killInSteps(t *testing.T, workflowID string, steps []string) (left []string) {
	t.Helper()
	left = slices.Clone(steps)
	for {
		execution, err := p.Describe(workflowID)
		require.NoError(t, err)
		if execution.Closed() {
			return left
		}
		worker := p.mustEndpoints(t).PID["worker"]
		if worker == 0 || syscall.Kill(worker, syscall.SIGSTOP) != nil {
			time.Sleep(50 * time.Millisecond) // it is being started again
			continue
		}
		execution, err = p.Describe(workflowID)
		require.NoError(t, err)
		at := slices.IndexFunc(left, execution.Runs)
		if at < 0 {
			require.NoError(t, syscall.Kill(worker, syscall.SIGCONT))
			time.Sleep(4 * time.Millisecond)
			continue
		}
		t.Logf("killed worker %d in %s", worker, left[at])
		require.NoError(t, syscall.Kill(worker, syscall.SIGKILL))
		left = slices.Delete(left, at, at+1)
		eventually(t, "another worker", time.Minute, func() bool {
			e, err := p.Endpoints()
			return err == nil && e.PID["worker"] != worker && e.PID["worker"] != 0
		})
	}
}

// However often its worker is killed, a look is one verdict, one alert and one training.
func TestALookSurvivesAKillInEachStep(t *testing.T) {
	t.Parallel()
	const model = name + "-watched"
	spec := quickSpec(t, model)
	r, dir := newReceiver(t), t.TempDir()
	r.answers.Store(true)
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(r.key)), 0o600))
	p := newPlatform(filepath.Join(dir, "state"))
	p.Env = append(p.Env, "LOANOPS_ALERT_OPS_URL="+r.URL, "LOANOPS_ALERT_OPS_SECRET_FILE="+secret)
	require.NoError(t, p.Start("--no-run"))
	t.Cleanup(func() {
		if p.Running() {
			_ = p.Stop()
		}
	})
	_, code := p.run(t, "ct", "start", "--pipeline", spec, "--as-of", "2026-03-31", "--wait")
	require.Zero(t, code)
	// Incomes fall, a hundred applicants a day. The training that a look starts is refused by a gate: its end is soon.
	shock, until := arriving(t, p, spec), time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	arrive := func() {
		since := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
		rows := 100 * int(until.Sub(since).Hours()/24)
		incomes(t, p, shock, 0.6, "--rows", strconv.Itoa(rows), "--from", since.Format(time.DateOnly), "--to", until.Format(time.DateOnly))
	}
	arrive()
	respec(t, spec, [2]string{"prediction_drift: roll_back", "prediction_drift: alert"}, [2]string{"min: 0.65", "min: 0.99"})
	_, code = p.run(t, "ct", "start", "--pipeline", spec, "--register-only", "--wait")
	require.Equal(t, 3, code)

	left := lookSteps
	for try := 1; len(left) > 0; try++ {
		require.LessOrEqual(t, try, 6, "%v were over too soon each time to be killed in their midst", left)
		_, code := p.run(t, "monitor", "start", model)
		require.Zero(t, code)
		left = p.killInSteps(t, "monitor-"+model, left)
		var looks []look
		p.runJSON(t, &looks, 0, "monitor", "list", model)
		require.Len(t, looks, try, "one verdict for each look")
		want := "retrain"
		if try > 1 {
			want = "alert" // the cooldown holds back another training
		}
		require.Equal(t, want, looks[0].Verdict)
		until = until.AddDate(0, 0, 15)
		arrive()
	}

	var looks []look
	p.runJSON(t, &looks, 0, "monitor", "list", model)
	first := looks[len(looks)-1]
	var runs []struct {
		Type    string `json:"type"`
		Trigger string `json:"trigger"`
		Cause   string `json:"cause"`
	}
	trained := 0
	eventually(t, "the training that the look started", time.Minute, func() bool {
		trained = 0
		p.runJSON(t, &runs, 0, "runs", "list")
		for _, run := range runs {
			if run.Type == "ContinuousTraining" && run.Trigger == "monitor" {
				trained++
				require.Equal(t, first.RunID, run.Cause, "the run names the look")
			}
		}
		return trained > 0
	})
	require.Equal(t, 1, trained)
	var alerts []struct {
		ID      string `json:"id"`
		Subject string `json:"subject"`
		State   string `json:"state"`
		Run     string `json:"run"`
	}
	p.runJSON(t, &alerts, 0, "alerts", "list", model, "--all")
	retrain := 0
	for _, a := range alerts {
		if a.Subject == "monitor" && a.State == "retrain" {
			retrain++
			require.Equal(t, first.RunID, a.Run)
		}
	}
	require.Equal(t, 1, retrain, "one alert")
	eventually(t, "people to be told", time.Minute, func() bool {
		return slices.ContainsFunc(r.events(), func(e event) bool { return e.Type == "com.loanops.monitor.verdict" })
	})

	// A platform that comes again with another spec trains it, once.
	respec(t, spec, [2]string{"min: 0.99", "min: 0.98"})
	for range 2 {
		require.NoError(t, p.Stop())
		require.NoError(t, p.Start("--no-run", "--pipeline", spec))
		require.Len(t, p.trainedBy(t, model, "spec"), 1)
	}
	require.NoError(t, p.Stop())
}
