package ci

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestReadWithoutConfig(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	require.Equal(t, "pipeline.yaml", r.PipelineFile)
	require.Equal(t, "small-loans", r.Spec.Name)
	require.Equal(t, smallSpec, string(r.YAML))
	require.Equal(t, []string{"sample/applications.csv"}, r.Sample)
	require.Empty(t, r.Data)
	require.Empty(t, r.Commands)
	require.Len(t, r.TestFiles, 1)
	require.Equal(t, "tests/features.yaml", r.TestFiles[0].Path)
}

// Everything lies elsewhere: a source's path is from the spec's folder, all else from the root.
func TestReadWithConfig(t *testing.T) {
	t.Parallel()
	r := read(t, treeOf(t,
		"ci.yaml", `
pipeline: loans/spec.yaml
sample: data
tests: [loans/*.yml, more]
commands:
  - {name: vet, run: [go, vet, ./...]}
  - {name: replay, run: [./replay], step: ReplayHistories, timeout: 90s, output: 64}
  - {name: components, run: [make, components], step: TestArtifacts}
`,
		"loans/spec.yaml", smallSpec, "loans/a.yml", smallTests, "more/b.yaml", smallTests, "more/.hidden", "", "data/2.csv", "", "data/1.csv", "", "data/_part", "", "data/deeper/3.csv", "",
	))
	require.Equal(t, "loans/spec.yaml", r.PipelineFile)
	require.Equal(t, []string{"data/1.csv", "data/2.csv"}, r.Sample)
	require.Equal(t, "data", r.Data)
	require.Equal(t, []Command{
		{Name: "vet", Run: []string{"go", "vet", "./..."}, Step: RunCommands, Timeout: 5 * time.Minute, Output: 1 << 20},
		{Name: "replay", Run: []string{"./replay"}, Step: ReplayHistories, Timeout: 90 * time.Second, Output: 64 << 10},
		{Name: "components", Run: []string{"make", "components"}, Step: TestArtifacts, Timeout: 5 * time.Minute, Output: 1 << 20},
	}, r.Commands)
	require.Len(t, r.TestFiles, 2)
	require.Equal(t, "loans/a.yml", r.TestFiles[0].Path)
	require.Equal(t, "more/b.yaml", r.TestFiles[1].Path)

	r = read(t, treeOf(t, "ci.yaml", "pipeline: loans/spec.yaml\ntests: []\n", "loans/spec.yaml", smallSpec, "loans/sample/applications.csv", ""))
	require.Equal(t, []string{"loans/sample/applications.csv"}, r.Sample)
	require.Empty(t, r.TestFiles)
}

// A source whose rows lie elsewhere needs no file; a simulated one neither.
func TestSourcesWithoutFiles(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"{uri: s3://bucket/applications/}", "{postgres: {connection: bank, table: t, order_by: id}}", "{simulate: {rows: 100, seed: 1, from: 2024-01-01, to: 2025-01-01}}"} {
		r := read(t, treeOf(t, "pipeline.yaml", strings.Replace(smallSpec, "{uri: sample/applications.csv}", source, 1)))
		require.Empty(t, r.Sample, source)
	}
}

// Mistakes with where they stand, by hand.
func TestMistakesOfRepositories(t *testing.T) {
	t.Parallel()
	spec := func(old, replacement string) string { return strings.Replace(smallSpec, old, replacement, 1) }
	config := func(text string) []string {
		return []string{"ci.yaml", text, "pipeline.yaml", smallSpec, "sample/applications.csv", ""}
	}
	for name, test := range map[string]struct {
		files []string
		says  string
	}{
		"nothing":       {[]string{"README.md", ""}, "there is no pipeline.yaml; a repository's spec is called so, or ci.yaml names it: pipeline: FILE"},
		"unknown key":   {config("pipeline: pipeline.yaml\nsampel: x\n"), `ci.yaml:2:1: unknown key "sampel" in ci.yaml; did you mean "sample"?`},
		"unknown step":  {config("commands:\n  - {name: a, run: [b], step: Package}\n"), `ci.yaml:2:31: step is "Package"; RunCommands, ReplayHistories or TestArtifacts is wanted`},
		"another test":  {config("commands:\n  - {name: a, run: [b], step: TestFeatures}\n"), `ci.yaml:2:31: step is "TestFeatures"; RunCommands, ReplayHistories or TestArtifacts is wanted`},
		"wrong type":    {config("tests: 3\n"), "ci.yaml:1:8: tests is a whole number; a list is wanted"},
		"twice":         {config("tests: []\ntests: []\n"), "ci.yaml:2:"},
		"two documents": {config("tests: []\n---\ntests: []\n"), "ci.yaml:1:1: 2 YAML documents; the file of ci.yaml holds exactly one"},
		"no pipeline":   {config("tests: []\npipeline: other.yaml\n"), `ci.yaml:2:11: there is no "other.yaml"; the path of the pipeline's spec is wanted, from the root of the repository`},
		"no sample":     {config("sample: data/x.csv\n"), `ci.yaml:1:9: there is no "data/x.csv"; a file, a folder or a pattern of the repository is wanted`},
		"empty sample":  {config("sample: \"\"\n"), `ci.yaml:1:9: there is no ""; a file`},
		"sample out":    {config("sample: ../x.csv\n"), `ci.yaml:1:9: there is no "../x.csv"`},
		"no tests":      {config("tests: [tests/*.yaml]\n"), `ci.yaml:1:9: there is no "tests/*.yaml"; files with feature tests are wanted, or an empty list for none`},
		"command's name": {config("commands:\n  - {name: A b, run: [x]}\n"),
			`ci.yaml:2:12: name is "A b"; 1 to 40 lower-case letters, digits, dashes and underscores are wanted`},
		"one name twice": {config("commands:\n  - {name: a, run: [x]}\n  - {name: a, run: [y]}\n"), `ci.yaml:3:12: name "a" stands twice`},
		"empty command":  {config("commands:\n  - {name: a, run: []}\n"), "ci.yaml:2:20: run is no command; a list of a program and its arguments is wanted, such as [go, vet, ./...]"},
		"no command":     {config("commands:\n  - {name: a, run: [\"\"]}\n"), "run is no command"},
		"a shell's line": {config("commands:\n  - {name: a, run: go vet}\n"), "ci.yaml:2:20: commands[0].run is a text; a list is wanted"},
		"timeout":        {config("commands:\n  - {name: a, run: [x], timeout: 2h}\n"), `ci.yaml:2:34: timeout is "2h"; 1s to 1h is wanted, such as 90s or 10m`},
		"no timeout":     {config("commands:\n  - {name: a, run: [x], timeout: soon}\n"), `timeout is "soon"`},
		"short timeout":  {config("commands:\n  - {name: a, run: [x], timeout: 1ms}\n"), `timeout is "1ms"`},
		"output":         {config("commands:\n  - {name: a, run: [x], output: 20000}\n"), "ci.yaml:2:33: output is 20000; 1 to 16384 KiB are wanted"},
		"no output":      {config("commands:\n  - {name: a, run: [x], output: 0}\n"), "output is 0"},
		"too long together": {config("commands:\n" + strings.Repeat("  - {name: a, run: [x], timeout: 1h}\n", 2)),
			"ci.yaml:3:34: the commands of RunCommands may take 2h0m0s together; 1h40m0s at most is wanted in one step"},
		"too long with the default": {config("commands:\n  - {name: a, run: [x], timeout: 59m}\n  - {name: b, run: [x], timeout: 37m}\n  - {name: c, run: [x]}\n"),
			"ci.yaml:4:5: the commands of RunCommands may take 1h41m0s together"},
		"too much output together": {config("commands:\n" + strings.Repeat("  - {name: a, run: [x], output: 16384}\n", 3)),
			"ci.yaml:4:33: the commands of RunCommands may keep 49152 KiB of output together; 32768 KiB at most are wanted in one step"},
		"too much output with the default": {config("commands:\n" + strings.Repeat("  - {name: a, run: [x], output: 16384}\n", 2) + "  - {name: c, run: [x]}\n"),
			"ci.yaml:4:5: the commands of RunCommands may keep 33792 KiB of output together"},
		"many commands": {config("commands:\n" + strings.Repeat("  - {name: a, run: [x]}\n", 21)), "21 commands; at most 20 are run"},
		"spec":          {[]string{"pipeline.yaml", spec("entity: id", "entiti: id")}, `pipeline.yaml:5:1: unknown key "entiti" in the spec; did you mean "entity"?`},
		"source's file": {[]string{"pipeline.yaml", smallSpec}, `pipeline.yaml:3:15: there is no "sample/applications.csv" in the repository; commit a sample there, or name another in ci.yaml: sample: FILE`},
		"a source elsewhere": {[]string{"pipeline.yaml", spec("sample/applications.csv", "/data/applications.csv")},
			`pipeline.yaml:3:15: "/data/applications.csv" leads out of the repository; commit a sample`},
		"a source above": {[]string{"pipeline.yaml", spec("uri: sample/applications.csv", "csv: {uri: ../applications.csv}")}, `pipeline.yaml:3:21: "../applications.csv" leads out of the repository`},
		"a joined file": {[]string{"pipeline.yaml", spec("{uri: sample/applications.csv}", "\n  uri: a.csv\n  join: [{uri: b.csv, on: id}]"), "a.csv", ""},
			`pipeline.yaml:5:16: there is no "b.csv" in the repository`},
		"outcomes": {[]string{"pipeline.yaml", spec("label:", "outcomes: {uri: o.csv, known_at: day}\nlabel:"), "sample/applications.csv", ""},
			`pipeline.yaml:4:17: there is no "o.csv" in the repository`},
		"two kinds of mistakes": {[]string{"pipeline.yaml", smallSpec, "tests/a.yaml", "- {nam: x}\n"}, "FILE\ntests/a.yaml:1:4: unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(treeOf(t, test.files...), Over{Keep: kept})
			require.ErrorContains(t, err, test.says)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
		})
	}
}

// As many commands as there may be have time and room enough without a word about it; a step's time, and its log, is its own.
func TestTheTimeAndOutputOfCommands(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 20 {
		fmt.Fprintf(&many, "  - {name: c%d, run: [x]}\n", i)
	}
	for name, list := range map[string]string{
		"the most, by default": many.String(),
		"all that a step has":  "  - {name: a, run: [x], timeout: 1h}\n  - {name: b, run: [x], timeout: 40m}\n",
		"all that is kept":     "  - {name: a, run: [x], output: 16384}\n  - {name: b, run: [x], output: 16384}\n  - {name: c, run: [x], output: 16384, step: TestArtifacts}\n",
		"each in its own step": "  - {name: a, run: [x], timeout: 1h}\n  - {name: b, run: [x], timeout: 1h, step: ReplayHistories}\n  - {name: c, run: [x], timeout: 1h, step: TestArtifacts}\n",
	} {
		r, err := Read(treeOf(t, "ci.yaml", "commands:\n"+list, "pipeline.yaml", smallSpec, "sample/applications.csv", ""), Over{Keep: kept})
		require.NoError(t, err, name)
		together, output := map[Step]time.Duration{}, map[Step]int64{}
		for _, c := range r.Commands {
			together[c.Step] += c.Timeout
			require.LessOrEqual(t, together[c.Step], CommandTime, name)
			output[c.Step] += c.Output
			require.LessOrEqual(t, output[c.Step], int64(CommandOutput), name)
		}
	}
}

// What Read sees is data of strangers.
func FuzzRead(f *testing.F) {
	f.Add("tests: []\ncommands: [{name: a, run: [b]}]\n", smallSpec, smallTests)
	f.Add("sample: ../..\n", "name: 1", "- {name: a, row: {home: [1]}, expect: {home: {clean: null}}}")
	f.Add("", "", "-")
	f.Fuzz(func(t *testing.T, config, spec, tests string) {
		tree := treeOf(t, "ci.yaml", config, "pipeline.yaml", spec, "tests/a.yaml", tests, "sample/applications.csv", "")
		if r, err := Read(tree, Over{Keep: kept}); err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.Equal(t, Refused, checked(t, tree, nil).Status)
		} else {
			d := decider(t, r.Spec)
			CheckFeatures(r, d.Model.Encoder, d.Model.Contract)
		}
	})
}
