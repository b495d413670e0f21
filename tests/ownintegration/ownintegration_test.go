package main

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bad commits can be made of the code as it is, and are Go as gofmt writes it: what refuses them is what they are about.
func TestTheCommitsCanBeMade(t *testing.T) {
	t.Parallel()
	for _, c := range commits {
		if c.file == "" {
			continue
		}
		code, err := os.ReadFile(filepath.Join("../..", c.file))
		require.NoError(t, err)
		changed, err := c.change(string(code))
		require.NoError(t, err)
		require.NotEqual(t, string(code), changed)
		formatted, err := format.Source([]byte(changed))
		require.NoError(t, err, c.name)
		require.Equal(t, string(formatted), changed, c.name)
		_, err = c.change(changed)
		require.Error(t, err, "what is not as it was is said: %s", c.name)
	}
}

// steps are how the steps with commands ended, in their order.
func steps(commands, replay, artifacts string) []step {
	said := func(status, text string) string {
		if status == "passed" {
			return text
		}
		return ""
	}
	return []step{
		{Name: "CheckSpec", Status: "passed"}, {Name: "RunCommands", Status: commands, Said: said(commands, "1 commands")},
		{Name: "ReplayHistories", Status: replay, Said: said(replay, "1 commands")}, {Name: "TestArtifacts", Status: artifacts, Said: said(artifacts, "7 components, 15 artifacts; 1 commands")},
	}
}

// Each row is wrong in one way.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	published := func() row {
		return row{result: result{Verdict: "published", PipelineVersion: 1, Package: "host/p@sha256:aa", Steps: steps("passed", "passed", "passed")}}
	}
	refused := func() row {
		reason := "command replay: ContinuousTraining-promoted.json: nondeterministic workflow: event CheckSplit, command CheckLeakage"
		return row{Code: 3, result: result{Verdict: "refused", FailedStep: "ReplayHistories", Reasons: []string{reason}, Steps: steps("passed", "refused", "passed")}}
	}
	for name, test := range map[string]struct {
		commit int
		row    row
		change func(*row)
		want   string
	}{
		"published":              {0, published(), func(*row) {}, ""},
		"refused":                {1, refused(), func(*row) {}, ""},
		"a good one is refused":  {0, refused(), func(r *row) { r.Steps = published().Steps; r.PipelineVersion = 1 }, `exit code 3, refused by "ReplayHistories"; 0, published by "" is wanted`},
		"the exit code":          {1, refused(), func(r *row) { r.Code = 1 }, "exit code 1"},
		"another step":           {1, refused(), func(r *row) { r.FailedStep = "RunCommands" }, `by "RunCommands"`},
		"nothing is published":   {0, published(), func(r *row) { r.PipelineVersion, r.Package = 0, "" }, "published as version 0"},
		"a bad one is published": {1, refused(), func(r *row) { r.PipelineVersion = 2 }, "published as version 2"},
		"commands that were not run": {0, published(), func(r *row) {
			r.Steps[1].Status, r.Steps[1].Said = "not_applicable", "the repository brings no commands"
		}, "RunCommands is not_applicable"},
		"components of the worker": {0, published(), func(r *row) { r.Steps[3].Said = "7 components, 15 artifacts" }, "TestArtifacts is passed (7 components, 15 artifacts); its commands must have been run"},
		"a step before fails too":  {1, refused(), func(r *row) { r.Steps[1].Status = "refused" }, "RunCommands is refused"},
		"of another commit":        {0, published(), func(r *row) { r.Steps[2].Cached = true }, "ReplayHistories was not done for this commit"},
		"no such step":             {0, published(), func(r *row) { r.Steps = r.Steps[:3] }, "there is no step TestArtifacts"},
		"an unreadable reason":     {1, refused(), func(r *row) { r.Reasons = []string{"command replay: ended with 1"} }, "no reason says"},
		"a long reason":            {1, refused(), func(r *row) { r.Reasons[0] += strings.Repeat("x", 600) }, "too long for a person"},
		"a reason of many lines":   {1, refused(), func(r *row) { r.Reasons[0] += "\nx" }, "too long for a person"},
		"all that was printed":     {1, refused(), func(r *row) { r.Reasons = append(r.Reasons, make([]string, 6)...) }, "too long for a person"},
	} {
		test.change(&test.row)
		wrong := commits[test.commit].wrong(test.row)
		if test.want == "" {
			require.Empty(t, wrong, name)
			continue
		}
		require.Len(t, wrong, 1, "%s: %v", name, wrong)
		require.Contains(t, wrong[0], test.want, name)
	}
}

// run runs a shell's line as ci.yaml does.
func run(t *testing.T, seed, line string) (printed string, code int, home string) {
	t.Helper()
	home = t.TempDir()
	c := exec.Command("sh", "run.sh", "sh", "-c", line)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + t.TempDir(), "GOCACHE_SEED=" + seed}
	out, _ := c.CombinedOutput()
	return string(out), c.ProcessState.ExitCode(), home
}

// A command ends as it does, and where it fails and says nothing of why, the lines by which Go says it are its reasons.
func TestACommandSaysWhyItFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line string
		code int
		want string
	}{
		"it passes":         {`echo "--- FAIL: TestA"`, 0, "--- FAIL: TestA\n"},
		"a test fails":      {`printf 'x\n--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\nFAIL\n'; exit 1`, 1, "x\n--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\nFAIL\nreason: --- FAIL: TestA (0.1s)\nreason: --- FAIL: TestA/b (0.1s)\n"},
		"it does not build": {`echo "a/b.go:1:2: undefined: x" >&2; exit 2`, 2, "a/b.go:1:2: undefined: x\nreason: a/b.go:1:2: undefined: x\n"},
		"vet complains":     {`echo "vet: a/b.go:1:2: unreachable code"; exit 1`, 1, "vet: a/b.go:1:2: unreachable code\nreason: vet: a/b.go:1:2: unreachable code\n"},
		"it has said why":   {`printf 'reason: because\n--- FAIL: TestA\n'; exit 1`, 1, "reason: because\n--- FAIL: TestA\n"},
		"it says nothing":   {`exit 7`, 7, ""},
	} {
		printed, code, _ := run(t, "", test.line)
		require.Equal(t, test.code, code, "%s: %s", name, printed)
		require.Equal(t, test.want, printed, name)
	}
}

// Go's cache begins as the seed, and what is added to it, or changed, is not the seed's.
func TestTheSeedIsOnlyRead(t *testing.T) {
	t.Parallel()
	seed := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(seed, "0a"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(seed, "0a", "0a1-d"), []byte("compiled"), 0o400))
	require.NoError(t, os.WriteFile(filepath.Join(seed, "trim.txt"), []byte("0"), 0o400))
	printed, code, home := run(t, seed, `cat "$GOCACHE/0a/0a1-d"; echo more > "$GOCACHE/0a/0a2-d"; rm "$GOCACHE/0a/0a1-d"`)
	require.Equal(t, 0, code, printed)
	require.Equal(t, "compiled", printed)
	added, err := os.ReadFile(filepath.Join(home, ".cache/go-build/0a/0a2-d"))
	require.NoError(t, err)
	require.Equal(t, "more\n", string(added))
	kept, err := os.ReadDir(filepath.Join(seed, "0a"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	tidied, err := os.ReadFile(filepath.Join(seed, "trim.txt"))
	require.NoError(t, err)
	require.Equal(t, "0", string(tidied))

	printed, code, _ = run(t, filepath.Join(seed, "absent"), "true")
	require.NotEqual(t, 0, code, "a seed that is named and is not there is no seed: %s", printed)
}
