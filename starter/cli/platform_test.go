package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/pipelines"
	"github.com/loanops/loanops/workflows"
)

// fakePlatform is a state folder as a running platform leaves it, with a database and nothing behind it.
type fakePlatform struct {
	dir      string
	settings settings.Settings
}

// newFakePlatform makes one; its variables are forgotten when the test ends.
func newFakePlatform(t *testing.T) fakePlatform {
	t.Helper()
	dir := t.TempDir()
	p := fakePlatform{dir, settings.Settings{
		Database: "sqlite://" + filepath.Join(dir, "loanops.db"), FeaturesDatabase: "sqlite://" + filepath.Join(dir, "features.db"), Bucket: "loanops", WorkDir: dir, BinDir: dir, Terraform: "terraform",
		Agent: "http://127.0.0.1:1", AgentTokenFile: filepath.Join(dir, "agent.token"), RollbackTokenFile: filepath.Join(dir, "rollback.token"),
		Gateway: "http://127.0.0.1:1", SyntheticKeyFile: filepath.Join(dir, "synthetic.key"), Registry: "http://127.0.0.1:1",
	}}
	environ := append(p.environ(), "TEMPORAL_ADDRESS=127.0.0.1:1")
	for _, line := range append(environ, "LOANOPS_API_KEY=", "USER=") {
		name, _, _ := strings.Cut(line, "=")
		t.Setenv(name, "") // restored after the test
		require.NoError(t, os.Unsetenv(name))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "loanops.db"), nil, 0o600)) // whoever opens it first makes its schema
	require.NoError(t, os.WriteFile(filepath.Join(dir, settings.PlatformEnv), []byte(strings.Join(environ, "\n")+"\n"), 0o600))
	return p
}

// environ is what all roles together need.
func (p fakePlatform) environ() []string {
	return p.settings.Environ(append(settings.WorkerRoles(), settings.Agent, settings.Operator)...)
}

// registry opens the platform's database.
func (p fakePlatform) registry(t *testing.T) registry.Registry {
	t.Helper()
	r, err := store.Open(t.Context(), p.settings.Database)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// run runs a command on the platform.
func (p fakePlatform) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return run(t, append(args, "--state", p.dir)...)
}

// version registers a model version.
func version(t *testing.T, r registry.Registry, name, digest string, auc float64) registry.ModelVersion {
	t.Helper()
	v, _, err := r.RegisterVersion(t.Context(), registry.ModelVersion{
		Name: name, Digest: strings.Repeat(digest, 64), Meaning: "default", Algorithm: "logistic", Hyperparameters: json.RawMessage(`{"l2":0.1}`),
		Metrics:   map[string]evaluate.Metric{"auc": {Estimate: auc, Lower: auc - 0.01, Upper: auc + 0.01}, "brier": {Estimate: 0.15, Lower: 0.14, Upper: 0.16}},
		Artifacts: map[string]artifact.Ref{"test": {URI: "s3://loanops/t.parquet", Bytes: 12}, "evaluation": {URI: "s3://loanops/e.html", Bytes: 34}},
		Lineage:   registry.Lineage{Dataset: strings.Repeat("d", 64), Source: "applications.csv", Rows: 1200}, RunID: "run-" + digest,
	})
	require.NoError(t, err)
	return v
}

func TestModelsListShowsTheNewestFirst(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	version(t, r, "cards", "a", 0.71)
	version(t, r, "cards", "b", 0.72)
	version(t, r, "loans", "c", 0.73)

	stdout, stderr, code := p.run(t, "models", "list", "cards")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], "VERSION")
	require.Regexp(t, `^cards +2 .*0\.7200.*bbbbbbbbbbbb`, lines[1])
	require.Regexp(t, `^cards +1 .*0\.7100.*aaaaaaaaaaaa`, lines[2])

	stdout, _, code = p.run(t, "models", "list", "--output", "json")
	require.Equal(t, 0, code)
	var all []registry.ModelVersion
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	require.Len(t, all, 3, "without a name, of every model")

	_, stderr, code = p.run(t, "models", "list", "nobody")
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, `there is no model "nobody"`)
}

func TestModelsShow(t *testing.T) {
	p := newFakePlatform(t)
	version(t, p.registry(t), "cards", "a", 0.71)
	stdout, stderr, code := p.run(t, "models", "show", "cards", "1")
	require.Equal(t, 0, code, stderr)
	for _, want := range []string{
		"cards version 1, logistic", "digest " + strings.Repeat("a", 64), "dddddddddddd, 1200 rows, applications.csv",
		"0.7100    0.7000 to 0.7200", "0.1500    0.1400 to 0.1600", "s3://loanops/e.html",
	} {
		require.Contains(t, stdout, want)
	}
	require.Less(t, strings.Index(stdout, "evaluation"), strings.Index(stdout, "s3://loanops/t.parquet"), "roles in order")

	for _, args := range [][]string{{"cards", "2"}, {"cards", "champion"}, {"cards"}, {"nobody", "1"}} {
		_, stderr, code = p.run(t, append([]string{"models", "show"}, args...)...)
		require.Equal(t, exitNotFound, code, "%v: %s", args, stderr)
	}
	_, _, code = p.run(t, "models", "history", "cards")
	require.Equal(t, exitNotFound, code, "nobody moved an alias")
}

// began is when the runs of these tests started.
var began = time.Date(2026, 6, 30, 10, 0, 0, 0, time.UTC)

func endedRun(id string) registry.Run {
	return registry.Run{
		ID: id, WorkflowID: "training-cards", Type: "ContinuousTraining", Pipeline: "cards", Trigger: "manual", Status: registry.RunCompleted,
		StartedAt: began, EndedAt: began.Add(90 * time.Second), Verdict: "refused", Result: json.RawMessage(`{"verdict":"refused","reasons":["auc 0.61 is below 0.65"]}`),
		Steps: []registry.RunStep{
			{Seq: 1, Name: "ExtractData", Status: "completed", Attempts: 1, Scheduled: began, Started: began, Ended: began.Add(time.Second), Duration: time.Second, Cached: true},
			{Seq: 2, Name: "TrainModel", Status: "completed", Attempts: 3, Scheduled: began, Started: began, Ended: began.Add(2 * time.Second), Duration: 2 * time.Second, LastFailed: "worker lost"},
		},
	}
}

func TestRunsListAndShow(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	for i := range 3 {
		one := endedRun(fmt.Sprint("run-", i))
		one.StartedAt, one.EndedAt = one.StartedAt.Add(time.Duration(i)*time.Hour), one.EndedAt.Add(time.Duration(i)*time.Hour)
		require.NoError(t, r.PutRun(t.Context(), one))
	}
	other := endedRun("other")
	other.Pipeline, other.WorkflowID = "loans", "training-loans"
	require.NoError(t, r.PutRun(t.Context(), other))

	stdout, stderr, code := p.run(t, "runs", "list", "--pipeline", "cards", "--limit", "2")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^run-2 .*cards.*completed.*refused.*2026-06-30 12:00:00 +1m30s$`, lines[1])
	require.Regexp(t, `^run-1 `, lines[2])

	for _, id := range []string{"run-2", "training-cards"} { // a workflow's name stands for its newest run
		stdout, stderr, code = p.run(t, "runs", "show", id)
		require.Equal(t, 0, code, stderr)
		require.Contains(t, stdout, "ContinuousTraining of cards: completed refused\nrun run-2, started 2026-06-30 12:00:00 by manual, took 1m30s, of which its steps ran 2s\n  auc 0.61 is below 0.65\n\nSTEP")
		require.Regexp(t, `ExtractData +completed +1 +1s +cached`, stdout)
		require.Regexp(t, `TrainModel +completed +3 +2s +worker lost`, stdout)
	}
	_, stderr, code = p.run(t, "runs", "show", "nothing")
	require.Equal(t, exitNotFound, code, stderr)

	stdout, _, code = p.run(t, "runs", "show", "run-0", "--output", "json")
	require.Equal(t, 0, code)
	var shown struct {
		ID           string                 `json:"id"`
		Steps        []registry.RunStep     `json:"steps"`
		CanaryChecks []registry.CanaryCheck `json:"canary_checks"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Equal(t, "run-0", shown.ID)
	require.Len(t, shown.Steps, 2)
}

func TestRunsShowTellsOfTheCanaryAndOfAFault(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	failed := endedRun("run-1")
	failed.Trigger, failed.Cause = "monitor", "run-0"
	failed.Status, failed.Error = registry.RunFailed, "the database went away"
	require.NoError(t, r.PutRun(t.Context(), failed))
	require.NoError(t, r.PutCanaryCheck(t.Context(), registry.CanaryCheck{
		Phase: "progressing",
		RunID: "run-1", Seq: 1, Model: "cards", Version: 2, Weight: 5, At: began, Tracks: json.RawMessage("{}"), Verdict: "failed", Reasons: []string{"too slow", "too many errors"},
	}))
	stdout, stderr, code := p.run(t, "runs", "show", "run-1")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "by monitor (run-0), took", "and of what found a reason")
	require.Contains(t, stdout, "canary progressing at 5 %: failed, too slow; too many errors\nthe database went away\n")
}

func TestTook(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1m0.002s", took(began, began.Add(time.Minute+1_700*time.Microsecond)))
	require.Empty(t, took(began, time.Time{}), "a run that has not ended")
	require.Empty(t, took(time.Time{}, began), "a run that never started")
}

// shipped is the spec that comes with LoanOps.
func shipped(t *testing.T) registry.PipelineSpec {
	t.Helper()
	yaml, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err := pipeline.Parse("loan-eligibility.yaml", yaml)
	require.NoError(t, err)
	return registry.NewPipelineSpec(spec, yaml)
}

func TestPipelinesListAndValidate(t *testing.T) {
	p := newFakePlatform(t)
	spec := shipped(t)
	require.NoError(t, p.registry(t).PutPipeline(t.Context(), spec))
	stdout, stderr, code := p.run(t, "pipelines", "list")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "loan-eligibility")
	require.Contains(t, stdout, spec.Digest[:12])

	file := filepath.Join(t.TempDir(), "cards.yaml")
	require.NoError(t, os.WriteFile(file, spec.YAML, 0o600))
	stdout, _, code = run(t, "pipelines", "validate", file)
	require.Equal(t, 0, code)
	require.Equal(t, file+" is a valid spec of loan-eligibility\n", stdout)
	stdout, _, code = run(t, "pipelines", "validate", file, "--output", "json")
	require.Equal(t, 0, code)
	var parsed struct {
		Name   string
		Policy struct{ Cutoff float64 }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &parsed))
	require.Equal(t, "loan-eligibility", parsed.Name)
	require.InDelta(t, 0.25, parsed.Policy.Cutoff, 0)

	// Each mistake is a line that an editor can jump to.
	broken := strings.Replace(strings.Replace(string(spec.YAML), "cutoff: 0.25", "cutoff: 2", 1), "by: time", "by: luck", 1)
	require.NoError(t, os.WriteFile(file, []byte(broken), 0o600))
	stdout, stderr, code = run(t, "pipelines", "validate", file)
	require.Equal(t, exitUsage, code)
	require.Empty(t, stdout)
	require.Regexp(t, `cards\.yaml:\d+:13: split\.by is "luck".*\n.*cards\.yaml:\d+:18: policy\.cutoff is 2`, stderr)
}

// What cannot be started is refused before Temporal is asked, with what would be right.
func TestStartsAreRefused(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	require.NoError(t, r.PutPipeline(t.Context(), shipped(t)))
	version(t, r, "cards", "a", 0.7)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("nmae: cards\n"), 0o600))
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"ct", "start"}, exitUsage, "which pipeline? give its name, such as loan-eligibility, or --pipeline FILE"},
		{[]string{"ct", "start", "loan-eligibility", "--pipeline", broken}, exitUsage, "give one of them"},
		{[]string{"ct", "start", "nobody"}, exitNotFound, "nobody"},
		{[]string{"ct", "start", "--pipeline", broken}, exitUsage, `broken.yaml:1:1: unknown key "nmae" in the spec; did you mean "name"?`},
		{[]string{"ct", "start", "--pipeline", broken + ".none"}, exitNotFound, "there is no such file"},
		{[]string{"ct", "start", "loan-eligibility", "--data", broken}, exitUsage, "a name that ends in .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet is wanted"},
		{[]string{"ct", "start", "loan-eligibility", "--data", "none.csv"}, exitNotFound, "none.csv: there is no such file"},
		{[]string{"cd", "start", "cards", "--version", "2"}, exitNotFound, "2"},
		{[]string{"cd", "start", "cards", "--version", "two"}, exitUsage, "--version"},
		{[]string{"cd", "start"}, exitUsage, "loanops cd start MODEL"},
		{[]string{"cd", "start", "cards", "--drill", "delay=2h"}, exitUsage, "at most 1m0s"},
		{[]string{"cd", "start", "cards", "--drill", "errors=5"}, exitUsage, "errors=5%"},
		{[]string{"decide"}, exitUsage, "give a JSON file, - for standard input, or --example"},
		{[]string{"decide", "a.json", "--example"}, exitUsage, "give a JSON file, - for standard input, or --example"},
		{[]string{"decide", "none.json"}, exitNotFound, "none.json: there is no such file"},
		{[]string{"runs", "list", "--limit", "few"}, exitUsage, "see `loanops runs list --help`"},
		{[]string{"up", "--pipeline", broken}, exitUsage, "broken.yaml:1:1"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			stdout, stderr, code := p.run(t, test.args...)
			require.Equal(t, test.code, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
			require.True(t, strings.HasPrefix(stderr, "loanops: "), stderr)
		})
	}
	runs, err := r.Runs(t.Context(), "", 0)
	require.NoError(t, err)
	require.Empty(t, runs)
}

// A spec that was given by its file is to be registered under its own name.
func TestAGivenFileIsToBeRegistered(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	yaml, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "any-name.yaml")
	require.NoError(t, os.WriteFile(file, yaml, 0o600))
	a := &app{err: io.Discard}
	var input workflows.TrainingInput
	registered, err := a.given(t.Context(), p.settings, r, &input, nil, file)
	require.NoError(t, err)
	require.Equal(t, "loan-eligibility", input.Pipeline)
	require.Equal(t, yaml, registered.YAML)
	require.NoError(t, r.PutPipeline(t.Context(), *registered))
	input = workflows.TrainingInput{}
	registered, err = a.given(t.Context(), p.settings, r, &input, []string{"loan-eligibility"}, "")
	require.NoError(t, err)
	require.Equal(t, "loan-eligibility", input.Pipeline)
	require.Nil(t, registered, "it is registered already")
}

// A database that cannot be opened is a fault of the platform, not of the user, and its address is not shown: it may hold a password.
func TestADatabaseThatIsAway(t *testing.T) {
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_DATABASE", "postgres://loanops:secret@127.0.0.1:1/loanops?connect_timeout=1")
	for _, args := range [][]string{{"models", "list"}, {"pipelines", "list"}, {"runs", "list"}} {
		_, stderr, code := p.run(t, args...)
		require.Equal(t, exitFault, code, stderr)
		require.NotContains(t, stderr, "secret")
	}
	t.Setenv("LOANOPS_DATABASE", "mysql://x")
	_, stderr, code := p.run(t, "models", "list")
	require.Equal(t, exitUsage, code, stderr)
}

// Who runs a command is written into the record.
func TestActor(t *testing.T) {
	t.Setenv("USER", "grace")
	require.Equal(t, "grace", actor())
	t.Setenv("USER", "")
	require.Equal(t, "operator", actor())
}

func TestAgentNamesWhatIsNotSet(t *testing.T) {
	p := newFakePlatform(t)
	_, stderr, code := run(t, "agent", "--dir", p.dir)
	require.Equal(t, exitUsage, code)
	for _, name := range []string{"LOANOPS_BUCKET", "LOANOPS_REGISTRY", "LOANOPS_AGENT_TOKEN_FILE", "LOANOPS_ROLLBACK_TOKEN_FILE"} {
		require.Contains(t, stderr, name)
	}
	require.NotContains(t, stderr, "LOANOPS_DATABASE", "an agent has no way into the database")

	for _, line := range p.environ() {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	_, stderr, code = run(t, "agent", "--dir", p.dir)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "agent.token", "the file of the token is named")
}

// The name of a workflow's verdict is its exit code's only source: a verdict of a newer worker is no success.
func TestAnUnknownVerdictIsAFault(t *testing.T) {
	t.Parallel()
	require.Equal(t, exitFault, verdictError{workflows.Verdict("invented")}.code())
	require.EqualError(t, verdictError{workflows.Aborted}, "aborted")
}
