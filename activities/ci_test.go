package activities

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// example is the shipped repository, with texts replaced in its files.
func example(t *testing.T, changes ...[3]string) *ci.Tree {
	t.Helper()
	shipped, err := ci.ReadFolder("../examples/pipeline-repo")
	require.NoError(t, err)
	changed := &ci.Tree{}
	for _, path := range shipped.Paths() {
		file, _ := shipped.File(path)
		for _, change := range changes {
			if change[0] == path {
				require.Contains(t, string(file.Data), change[1])
				file.Data = []byte(strings.Replace(string(file.Data), change[1], change[2], 1))
			}
		}
		require.NoError(t, changed.Add(path, file))
	}
	return changed
}

// integrations tests commits on a bench.
type integrations struct {
	*bench
	of   Integration
	made map[string]artifact.Ref
}

func newIntegrations(t *testing.T) *integrations {
	t.Helper()
	b := newBench(t)
	cache := b.stages.Training.Cache
	return &integrations{bench: b, made: map[string]artifact.Ref{}, of: Integration{
		Cache: cache, Desk: Desk{Cache: cache, Warehouse: b.tables, Folder: t.TempDir(), Page: b.stages.Checking.Page},
		Training: b.stages.Training, Evaluation: b.stages.Evaluation,
	}}
}

func (i *integrations) put(t *testing.T, tree *ci.Tree) artifact.Ref {
	t.Helper()
	ref, err := PutTree(t.Context(), i.objects, tree)
	require.NoError(t, err)
	return ref
}

// take takes a test over a tree, with what those before it made.
func (i *integrations) take(t *testing.T, tree artifact.Ref, step ci.Step, test func(context.Context, TestInput) (TestOutput, error)) TestOutput {
	t.Helper()
	out, err := test(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Made: ReadsOf(step, i.made)})
	require.NoError(t, err)
	require.Equal(t, step, out.Step)
	maps.Copy(i.made, out.Made)
	return out
}

// The example passes every test that needs no predictor. Once more it is not tested, and the log is of this very commit.
func TestTheExamplePasses(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	tree := i.put(t, example(t))
	tests := []struct {
		step ci.Step
		test func(context.Context, TestInput) (TestOutput, error)
		want ci.Status
	}{
		{ci.CheckSpec, i.of.CheckSpec, ci.Passed},
		{ci.RunCommands, i.of.RunCommands, ci.NotApplicable},
		{ci.ReplayHistories, i.of.ReplayHistories, ci.NotApplicable},
		{ci.ValidateSample, i.of.ValidateSample, ci.Passed},
		{ci.TestArtifacts, i.of.TestArtifacts, ci.Passed},
		{ci.TestFeatures, i.of.TestFeatures, ci.Passed},
		{ci.TestPredictions, i.of.TestPredictions, ci.Passed},
		{ci.TestQuality, i.of.TestQuality, ci.Passed},
	}
	for _, test := range tests {
		out := i.take(t, tree, test.step, test.test)
		require.Equal(t, test.want, out.Status, "%s: %v", test.step, out.Reasons)
		require.False(t, out.Cached)
		again := i.take(t, tree, test.step, test.test)
		require.True(t, again.Cached, test.step)
		require.Equal(t, out.Log, again.Log)
		require.Contains(t, string(i.objects.bytes[out.Log.SHA256]), tree.SHA256, "a log says whose it is")
	}
	other := i.put(t, example(t, [3]string{"README.md", "#", "##"}))
	for _, test := range tests {
		out := i.take(t, other, test.step, test.test)
		require.Equal(t, test.want, out.Status)
		require.False(t, out.Cached, "another commit is tested, whatever it changes")
		log := string(i.objects.bytes[out.Log.SHA256])
		require.Contains(t, log, other.SHA256)
		require.NotContains(t, log, tree.SHA256, "the log is not that of another run")
	}
}

// A sample is read as it was known on the day of the commit, or on that which the spec names: the same commit is the same on any day.
func TestASampleIsOfTheCommitsDay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ says, commit, want string }{
		{"2026-06-30", "2026-07-01", "2026-06-30"},
		{"", "2026-07-01", "2026-07-01"},
	} {
		var known pipeline.Source
		known.URI = "sample.csv"
		if test.says != "" {
			day, err := day("known_at", test.says)
			require.NoError(t, err)
			known.KnownAt = &pipeline.Date{Time: day}
		}
		got, err := knownInSample(known, test.commit)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
}

// A component that forgets an artifact, writes it as something else, or makes one that nobody declared; artifacts that are not what they say.
func TestComponentsAreHeldAgainstWhatTheyDeclare(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	tree := i.put(t, example(t))
	require.Equal(t, ci.Passed, i.take(t, tree, ci.ValidateSample, i.of.ValidateSample).Status)
	require.Equal(t, ci.Passed, i.take(t, tree, ci.TestArtifacts, i.of.TestArtifacts).Status)
	hold := func(change func(map[string]artifact.Ref)) ci.Report {
		made := maps.Clone(i.made)
		change(made)
		report, err := holdComponents(t.Context(), i.objects, made)
		require.NoError(t, err)
		return report
	}
	require.Equal(t, ci.Passed, hold(func(map[string]artifact.Ref) {}).Status)
	for _, c := range components {
		for role := range c.makes {
			report := hold(func(made map[string]artifact.Ref) { delete(made, role) })
			require.Equal(t, ci.Refused, report.Status)
			require.Contains(t, report.Reasons, c.name+" declares the artifact "+role+" and made none")

			report = hold(func(made map[string]artifact.Ref) {
				ref := made[role]
				ref.MediaType = "text/csv"
				made[role] = ref
			})
			require.Contains(t, strings.Join(report.Reasons, "\n"), c.name+" made "+role+" as text/csv")

			report = hold(func(made map[string]artifact.Ref) {
				made[role] = i.objects.At(strings.Repeat("0", 64), 1, c.makes[role], "x")
			})
			require.Contains(t, strings.Join(report.Reasons, "\n"), role+" that is not in the store")
		}
	}
	require.Contains(t, hold(func(made map[string]artifact.Ref) { made["notes"] = made[artifact.Facts] }).Reasons, "artifact notes is made by a component that does not declare it")
	for role, want := range map[string]string{
		artifact.Train:  "the dataset has", // more rows than there were
		artifact.Bundle: "the model does not give golden row 1 the probability that it has",
	} {
		report := hold(func(made map[string]artifact.Ref) {
			switch role {
			case artifact.Train:
				made[artifact.Train], made[artifact.Validation] = made[artifact.Dataset], made[artifact.Dataset]
			case artifact.Bundle:
				m, err := getModel(t.Context(), i.objects, made[artifact.Bundle])
				require.NoError(t, err)
				m.Intercept += 0.1
				bundle, err := m.Encode()
				require.NoError(t, err)
				made[artifact.Bundle], err = i.objects.Put(t.Context(), bundle, bundleType, "model")
				require.NoError(t, err)
			}
		})
		require.Contains(t, strings.Join(report.Reasons, "\n"), want)
	}
}

// Commands are run where the settings allow them and the commit is the repository's own; one that may not be run is a refusal, never a pass.
func TestCommandsThatMayNotBeRun(t *testing.T) {
	t.Parallel()
	command := [3]string{"ci.yaml", "# commands:\n#   - {name", "commands:\n  - {name"}
	ran := 0
	allowed := func(context.Context, *ci.Tree, ci.Command) ([]string, string, error) {
		ran++
		return []string{"fine"}, "", nil
	}
	for name, test := range map[string]struct {
		commands Commands
		stranger bool
		want     ci.Status
		says     string
	}{
		"nobody allowed it": {nil, false, ci.Refused, "LOANOPS_CI_COMMANDS"},
		"of a fork":         {allowed, true, ci.Refused, "fork"},
		"allowed":           {allowed, false, ci.Passed, ""},
		"one that fails": {func(context.Context, *ci.Tree, ci.Command) ([]string, string, error) {
			return []string{"no"}, "ended with 1", nil
		}, false, ci.Refused, "ended with 1"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntegrations(t)
			i.of.Commands = test.commands
			out, err := i.of.RunCommands(t.Context(), TestInput{Tree: i.put(t, example(t, command)), KnownAt: "2026-07-01", Stranger: test.stranger})
			require.NoError(t, err)
			require.Equal(t, test.want, out.Status)
			require.Contains(t, strings.Join(out.Reasons, "\n"), test.says)
		})
	}
	require.Equal(t, 1, ran)
}

// The same commit gives the same package wherever it is made; another commit, or another outcome, another one. What is registered is one version, whose
// spec names the store.
func TestAPackageIsAFunctionOfTheCommit(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	tree := i.put(t, example(t))
	images := imagetest.Serve(t, true).Registry
	publication := Publication{Registry: i.registry, Objects: i.objects, Images: images, Predictor: predictorImage, Register: registerOnly}
	in := PackageInput{Tree: tree, Commit: strings.Repeat("c0", 20), Steps: []StepOutcome{{Name: ci.CheckSpec, Status: ci.Passed}}}
	packaged, err := publication.Package(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "small-loans", packaged.Pipeline)

	elsewhere := newIntegrations(t)
	other := publication
	other.Objects = elsewhere.objects
	in.Tree = elsewhere.put(t, example(t))
	same, err := other.Package(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, packaged, same)
	in.Tree = tree
	for name, change := range map[string]func(*PackageInput, *Publication){
		"commit": func(in *PackageInput, _ *Publication) { in.Commit = strings.Repeat("d0", 20) },
		"outcome": func(in *PackageInput, _ *Publication) {
			in.Steps = []StepOutcome{{Name: ci.CheckSpec, Status: ci.NotApplicable}}
		},
		"predictor": func(_ *PackageInput, p *Publication) { p.Predictor = "loanops-api@sha256:" + strings.Repeat("1d", 32) },
	} {
		changed, by := in, publication
		change(&changed, &by)
		another, err := by.Package(t.Context(), changed)
		require.NoError(t, err)
		require.NotEqual(t, packaged.Package, another.Package, name)
		_, err = by.Publish(t.Context(), PublishInput{PackageInput: changed, Package: packaged.Package})
		require.Equal(t, fault.Conflict, fault.CodeOf(err), "what is published is what was packaged: %s", name)
	}

	published, err := publication.Publish(t.Context(), PublishInput{PackageInput: in, Package: packaged.Package})
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(published.Reference, "/"+packaged.Package), published.Reference)
	at, err := reference.Parse(packaged.Package)
	require.NoError(t, err)
	pulled, err := images.Pull(t.Context(), at)
	require.NoError(t, err)
	files, from, err := image.ReadPipeline(pulled, at.Digest)
	require.NoError(t, err)
	require.Equal(t, in.Commit, from.Commit)
	require.Equal(t, map[string]string{"predictor": predictorImage}, from.Images)
	for _, name := range []string{"pipeline.yaml", "schema.json", "tests/features.yaml", "terraform/main.tf"} {
		require.Contains(t, files, name)
	}

	register := RegisterPipelineInput{Tree: tree, Commit: in.Commit, Package: packaged.Package, RunID: "run"}
	first, err := publication.RegisterVersion(t.Context(), register)
	require.NoError(t, err)
	require.Equal(t, RegisterPipelineOutput{Pipeline: "small-loans", Version: 1, Created: true}, first)
	again, err := publication.RegisterVersion(t.Context(), register)
	require.NoError(t, err)
	require.Equal(t, RegisterPipelineOutput{Pipeline: "small-loans", Version: 1}, again, "exactly one version")
	spec, err := i.registry.Pipeline(t.Context(), "small-loans")
	require.NoError(t, err)
	require.Contains(t, string(spec.YAML), `uri: "s3://test/`, "a schedule's training finds the sample")
}

// Whoever can push to one repository cannot replace another's pipeline, or one that a person registered.
func TestAPipelineIsOfItsRepository(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	publication := Publication{Registry: i.registry, Objects: i.objects, Predictor: predictorImage, Register: registerOnly}
	nth := 0
	register := func(name, repository string) error {
		nth++
		_, err := publication.RegisterVersion(t.Context(), RegisterPipelineInput{
			Tree: i.put(t, example(t, [3]string{"pipeline.yaml", "name: small-loans", "name: " + name})), Commit: "c", RunID: "r", Repository: repository,
			Package: fmt.Sprintf("pipelines/%s@sha256:%064d", name, nth),
		})
		return err
	}
	require.NoError(t, register("ours", "loans"))
	require.NoError(t, register("ours", "loans"))
	require.Equal(t, fault.Refused, fault.CodeOf(register("ours", "cards")))
	require.Equal(t, fault.Refused, fault.CodeOf(register(product, "cards")), "it was registered by a person")
	require.NoError(t, register("ours", ""), "a person hands it over")
	require.NoError(t, register("ours", "cards"))
	require.Equal(t, fault.Refused, fault.CodeOf(register("ours", "loans")))
}

// Tests read the commit's own files: neither a database nor the store, with whatever rights the worker has, and whoever wrote the commit.
func TestTestsReadNothingButTheRepository(t *testing.T) {
	t.Parallel()
	for name, join := range map[string]string{
		"a database": "{postgres: {connection: core, query: \"select 1 as application_id\", order_by: application_id}, kind: left, on: [application_id]}",
		"the store":  "{uri: \"s3://loanops/other.csv\", kind: left, on: [application_id]}",
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntegrations(t)
			i.of.Desk.Connection = func(string) (string, error) {
				t.Error("a connection was asked for")
				return "", nil
			}
			tree := i.put(t, example(t, [3]string{"pipeline.yaml", "  known_at: 2026-06-30", "  join:\n    - " + join + "\n  known_at: 2026-06-30"}))
			out, err := i.of.ValidateSample(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Made: map[string]artifact.Ref{}})
			require.NoError(t, err)
			require.Equal(t, ci.Refused, out.Status)
			require.Contains(t, strings.Join(out.Reasons, "\n"), "tests read the files of the repository and nothing else")
		})
	}
}

// What is refused today, for the settings say so or the machine was busy, is tested anew tomorrow; a pass is of the image that was tried.
func TestRefusalsAreNotKept(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	tree := i.put(t, example(t, [3]string{"ci.yaml", "# commands:\n#   - {name", "commands:\n  - {name"}))
	in := TestInput{Tree: tree, KnownAt: "2026-07-01"}
	refused, err := i.of.RunCommands(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, ci.Refused, refused.Status)
	i.of.Commands = func(context.Context, *ci.Tree, ci.Command) ([]string, string, error) { return nil, "", nil }
	passed, err := i.of.RunCommands(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, ci.Passed, passed.Status)

	i.take(t, tree, ci.ValidateSample, i.of.ValidateSample)
	i.take(t, tree, ci.TestArtifacts, i.of.TestArtifacts)
	var tried []string
	i.of.Predictor = Predictor{Image: "a", Program: func(_ context.Context, image string) (string, []string, error) {
		tried = append(tried, image)
		return "", nil, fault.New(fault.Unavailable, "no registry")
	}}
	for _, image := range []string{"a", "b"} {
		i.of.Predictor.Image = image
		_, err = i.of.TestIntegration(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Made: ReadsOf(ci.TestIntegration, i.made)})
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), "what the platform lacks refuses no commit")
	}
	require.Equal(t, []string{"a", "b"}, tried)
}

// A source that is not in the repository, with a sample beside it, is published as it is; a pattern of its files is not.
func TestASpecThatCannotBePublishedIsRefusedBefore(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	source := [3]string{"pipeline.yaml", "  uri: sample/applications.csv", "  uri: /data/loans.csv"}
	sample := [3]string{"ci.yaml", "# sample: sample/applications.csv", "sample: sample/applications.csv"}
	out := i.take(t, i.put(t, example(t, source, sample)), ci.CheckSpec, i.of.CheckSpec)
	require.Equal(t, ci.Passed, out.Status, "%v", out.Reasons)
	out = i.take(t, i.put(t, example(t, [3]string{"pipeline.yaml", "  uri: sample/applications.csv", "  uri: nothing/here.csv"}, sample)), ci.CheckSpec, i.of.CheckSpec)
	require.Equal(t, ci.Refused, out.Status)
	require.Contains(t, strings.Join(out.Reasons, "\n"), "nothing/here.csv")
}

// gitRepository is a folder with the example in it, as one commit on main and one on a branch.
func gitRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../examples/pipeline-repo")))
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"}, {"commit", "--quiet", "--message", "first"}, {"checkout", "--quiet", "-b", "feature"},
		{"commit", "--quiet", "--allow-empty", "--message", "second"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@bank.example", "GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@bank.example",
			"GIT_AUTHOR_DATE=2026-07-01T12:00:00Z", "GIT_COMMITTER_DATE=2026-07-01T12:00:00Z")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return dir
}

// Whoever starts a run reads repositories where the operator allows it, or by a name of the settings, and nowhere else.
func TestCommitsAreFetchedWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	dir := gitRepository(t)
	store := newObjects(t)
	commits := Commits{Objects: store, Folder: t.TempDir(), Known: func(name string) (forge.Repository, bool, error) {
		return forge.Repository{Name: name, Kind: forge.Bare, URL: dir, Branch: "feature"}, name == "loans", nil
	}}
	_, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Ref: "main"})
	require.Error(t, err, "no folder is allowed")
	_, err = commits.Fetch(t.Context(), CommitInput{Repository: "cards", Ref: "main"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_REPOSITORY_<NAME>_URL")

	named, err := commits.Fetch(t.Context(), CommitInput{Repository: "loans"})
	require.NoError(t, err)
	require.Equal(t, "second", named.Subject, "the repository's branch")
	require.Equal(t, "loans", named.Known)

	commits.Places, err = source.NewPlaces([]string{filepath.Dir(dir)})
	require.NoError(t, err)
	alone, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Ref: "main"})
	require.NoError(t, err)
	require.Equal(t, "2026-07-01", alone.Day)
	require.Equal(t, "small-loans", alone.Pipeline)
	require.Empty(t, alone.Known, "a path of a machine is nobody else's business")
	merged, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Ref: "feature", Against: "main"})
	require.NoError(t, err)
	require.Equal(t, alone.Commit, merged.Merged)
	require.NotEqual(t, alone.Commit, merged.Commit)

	require.False(t, named.Other)
	other, err := commits.Fetch(t.Context(), CommitInput{Repository: "loans", Ref: "refs/heads/main"})
	require.NoError(t, err)
	require.True(t, other.Other, "what is not the repository's own branch is only tested")

	forged := alone
	forged.Known, forged.Pipeline = "loans", ""
	again, err := commits.Fetch(t.Context(), CommitInput{Packed: &forged})
	require.NoError(t, err)
	require.Equal(t, alone, again, "what a person packed is told in no repository's name, and is of the pipeline that its files say")
	_, err = commits.Fetch(t.Context(), CommitInput{Packed: &merged})
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "a merged tree is no commit of its own")
	_, err = commits.Fetch(t.Context(), CommitInput{Packed: &alone, Against: "main"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	large := alone
	large.Tree.Bytes = maxPacked + 1
	_, err = commits.Fetch(t.Context(), CommitInput{Packed: &large})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	gone := alone
	gone.Tree = store.At(strings.Repeat("0", 64), 1, treeType, "tar")
	_, err = commits.Fetch(t.Context(), CommitInput{Packed: &gone})
	require.Error(t, err)
}

// Every test of the list is a step that does it, and no step tests outside the list.
func TestEveryTestIsAStep(t *testing.T) {
	t.Parallel()
	for _, test := range ci.Tests() {
		require.Equal(t, string(test.Step), TestStep(test.Step).Name)
		require.NotNil(t, tests[test.Step].work, test.Step)
	}
	require.Len(t, tests, len(ci.Tests()))
}

// What a step passes on is what it declares to read.
func TestATestReadsNothingElse(t *testing.T) {
	t.Parallel()
	all := map[string]artifact.Ref{artifact.Bundle: {SHA256: "b"}, artifact.Golden: {SHA256: "g"}, artifact.Evaluation: {SHA256: "e"}, "other": {}}
	require.Equal(t, []string{artifact.Bundle, artifact.Golden}, slices.Sorted(maps.Keys(ReadsOf(ci.TestIntegration, all))))
	require.Empty(t, ReadsOf(ci.CheckSpec, all))
}
