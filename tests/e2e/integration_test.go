package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small is the pipeline of the example repository.
const small = "small-loans"

// repository is a team's: a bare one that is pushed to, and a clone in which a developer works.
type repository struct{ bare, clone string }

// newRepository holds the example, as its first commit on main, which is not pushed yet.
func newRepository(t *testing.T) repository {
	t.Helper()
	dir := t.TempDir()
	r := repository{bare: filepath.Join(dir, "loans.git"), clone: filepath.Join(dir, "loans")}
	git(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", r.bare)
	git(t, dir, "init", "--quiet", "--initial-branch=main", r.clone)
	require.NoError(t, os.CopyFS(r.clone, os.DirFS("../../examples/pipeline-repo")))
	r.commit(t, "the example")
	git(t, r.clone, "remote", "add", "origin", r.bare)
	return r
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	// The same commit has the same hash wherever it is made.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@bank.example",
		"GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@bank.example", "GIT_AUTHOR_DATE=2026-07-01T12:00:00Z", "GIT_COMMITTER_DATE=2026-07-01T12:00:00Z")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// change puts a text in place of another in a file of the clone.
func (r repository) change(t *testing.T, file, old, now string) {
	t.Helper()
	path := filepath.Join(r.clone, file)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), old, now, 1)), 0o600))
}

// leak gives the sample a column that repeats the label, its last column.
func (r repository) leak(t *testing.T, column string) {
	t.Helper()
	path := filepath.Join(r.clone, "sample", "applications.csv")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i, line := range lines {
		lines[i] = line + line[strings.LastIndex(line, ","):]
	}
	lines[0] = strings.TrimSuffix(lines[0], "defaulted") + column
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// greenAloneAndRedWhenMerged makes two branches of main, feature and target, of which each is good: what feature expects, target changes.
func (r repository) greenAloneAndRedWhenMerged(t *testing.T) {
	t.Helper()
	git(t, r.clone, "checkout", "--quiet", "-b", "feature", "main")
	r.change(t, "tests/features.yaml", "{home_ownership=rent: 1, home_ownership=own: 0,", "{home_ownership=rent: 1, home_ownership=own: 0, home_ownership=other: 0,")
	r.change(t, "tests/features.yaml", " home_ownership=mortgage: 0, home_ownership=other: 0}", " home_ownership=mortgage: 0}")
	r.change(t, "tests/features.yaml", "- name: half a month is no term", "- name: any kind of work will do\n  row: {employment: salaried}\n  expect: {employment=contract: 0}\n\n- name: half a month is no term")
	r.commit(t, "a test of employment")

	git(t, r.clone, "checkout", "--quiet", "main")
	r.change(t, "pipeline.yaml", "values: {self-employed: self_employed, freelance: contract}", "values: {self-employed: self_employed, freelance: contract, salaried: contract}")
	git(t, r.clone, "checkout", "--quiet", "-b", "target")
	r.change(t, "tests/features.yaml", "employment: {clean: salaried}\n    employment=salaried: 1", "employment: {clean: contract}\n    employment=salaried: 0")
	r.commit(t, "everybody has a contract")
}

func (r repository) commit(t *testing.T, message string) {
	t.Helper()
	git(t, r.clone, "add", "--all")
	git(t, r.clone, "commit", "--quiet", "--message", message)
}

// integrated is what an integration prints.
type integrated struct {
	Verdict         string   `json:"verdict"`
	FailedStep      string   `json:"failed_step"`
	Reasons         []string `json:"reasons"`
	PipelineVersion int      `json:"pipeline_version"`
	Package         string   `json:"package"`
	Commit          string   `json:"commit"`
	Merged          string   `json:"merged"`
	Steps           []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Said   string `json:"said"`
		Cached bool   `json:"cached"`
	} `json:"steps"`
}

// integrate runs `loanops ci start --wait` on a ref of the clone.
func (p *platform) integrate(t *testing.T, wantCode int, r repository, args ...string) (out integrated) {
	t.Helper()
	p.runJSON(t, &out, wantCode, append([]string{"ci", "start", "--repo", r.clone, "--wait"}, args...)...)
	return out
}

// digestOf is what a package is, wherever it is.
func digestOf(t *testing.T, reference string) string {
	t.Helper()
	_, digest, found := strings.Cut(reference, "@")
	require.True(t, found, "a package is named by its digest, not as %q", reference)
	return digest
}

// inStaging is the model version that the agent has in staging for a pipeline; 0 for none.
func (p *platform) inStaging(t *testing.T, pipeline string) (newest int) {
	t.Helper()
	agent, err := p.Environment("LOANOPS_AGENT")
	require.NoError(t, err)
	response, err := http.Get(agent + "/v1/environments/staging/pipelines/" + pipeline)
	require.NoError(t, err)
	defer response.Body.Close()
	var actual struct {
		Tracks map[string]struct {
			Spec struct {
				ModelVersion int `json:"model_version"`
			} `json:"spec"`
			State string `json:"state"`
		} `json:"tracks"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&actual))
	for _, track := range actual.Tracks {
		if track.State == "ready" {
			newest = max(newest, track.Spec.ModelVersion)
		}
	}
	return newest
}

// From a push to a version that serves: the first one bootstraps, the second goes through staging to a canary. The same commit again is the same package,
// whoever cloned it; and what a merge would break is refused.
func TestAPushBecomesAVersionInStaging(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	var hook map[string]string
	shared.runJSON(t, &hook, 0, "ci", "hook", "install", "--repo", r.bare)

	said := git(t, r.clone, "push", "--quiet", "origin", "main")
	require.Contains(t, said, "main is being tested")
	eventually(t, "the first version in staging", 2*time.Minute, func() bool { return shared.inStaging(t, small) >= 1 })
	shared.served(t, small, 1)
	first := shared.published(t, small)
	require.Len(t, first, 1)

	t.Run("the same commit again", func(t *testing.T) {
		again := shared.integrate(t, 0, r, "--ref", "main")
		require.Equal(t, "published", again.Verdict)
		require.Equal(t, 1, again.PipelineVersion)
		require.Equal(t, digestOf(t, first[0].Package), digestOf(t, again.Package))
		for _, step := range again.Steps {
			if step.Name != "CheckSpec" { // there is a champion now
				require.True(t, step.Cached, step.Name)
			}
			if step.Name == "TestIntegration" {
				require.Regexp(t, `the model fits the plan: of what it may use \d+ % of memory, \d+ % of CPU and \d+ % of the starting time are free$`, step.Said)
			}
		}
		require.Len(t, shared.published(t, small), 1, "exactly one version")
	})
	t.Run("two clean clones", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "elsewhere")
		git(t, t.TempDir(), "clone", "--quiet", r.bare, other)
		again := shared.integrate(t, 0, repository{r.bare, other}, "--ref", "main")
		require.Equal(t, digestOf(t, first[0].Package), digestOf(t, again.Package))
	})
	t.Run("what breaks the contract of requests", func(t *testing.T) {
		git(t, r.clone, "checkout", "--quiet", "-b", "narrower", "main")
		r.change(t, "pipeline.yaml", "loan_amount, type: number, min: 500, max: 1000000", "loan_amount, type: number, min: 500, max: 900000")
		r.commit(t, "no loans above 900,000")
		refused := shared.integrate(t, 3, r, "--ref", "narrower")
		require.Equal(t, "CheckSpec", refused.FailedStep)
		require.Contains(t, strings.Join(refused.Reasons, "\n"), "loan_amount")
	})
	t.Run("green alone and red when merged", func(t *testing.T) {
		r.greenAloneAndRedWhenMerged(t)
		require.Equal(t, "nothing", shared.integrate(t, 0, r, "--ref", "feature", "--test-only").Verdict)
		require.Equal(t, "nothing", shared.integrate(t, 0, r, "--ref", "target", "--test-only").Verdict)

		merged := shared.integrate(t, 3, r, "--ref", "feature", "--against", "target")
		require.Equal(t, "refused", merged.Verdict)
		require.Equal(t, "TestFeatures", merged.FailedStep)
		require.NotEmpty(t, merged.Merged)
		require.Contains(t, merged.Reasons[0], "any kind of work will do")
	})
	require.Len(t, shared.published(t, small), 1, "nothing of a merge request, or that was refused, is published")
}

// pipelineVersion is what a commit was published as.
type pipelineVersion struct {
	Version   int    `json:"version"`
	Package   string `json:"package"`
	Predictor string `json:"predictor"`
	Commit    string `json:"commit"`
}

// published are the versions of a pipeline, newest first.
func (p *platform) published(t *testing.T, pipeline string) (versions []pipelineVersion) {
	t.Helper()
	p.runJSON(t, &versions, 0, "pipelines", "versions", pipeline)
	return versions
}

// served waits until a version is champion and its delivery has ended.
func (p *platform) served(t *testing.T, pipeline string, version int) {
	t.Helper()
	eventually(t, "the champion", 3*time.Minute, func() bool {
		var record struct {
			Champion *struct {
				Version int `json:"version"`
			} `json:"champion"`
		}
		out, code := p.run(t, "serving", "show", pipeline, "--output", "json")
		return code == 0 && json.Unmarshal(out, &record) == nil && record.Champion != nil && record.Champion.Version == version
	})
	p.closed(t, "delivery-"+pipeline)
}

// Commits that are bad in one way each: refused by the step whose business it is, with a reason that a person can act upon. Nothing of them is published.
func TestBadCommitsAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct {
		what, file, old, now, step, says string
	}{
		{"an unknown key", "pipeline.yaml", "policy: {cutoff: 0.25}", "policy: {cutof: 0.25}", "CheckSpec", "cutof"},
		{"a wrong expectation of the encoder", "tests/features.yaml", "{employment=contract: 1, employment=self_employed: 0}", "{employment=contract: 0, employment=self_employed: 0}", "TestFeatures", "employment=contract"},
		{"a cleaning that spoils a good value", "pipeline.yaml", "  - amount: {columns: [annual_income, loan_amount], currency: $}", "  - missing: {columns: [loan_amount], codes: [\"1000000\"], reason: a code of the old system}\n  - amount: {columns: [annual_income, loan_amount], currency: $}", "TestPredictions", "loan_amount"},
		{"quality below the floor", "pipeline.yaml", "min: 0.65}", "min: 0.95}", "TestQuality", "auc"},
		{"a sample that is not as the schema says", "pipeline.yaml", "term_months, type: integer, min: 6, max: 360", "term_months, type: integer, min: 6, max: 24", "ValidateSample", "term_months"},
		{"a leak", "pipeline.yaml", "  - {name: inquiries_6m,", "  - {name: arrears, type: boolean, missing_max: 0.9}\n  - {name: inquiries_6m,", "ValidateSample", "arrears"},
		{"more than the plan grants", "pipeline.yaml", "target_rate: 50", "target_rate: 1000000", "TestIntegration", "decisions/s"},
		{"a command that nobody allowed", "ci.yaml", "# commands:\n#   - {name", "commands:\n  - {name", "RunCommands", "LOANOPS_CI_COMMANDS"},
	} {
		t.Run(bad.what, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			r.change(t, "pipeline.yaml", "name: small-loans", "name: bad-loans")
			if bad.what == "a leak" {
				r.leak(t, "arrears")
			}
			r.change(t, bad.file, bad.old, bad.now)
			r.commit(t, bad.what)
			refused := shared.integrate(t, 3, r, "--ref", "main")
			require.Equal(t, "refused", refused.Verdict)
			require.Equal(t, bad.step, refused.FailedStep, refused.Reasons)
			require.Contains(t, strings.Join(refused.Reasons, "\n"), bad.says)
			require.Zero(t, refused.PipelineVersion)

			var at struct {
				FailedStep string `json:"failed_step"`
			}
			out, code := shared.run(t, "ci", "test", r.clone, "--output", "json")
			require.Equal(t, 3, code, "a developer sees it before the push: %s", out)
			require.NoError(t, json.Unmarshal(out, &at))
			require.Equal(t, bad.step, at.FailedStep)
		})
	}
}

// A worker that is killed while a commit is tested: the run goes on, and each commit is one version, whatever was killed.
func TestAnIntegrationSurvivesKills(t *testing.T) {
	t.Parallel()
	const pipeline = "killed-loans"
	p := newPlatform(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, p.Start("--no-run"))
	t.Cleanup(func() {
		if p.Running() {
			require.NoError(t, p.Stop())
		}
	})
	r := newRepository(t)
	r.change(t, "pipeline.yaml", "name: small-loans", "name: "+pipeline)
	r.change(t, "pipeline.yaml", "deploy:\n", "deploy:\n  contract: breaking # so that no version waits for the one before\n")
	left, commits := []string{"ValidateSample", "TestPredictions", "TestIntegration"}, 0
	for len(left) > 0 {
		require.Less(t, commits, 12, "steps that were never met: %v", left)
		r.change(t, "README.md", "#", "##") // another commit, so that nothing is taken from the cache
		r.commit(t, fmt.Sprintf("the commit %d", commits))
		commits++
		done := p.begin(t, "ci", "start", "--repo", r.clone, "--ref", "main", "--wait", "--output", "json")
		id := "integration-" + strings.ReplaceAll(r.clone, "/", ":") + "~main"
		eventually(t, "the integration", time.Minute, func() bool {
			x, err := p.Describe(id)
			return err == nil && (!x.Closed() || len(p.published(t, pipeline)) == commits)
		})
		left = p.killInSteps(t, id, left)
		var out integrated
		ended := done(t)
		require.Equal(t, 0, ended.Code, "%s", ended.Stdout)
		require.NoError(t, json.Unmarshal(ended.Stdout, &out))
		require.Equal(t, "published", out.Verdict)
		require.Len(t, p.published(t, pipeline), commits, "exactly one version of each commit")
	}
}
