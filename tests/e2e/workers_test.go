package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// What is changed in a copy of the sources before another worker is built from it.
type change struct{ file, before, after string }

// oneMoreStep is a delivery with one more step, as a developer adds one: runs that began without it have a history that goes on without it.
var oneMoreStep = change{
	"workflows/cd.go", "	failures, err := d.compare(ctx)\n", `	if workflow.GetVersion(ctx, "one more step", workflow.DefaultVersion, 1) > workflow.DefaultVersion {
		step := activities.AnswerTrial.On(activities.Deliver)
		if _, err := do(ctx, &d.run, step, "one more step", activities.TrialInput{}); err != nil {
			return Result{}, err
		}
	}
	failures, err := d.compare(ctx)
`,
}

// reordered is a delivery that measures before it plans, of which the histories know nothing.
var reordered = change{"workflows/cd.go", toPlan + toMeasure, toMeasure + toPlan}

const (
	toPlan = `	plan, err := do(ctx, &d.run, activities.PlanStaging, "planning staging", activities.PlanInput{Candidate: candidate, Environment: serving.Staging})
	if err != nil {
		return nil, err
	}
`
	toMeasure = `	measured, err := do(ctx, &d.run, activities.MeasureModel, "measuring what the model needs", activities.MeasureInput{Candidate: candidate})
	if err != nil {
		return nil, err
	}
`
)

// buildWorker builds the worker of a copy of the sources in which something was changed.
func buildWorker(t *testing.T, changes ...change) (program string) {
	t.Helper()
	sources := t.TempDir()
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	for _, entry := range entries {
		from, to := filepath.Join("../..", entry.Name()), filepath.Join(sources, entry.Name())
		switch entry.Name() {
		case "go.mod", "go.sum":
			data, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(to, data, 0o600))
		case "activities", "features", "infra", "internal", "migrations", "pipelines", "worker", "workflows":
			require.NoError(t, os.CopyFS(to, os.DirFS(from)))
		}
	}
	for _, c := range changes {
		file := filepath.Join(sources, c.file)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), c.before), "%s: %s", c.file, c.before)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), c.before, c.after, 1)), 0o600))
	}
	program = filepath.Join(t.TempDir(), "loanops-worker")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./worker")
	cmd.Dir, cmd.Env = sources, append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// workerVersion is what `loanops workers list` says of a build.
type workerVersion struct {
	Build   string `json:"build"`
	Status  string `json:"status"`
	Pollers int    `json:"pollers"`
	Runs    []struct {
		Workflow string `json:"workflow_id"`
	} `json:"runs"`
}

// workerVersions are all of them by their builds.
func (p *platform) workerVersions(t *testing.T) map[string]workerVersion {
	t.Helper()
	var listed []workerVersion
	p.runJSON(t, &listed, 0, "workers", "list")
	versions := map[string]workerVersion{}
	for _, v := range listed {
		versions[v.Build] = v
	}
	return versions
}

// current is the build on which runs begin.
func (p *platform) current(t *testing.T) (build string) {
	t.Helper()
	eventually(t, "a current build", time.Minute, func() bool {
		for _, v := range p.workerVersions(t) {
			if v.Status == "current" {
				build = v.Build
			}
		}
		return build != ""
	})
	return build
}

// builds are those whose workers took the tasks of a workflow's newest run, each once.
func (p *platform) builds(t *testing.T, workflowID string) []string {
	t.Helper()
	var history struct {
		History struct {
			Events []struct {
				Completed *struct {
					Version struct {
						Build string `json:"buildId"`
					} `json:"deploymentVersion"`
				} `json:"workflowTaskCompletedEventAttributes"`
			} `json:"events"`
		} `json:"history"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.workflowHistory(t, workflowID)), &history))
	var builds []string
	for _, event := range history.History.Events {
		if event.Completed != nil {
			builds = append(builds, event.Completed.Version.Build)
		}
	}
	slices.Sort(builds)
	return slices.Compact(builds)
}

type promotion struct {
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
}

// held is a repository that cannot be had: a run of it goes on for as long as the test does.
type held struct{ *httptest.Server }

func newHeld(t *testing.T) held {
	t.Helper()
	h := held{httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))}
	t.Cleanup(h.Close)
	return h
}

// push tells the platform of a push to it, as its hook does.
func (h held) push(t *testing.T, p *platform) (workflowID string) {
	t.Helper()
	_, code := p.run(t, "ci", "start", "--repo", "held", "--ref", "main")
	require.Equal(t, 0, code)
	const id = "integration-held~main"
	eventually(t, "the fetch", time.Minute, func() bool { return slices.Contains(p.scheduled(t, id), "FetchCommit") })
	return id
}

// scheduled are the activities of a workflow's newest run.
func (p *platform) scheduled(t *testing.T, workflowID string) []string {
	t.Helper()
	past, err := p.History(workflowID)
	require.NoError(t, err)
	return past.Scheduled
}

// A worker with one more step is rolled out while a canary of the old code is under way, with the old worker and the rollout killed in between: the
// canary ends on the old code, the next delivery has the step, and no history says that a worker could not go on with it. A branch that is pushed to
// meanwhile goes on with the new code, and keeps the old worker from nothing.
func TestAChangedWorkflowIsRolledOutDuringACanary(t *testing.T) {
	t.Parallel() // all of it is its own
	const model = "rolled-out"
	changed, wrong := buildWorker(t, oneMoreStep), buildWorker(t, oneMoreStep, reordered)
	p, branch := newPlatform(filepath.Join(t.TempDir(), "state")), newHeld(t)
	p.Env = append(p.Env, "LOANOPS_REPOSITORY_HELD_URL="+branch.URL+"/team/held.git")
	require.NoError(t, p.Start("--no-run"))
	t.Cleanup(func() {
		if p.Running() {
			_ = p.Stop()
		}
	})
	spec := filepath.Join(t.TempDir(), model+".yaml")
	require.NoError(t, platformtest.QuickSpec("../../pipelines/loan-eligibility.yaml", spec, model, 10)) // long enough steps to act in
	var r result
	p.runJSON(t, &r, 0, "ct", "start", "--pipeline", spec, "--as-of", "2026-03-31", "--wait")
	require.Equal(t, "bootstrapped", r.Verdict)
	old := p.current(t)
	delivery := "delivery-" + model
	integration := branch.push(t, p)
	require.Equal(t, []string{old}, p.builds(t, integration))

	canary := p.begin(t, "ct", "start", model, "--wait", "--output", "json")
	eventually(t, "the canary", 3*time.Minute, func() bool { return p.running(delivery, "AnalyseCanary") })
	var started workerVersion
	p.runJSON(t, &started, 0, "workers", "start", changed)
	require.Equal(t, "inactive", started.Status)
	require.NotEqual(t, old, started.Build)

	// The rollout is killed as soon as the trial goes on, and the old worker with it.
	rollout := exec.Command(filepath.Join(bin, "loanops"), "workers", "promote", started.Build, "--state", p.State)
	require.NoError(t, rollout.Start())
	eventually(t, "the trial", time.Minute, func() bool {
		_, err := p.Describe("trial-" + started.Build)
		return err == nil
	})
	require.NoError(t, rollout.Process.Kill())
	_ = rollout.Wait()
	require.NoError(t, syscall.Kill(p.mustEndpoints(t).PID["worker"], syscall.SIGKILL))
	var promoted promotion
	p.runJSON(t, &promoted, 0, "workers", "promote", started.Build)
	require.Equal(t, "promoted", promoted.Verdict, "%v", promoted.Reasons)
	p.runJSON(t, &promoted, 0, "workers", "promote", started.Build)
	require.Equal(t, "nothing", promoted.Verdict, "twice is once")
	require.Equal(t, started.Build, p.current(t))

	during, err := p.Describe(delivery)
	require.NoError(t, err)
	require.False(t, during.Closed(), "the canary was over too soon")
	_, code := p.run(t, "workers", "drain", started.Build)
	require.Equal(t, 3, code, "the current build is not drained")
	first, err := p.Describe(integration)
	require.NoError(t, err)
	branch.push(t, p)
	eventually(t, "the run of the newer push", time.Minute, func() bool {
		x, err := p.Describe(integration)
		return err == nil && x.Info.Execution.RunID != first.Info.Execution.RunID && len(p.builds(t, integration)) > 0
	})
	require.Equal(t, []string{started.Build}, p.builds(t, integration), "a newer push goes on with the code that is current")
	ended := canary(t)
	require.Equal(t, 0, ended.Code, "%s", ended.Stderr)
	require.NoError(t, json.Unmarshal(ended.Stdout, &r))
	require.Equal(t, "promoted", r.Verdict)
	require.Equal(t, []string{old}, p.builds(t, delivery), "the canary ends on the code that it began with")
	past, err := p.History(delivery)
	require.NoError(t, err)
	require.NotContains(t, past.Scheduled, "AnswerTrial")

	var drained workerVersion
	p.runJSON(t, &drained, 0, "workers", "drain", old, "--wait")
	require.Equal(t, "drained", drained.Status)
	eventually(t, "the old worker stopped", time.Minute, func() bool {
		_, err := os.Stat(filepath.Join(p.State, "workers", old))
		return os.IsNotExist(err) && p.mustEndpoints(t).PID["worker"] == 0
	})

	p.runJSON(t, &r, 0, "cd", "start", model, "--version", "1", "--wait")
	require.Equal(t, "promoted", r.Verdict)
	require.Equal(t, []string{started.Build}, p.builds(t, delivery))
	past, err = p.History(delivery)
	require.NoError(t, err)
	require.True(t, past.Done["AnswerTrial"], "the next delivery has the new step: %v", past.Scheduled)

	// A worker that does the steps in another order is refused, and changes nothing.
	var refusedBuild workerVersion
	p.runJSON(t, &refusedBuild, 0, "workers", "start", wrong)
	var refused promotion
	p.runJSON(t, &refused, 3, "workers", "promote", refusedBuild.Build)
	require.Equal(t, "refused", refused.Verdict)
	require.Regexp(t, `^ContinuousDelivery: the history of delivery-rolled-out .*PlanStaging`, strings.Join(refused.Reasons, "\n"))
	require.Equal(t, started.Build, p.current(t))

	// The programs' folder still holds the old worker: a platform that starts again goes on with the one that was promoted.
	require.NoError(t, p.Stop())
	require.NoError(t, p.Start("--no-run"))
	require.Equal(t, started.Build, p.current(t))
	champion := p.aliasOf(t, model, "champion")
	p.runJSON(t, &r, 0, "cd", "start", model, "--version", strconv.Itoa(champion), "--wait")
	require.Equal(t, "nothing", r.Verdict)
	require.Equal(t, []string{started.Build}, p.builds(t, delivery))
	require.Zero(t, p.failedTasks(t), "no worker met a history that it could not go on with")
	require.NoError(t, p.Stop())
}

// failedTasks counts the workflow tasks that failed, in all histories.
func (p *platform) failedTasks(t *testing.T) (failed int) {
	t.Helper()
	e := p.mustEndpoints(t)
	var listed struct {
		Executions []struct {
			Execution struct {
				Workflow string `json:"workflowId"`
				Run      string `json:"runId"`
			} `json:"execution"`
		} `json:"executions"`
	}
	get(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflows?pageSize=1000", &listed)
	require.NotEmpty(t, listed.Executions)
	for _, x := range listed.Executions {
		var history json.RawMessage
		get(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflows/"+x.Execution.Workflow+"/history?maximumPageSize=1000&execution.runId="+x.Execution.Run, &history)
		failed += strings.Count(string(history), "EVENT_TYPE_WORKFLOW_TASK_FAILED")
	}
	return failed
}
