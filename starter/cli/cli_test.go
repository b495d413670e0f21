package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// run runs the command without a platform.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader(""), &out, &errOut)
	return out.String(), errOut.String(), code
}

// The wanted codes are those of the command's own help.
func TestExitCodesAndMessages(t *testing.T) {
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, ""},
		{[]string{"fly"}, 2, `unknown command "fly"`},
		{[]string{"models", "fly"}, 2, `unknown command "fly"; see ` + "`loanops models --help`"},
		{[]string{"models", "list", "--colour"}, 2, "unknown flag: --colour; see `loanops models list --help`"},
		{[]string{"models", "list", "--output", "xml"}, 2, `--output is "xml"; text or json is wanted`},
		{[]string{"models", "show"}, 2, "0 arguments; `loanops models show MODEL"},
		{[]string{"rollback", "loan-eligibility"}, 2, `required flag(s) "reason" not set`},
		{[]string{"models", "list", "--state", empty}, 5, "no platform runs on " + empty},
		{[]string{"cd", "start", "x", "--drill", "meteor", "--state", empty}, 2, `drill "meteor"`},
		{[]string{"simulate", "--rows", "0"}, 2, "--rows from 1 to 10000000"},
		{[]string{"simulate", "--from", "soon"}, 2, `--from is "soon"; a day such as 2026-06-30 is wanted`},
		{[]string{"simulate", "--rows", "1", "--out", "a.txt"}, 2, `--out is "a.txt"`},
		{[]string{"pipelines", "validate", filepath.Join(empty, "none.yaml")}, 5, "there is no such file"},
		{[]string{"up", "--pipeline", filepath.Join(empty, "none.yaml"), "--state", empty}, 5, "there is no such file"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			_, stderr, code := run(t, test.args...)
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stderr, test.says)
		})
	}
}

func TestVerdictsHaveTheirExitCodes(t *testing.T) {
	for verdict, want := range map[workflows.Verdict]int{
		workflows.Promoted: 0, workflows.Bootstrapped: 0, workflows.Registered: 0, workflows.Nothing: 0, workflows.Restored: 0,
		workflows.Refused: 3, workflows.Rejected: 3, workflows.Aborted: 4, workflows.RolledBack: 4, "": 1,
	} {
		require.Equal(t, want, verdictError{verdict}.code(), verdict)
	}
}

func TestAnInterruptedCommandSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errOut bytes.Buffer
	code := Run(ctx, []string{"models", "list", "--state", t.TempDir()}, nil, io.Discard, &errOut)
	require.Equal(t, 130, code)
	require.Equal(t, "interrupted\n", errOut.String())
}

// A command without an example is hard to learn; a JSON result shares its stream with nothing.
func TestEveryCommandHasAnExampleThatNamesIt(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Name() != "help" && c.Name() != "completion" {
			require.Contains(t, c.Example, c.CommandPath(), c.CommandPath())
			require.NotEmpty(t, c.Short)
			for _, child := range c.Commands() {
				visit(child)
			}
		}
	}
	visit((&app{}).root())
}

func TestResultForPeopleAndForPrograms(t *testing.T) {
	r := workflows.Result{Verdict: workflows.Refused, Reasons: []string{"auc is too low"}, Model: workflows.ModelRef{Name: "loans", Version: 3}}
	var out bytes.Buffer
	a := &app{out: &out, output: "text"}
	require.Equal(t, verdictError{workflows.Refused}, a.result(r))
	require.Equal(t, "refused: loans version 3\n  auc is too low\n", out.String())

	out.Reset()
	require.Error(t, a.result(workflows.Result{Verdict: workflows.Refused, Reasons: r.Reasons}))
	require.Equal(t, "refused: no version\n  auc is too low\n", out.String())

	out.Reset()
	require.NoError(t, a.result(workflows.Result{Verdict: workflows.Nothing, Reasons: []string{"nothing is new"}, Materialized: &workflows.Materialized{View: "payments@2"}}))
	require.Equal(t, "nothing: view payments@2\n  nothing is new\n", out.String())

	out.Reset()
	a.output = "json"
	require.Error(t, a.result(r))
	var back workflows.Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	require.Equal(t, r, back)
}

// A program gets every artifact by its role, although one reference crossed Temporal.
func TestTheArtifactsOfAManifestAreListed(t *testing.T) {
	s3test.Start(t)
	state := t.TempDir()
	everything := "LOANOPS_DATABASE=unused\nLOANOPS_AGENT=unused\nLOANOPS_GATEWAY=unused\nLOANOPS_ROLLBACK_TOKEN_FILE=unused\nLOANOPS_BUCKET=loanops\nLOANOPS_WORK_DIR=" + t.TempDir() + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(state, settings.PlatformEnv), []byte(everything), 0o600))
	s, err := settings.FromState(state)
	require.NoError(t, err)
	store, err := objects(t.Context(), s)
	require.NoError(t, err)
	bundle := artifact.Ref{URI: "s3://loanops/m", SHA256: "mm"}
	data, err := json.Marshal(map[string]artifact.Ref{artifact.Bundle: bundle})
	require.NoError(t, err)
	manifest, err := store.Put(t.Context(), data, "application/json", "json")
	require.NoError(t, err)

	var said bytes.Buffer
	a := &app{state: state, output: "json", err: &said}
	r := workflows.Result{Artifacts: map[string]artifact.Ref{artifact.Manifest: manifest}}
	a.expand(t.Context(), &r)
	require.Empty(t, said.String())
	require.Equal(t, map[string]artifact.Ref{artifact.Manifest: manifest, artifact.Bundle: bundle}, r.Artifacts)

	nothing := workflows.Result{}
	a.expand(t.Context(), &nothing)
	require.Empty(t, nothing.Artifacts, "a run that made nothing")
	manifest.URI += ".lost"
	manifest.SHA256 = strings.Repeat("0", 64)
	lost := workflows.Result{Artifacts: map[string]artifact.Ref{artifact.Manifest: manifest}}
	a.expand(t.Context(), &lost)
	require.Len(t, lost.Artifacts, 1, "the run ended as it ended")
	require.Contains(t, said.String(), "the run's artifacts cannot be listed: s3://loanops/")
}

func TestTableAlignsItsColumns(t *testing.T) {
	var out bytes.Buffer
	(&app{out: &out}).table([][]string{{"MODEL", "VERSION"}, {"loan-eligibility", "2"}})
	require.Equal(t, "MODEL             VERSION\nloan-eligibility  2\n", out.String())
}

func TestSimulateWritesTheSameRowsAgain(t *testing.T) {
	dir := t.TempDir()
	var files [3][]byte
	for i, args := range [][]string{{"a.csv"}, {"b.csv"}, {"c.csv", "--shuffle-labels"}} {
		file := filepath.Join(dir, args[0])
		stdout, stderr, code := run(t, append([]string{"simulate", "--rows", "500", "--output", "json", "--out", file}, args[1:]...)...)
		require.Equal(t, 0, code, stderr)
		var written struct{ Rows int }
		require.NoError(t, json.Unmarshal([]byte(stdout), &written))
		require.Equal(t, 500, written.Rows)
		var err error
		files[i], err = os.ReadFile(file)
		require.NoError(t, err)
	}
	require.Equal(t, files[0], files[1])
	require.NotEqual(t, files[0], files[2])
	require.Equal(t, bytes.Count(files[0], []byte(",1\n")), bytes.Count(files[2], []byte(",1\n")), "labels are dealt out anew, not invented")
}

func TestKeyOfAnInstitution(t *testing.T) {
	dir := t.TempDir()
	a := &app{state: dir}
	_, err := a.key("")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.json"), []byte(`{"b-bank":"k2","a-union":"k1"}`), 0o600))
	for institution, want := range map[string]string{"": "k1", "b-bank": "k2"} {
		key, err := a.key(institution)
		require.NoError(t, err)
		require.Equal(t, want, key)
	}
	_, err = a.key("c")
	require.EqualError(t, err, `there is no institution "c"; there are [a-union b-bank]`)
}

func TestWorkflowFaultKeepsTheMessage(t *testing.T) {
	plain := fmt.Errorf("plain")
	require.Equal(t, plain, workflowFault(plain))
	require.NoError(t, workflowFault(nil))
}
