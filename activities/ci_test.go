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
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/image/reference"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
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
	made map[ci.Step]map[string]artifact.Ref
}

func newIntegrations(t *testing.T) *integrations {
	t.Helper()
	b := newBench(t)
	cache := b.stages.Training.Cache
	return &integrations{bench: b, made: map[ci.Step]map[string]artifact.Ref{}, of: Integration{
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
	out, err := test(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Made: GivenTo(step, TestInput{}, i.made).Made})
	require.NoError(t, err)
	require.Equal(t, step, out.Step)
	i.made[step] = out.Made
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
		before := maps.Clone(i.made)
		out := i.take(t, tree, test.step, test.test)
		require.Equal(t, test.want, out.Status, "%s: %v", test.step, out.Reasons)
		require.False(t, out.Cached)
		i.made = before
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

// The components, as their code is here, make on the sample of the example what they declare. This project's own ci.yaml runs it in TestArtifacts: a line that
// begins with "reason: " is why a commit is refused.
func TestComponentsMakeWhatTheyDeclare(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	in := TestInput{Tree: i.put(t, example(t)), KnownAt: "2026-07-01"}
	for _, test := range []func(context.Context, TestInput) (TestOutput, error){i.of.ValidateSample, i.of.TestArtifacts} {
		out, err := test(t.Context(), in)
		if err != nil {
			out.Reasons = append(out.Reasons, err.Error())
		}
		for _, reason := range out.Reasons {
			fmt.Println("reason: " + reason)
		}
		require.NoError(t, err)
		require.Equal(t, ci.Passed, out.Status, "%s: %v", out.Step, out.Reasons)
		in.Made = out.Made
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
		made := maps.Clone(i.made[ci.ValidateSample])
		maps.Copy(made, i.made[ci.TestArtifacts])
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
	allowed := func(context.Context, *ci.Tree, ci.Command) (CommandEnd, error) {
		ran++
		return CommandEnd{Printed: []string{"fine"}}, nil
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
		"one that fails": {func(context.Context, *ci.Tree, ci.Command) (CommandEnd, error) {
			return CommandEnd{Printed: []string{"no"}, Why: "ended with 1"}, nil
		}, false, ci.Refused, "ended with 1"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntegrations(t)
			i.of.Commands = test.commands
			out, err := i.of.RunCommands(t.Context(), TestInput{Tree: i.put(t, example(t, command)), KnownAt: "2026-07-01", Fork: test.stranger})
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
	publication := Publication{Registry: i.registry, Objects: i.objects, Images: images, Register: registerOnly}
	in := PackageInput{Tree: tree, Commit: strings.Repeat("c0", 20), Predictor: predictorImage, Steps: []StepOutcome{{Name: ci.CheckSpec, Status: ci.Passed}}}
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
		"predictor": func(in *PackageInput, _ *Publication) {
			in.Predictor = "loanops-api@sha256:" + strings.Repeat("1d", 32)
		},
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

	register := RegisterPipelineInput{Tree: tree, Commit: in.Commit, Package: packaged.Package, RunID: "run", By: Publisher{Repository: "loans", Trigger: registry.ByPush}}
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

// published registers commits of repositories as versions, each by a run of its own.
type published struct {
	*integrations
	by Publication
	n  int
}

func (p *published) publish(t *testing.T, name, repository string, trigger registry.Trigger, takeOver bool) error {
	t.Helper()
	p.n++
	_, err := p.by.RegisterVersion(t.Context(), RegisterPipelineInput{
		Tree: p.put(t, example(t, [3]string{"pipeline.yaml", "name: small-loans", "name: " + name})), Commit: "c", RunID: fmt.Sprint("run-", p.n),
		Package: fmt.Sprintf("pipelines/%s@sha256:%064d", name, p.n), By: Publisher{Repository: repository, Trigger: trigger, TakeOver: takeOver},
	})
	return err
}

func newPublished(t *testing.T) *published {
	i := newIntegrations(t)
	return &published{integrations: i, by: Publication{Registry: i.registry, Objects: i.objects, Register: registerOnly}}
}

// Whoever can push to one repository cannot replace another's pipeline, or one that a person registered, until an operator says so; nor learn of it.
func TestAPipelineIsOfItsRepository(t *testing.T) {
	t.Parallel()
	p := newPublished(t)
	refused := func(err error) {
		t.Helper()
		require.Equal(t, fault.Refused, fault.CodeOf(err))
		require.ErrorContains(t, err, "--take-over")
	}
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	refused(p.publish(t, "ours", "/srv/toy.git", registry.ByPush, false))
	refused(p.publish(t, "ours", "/srv/toy.git", registry.ByPush, true)) // no push can say so
	refused(p.publish(t, product, "cards", registry.ByPush, false))      // it was registered by a person
	require.NoError(t, p.publish(t, "ours", "/home/ada/loans", registry.ByHand, false))
	refused(p.publish(t, "ours", "cards", registry.ByPush, false)) // which has handed nothing over
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	require.NoError(t, p.publish(t, "ours", "cards", registry.ByHand, true))
	refused(p.publish(t, "ours", "loans", registry.ByPush, false))
	require.NoError(t, p.publish(t, "ours", "cards", registry.ByPush, false))
	for _, ask := range []struct {
		pipeline, repository, want string
	}{{"ours", "cards", "cards"}, {"ours", "loans", ""}, {product, "loans", ""}, {"new", "loans", "loans"}} {
		got, err := p.by.CheckOwner(t.Context(), OwnerInput{Pipeline: ask.pipeline, By: Publisher{Repository: ask.repository, Trigger: registry.ByPush}})
		require.Equal(t, ask.want, got.Owner)
		require.Equal(t, ask.want == "", fault.CodeOf(err) == fault.Refused)
	}
}

// A run that is interrupted between the version and the spec goes on where it was: the pipeline is its repository's already.
func TestARegistrationThatIsInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	p := newPublished(t)
	p.by.Register = func(context.Context, registry.Registry, registry.PipelineSpec) error {
		return fault.New(fault.Unavailable, "the database is away")
	}
	require.Error(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	p.by.Register, p.n = registerOnly, 0
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	versions, err := p.registry.PipelineVersions(t.Context(), "ours")
	require.NoError(t, err)
	require.Len(t, versions, 1)
	spec, err := p.registry.Pipeline(t.Context(), "ours")
	require.NoError(t, err)
	require.Equal(t, versions[0].SpecDigest, spec.Digest)
}

// The reply to a registration is lost, the pipeline is handed over, the run asks again: what it published it has published.
func TestARegistrationIsNotAskedTwiceWhoseThePipelineIs(t *testing.T) {
	t.Parallel()
	p := newPublished(t)
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	require.NoError(t, p.publish(t, "ours", "cards", registry.ByHand, true))
	p.n = 0
	require.NoError(t, p.publish(t, "ours", "loans", registry.ByPush, false))
	versions, err := p.registry.PipelineVersions(t.Context(), "ours")
	require.NoError(t, err)
	require.Len(t, versions, 2)
	require.Equal(t, "cards", versions[0].Owner)
}

// Of two runs that publish at the same time the newest version's spec is trained, whichever registers its own last.
func TestTheNewestVersionIsTrained(t *testing.T) {
	t.Parallel()
	p := newPublished(t)
	version := func(n int, change string) RegisterPipelineInput {
		return RegisterPipelineInput{
			Tree: p.put(t, example(t, [3]string{"pipeline.yaml", "target_rate: 50", "target_rate: " + change})), Commit: "c", RunID: fmt.Sprint("run-", n),
			Package: fmt.Sprintf("pipelines/small-loans@sha256:%064d", n), By: Publisher{Repository: "loans", Trigger: registry.ByPush},
		}
	}
	first, second := version(1, "65"), version(2, "66")
	var inner error
	p.by.Register = func(ctx context.Context, r registry.Registry, spec registry.PipelineSpec) error {
		p.by.Register = registerOnly
		_, inner = p.by.RegisterVersion(ctx, second) // in the middle of the first
		return registerOnly(ctx, r, spec)
	}
	_, err := p.by.RegisterVersion(t.Context(), first)
	require.NoError(t, err)
	require.NoError(t, inner)
	versions, err := p.registry.PipelineVersions(t.Context(), "small-loans")
	require.NoError(t, err)
	require.Len(t, versions, 2)
	spec, err := p.registry.Pipeline(t.Context(), "small-loans")
	require.NoError(t, err)
	require.Equal(t, versions[0].SpecDigest, spec.Digest)
	require.Contains(t, string(spec.YAML), "target_rate: 66")
}

// Every feature test is in the package, where it is in the repository; with a sample a package reads as a repository does.
func TestAPackageHasEveryFileWhereItWas(t *testing.T) {
	t.Parallel()
	shipped := example(t, [3]string{"ci.yaml", "tests: [tests/*.yaml]", "tests: [tests/*.yaml, more/*.yaml]"})
	tests, has := shipped.File("tests/features.yaml")
	require.True(t, has)
	tests.Data = []byte(strings.Replace(string(tests.Data), "level rent", "level  rent", 1))
	require.NoError(t, shipped.Add("more/features.yaml", tests))
	repository, err := ci.Read(shipped, ci.Over{})
	require.NoError(t, err)
	require.Len(t, repository.TestFiles, 2)
	files, err := packageFiles(shipped, repository)
	require.NoError(t, err)
	packed := &ci.Tree{}
	for name, data := range files {
		require.NoError(t, packed.Add(name, ci.File{Data: data}))
	}
	sample, _ := shipped.File("sample/applications.csv")
	require.NoError(t, packed.Add("sample/applications.csv", sample)) // the one thing that is missing
	again, err := ci.Read(packed, ci.Over{})
	require.NoError(t, err)
	require.Equal(t, repository.TestFiles, again.TestFiles)
	require.Equal(t, repository.Spec, again.Spec)

	require.NoError(t, shipped.Add("terraform/main.tf", ci.File{}))
	repository.PipelineFile = "terraform/main.tf"
	_, err = packageFiles(shipped, repository)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "nothing of the package's own is lost either")
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
	i.of.Commands = func(context.Context, *ci.Tree, ci.Command) (CommandEnd, error) { return CommandEnd{}, nil }
	passed, err := i.of.RunCommands(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, ci.Passed, passed.Status)

	i.take(t, tree, ci.ValidateSample, i.of.ValidateSample)
	i.take(t, tree, ci.TestArtifacts, i.of.TestArtifacts)
	var tried []string
	i.of.Predictor = Predictor{Image: "a", Bring: func(_ context.Context, image string) (runtime.Start, error) {
		tried = append(tried, image)
		return nil, fault.New(fault.Unavailable, "no registry")
	}}
	for _, image := range []string{"a", "b"} {
		i.of.Predictor.Image = image
		_, err = i.of.TestIntegration(t.Context(), TestInput{Tree: tree, KnownAt: "2026-07-01", Made: GivenTo(ci.TestIntegration, TestInput{}, i.made).Made})
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

// A commit of a repository of the settings is that repository's, and one package, whether a look at the branch found it, or the repository's own hook packed
// it and told the folder. What is not in that repository is not.
func TestACommitIsOfItsRepositoryHoweverItCame(t *testing.T) {
	t.Parallel()
	dir := gitRepository(t)
	i := newIntegrations(t)
	commits := Commits{Objects: i.objects, Folder: t.TempDir(), Known: func(name string) (forge.Repository, bool, error) {
		return forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main"}, name == "loans" || name == dir, nil
	}}
	packed := func(ref, against string) CommitOutput {
		repository, err := git.Open(dir)
		require.NoError(t, err)
		commit, err := ReadCommit(t.Context(), repository, ref, against)
		require.NoError(t, err)
		out, err := PackCommit(t.Context(), i.objects, commit)
		require.NoError(t, err)
		return out
	}
	looked, err := commits.Fetch(t.Context(), CommitInput{Repository: "loans", Ref: "refs/heads/main"})
	require.NoError(t, err)
	own, merged := packed("main", ""), packed("feature", "main")
	late := own
	late.Day, late.Subject = "2026-08-01", "another"
	publication := Publication{Registry: i.registry, Objects: i.objects, Register: registerOnly}
	digest := func(of CommitOutput) string {
		made, err := publication.Package(t.Context(), PackageInput{Tree: of.Tree, Commit: of.Commit, Predictor: predictorImage})
		require.NoError(t, err)
		return made.Package
	}
	for name, in := range map[string]CommitInput{
		"its hook":            {Repository: dir, Ref: own.Commit, Packed: &own},
		"its name, packed":    {Repository: "loans", Ref: own.Commit, Packed: &own},
		"with other words":    {Repository: dir, Packed: &late},
		"its folder, fetched": {Repository: dir, Ref: "main"},
		"its folder alone":    {Repository: dir},
	} {
		got, err := commits.Fetch(t.Context(), in)
		require.NoError(t, err, name)
		require.Equal(t, looked, got, name)
		require.Equal(t, digest(looked), digest(got), name)
	}
	folder, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	require.Equal(t, folder, looked.Origin, "whether the settings name it or not: a hook knows no settings")
	for branch, other := range map[string]bool{"main": false, "feature": true, "": false} {
		claims := own
		claims.Other = !other // HEAD may name another branch than the settings
		got, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Ref: own.Commit, Branch: branch, Packed: &claims})
		require.NoError(t, err)
		require.Equal(t, other, got.Other, "which branch is the repository's own, the settings say: %q", branch)
	}
	cloned, err := commits.Fetch(t.Context(), CommitInput{Repository: "/home/ada/loans", Packed: &own})
	require.NoError(t, err)
	require.Equal(t, digest(looked), digest(cloned), "nor does it matter to the package in whose clone it was")
	together, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Ref: "feature", Against: "main", Packed: &merged})
	require.NoError(t, err)
	require.Equal(t, "loans", together.Known, "it is told there how a merge goes")
	require.Equal(t, merged.Tree, together.Tree)

	forged, absent, elsewhere := own, own, own
	forged.Tree = i.put(t, example(t, [3]string{"README.md", "#", "##"}))
	absent.Commit = strings.Repeat("c0", 20)
	elsewhere.Known = "loans"
	for name, in := range map[string]CommitInput{
		"other files":         {Repository: dir, Packed: &forged},
		"no such commit":      {Repository: dir, Packed: &absent},
		"a clone that claims": {Repository: "/home/ada/loans", Packed: &elsewhere},
	} {
		got, err := commits.Fetch(t.Context(), in)
		require.NoError(t, err, name)
		require.Empty(t, got.Known, name)
		require.Equal(t, in.Packed.Tree, got.Tree, name)
	}
	later := own
	later.Day = "2126-07-01"
	_, err = commits.Fetch(t.Context(), CommitInput{Repository: "/home/ada/loans", Packed: &later})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "its tests would know labels of a hundred years")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git")))
	gone, err := commits.Fetch(t.Context(), CommitInput{Repository: dir, Packed: &own})
	require.NoError(t, err)
	require.Empty(t, gone.Known, "a folder of this name is on another machine")
}

// Gates that hold a model against a champion are nothing to a sample: the step had nothing to do, and says so.
func TestGatesWithoutAChampion(t *testing.T) {
	t.Parallel()
	i := newIntegrations(t)
	tree := i.put(t, example(t, [3]string{"pipeline.yaml", "  - {metric: auc, value: lower, min: 0.65}", "  - {metric: auc_drop, max: 0.01}\n  #"}, [3]string{"pipeline.yaml", "  - {metric: brier", "  # - {metric: brier"}))
	i.take(t, tree, ci.ValidateSample, i.of.ValidateSample)
	i.take(t, tree, ci.TestArtifacts, i.of.TestArtifacts)
	out := i.take(t, tree, ci.TestQuality, i.of.TestQuality)
	require.Equal(t, ci.NotApplicable, out.Status)
	require.Contains(t, out.Said, "without a champion")
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
	sample := map[string]artifact.Ref{artifact.Dataset: {SHA256: "d"}, "notes": {SHA256: "n"}}
	all := map[ci.Step]map[string]artifact.Ref{
		ci.ValidateSample: sample, ci.RunCommands: {"beside": {SHA256: "r"}},
		ci.TestArtifacts: {artifact.Bundle: {SHA256: "b"}, artifact.Golden: {SHA256: "g"}, artifact.Evaluation: {SHA256: "e"}},
	}
	require.Equal(t, []string{artifact.Bundle, artifact.Golden}, slices.Sorted(maps.Keys(GivenTo(ci.TestIntegration, TestInput{}, all).Made)))
	require.Empty(t, GivenTo(ci.CheckSpec, TestInput{}, all).Made)
	require.Equal(t, sample, GivenTo(ci.TestArtifacts, TestInput{}, all).Made, "but one that looks for what no component declares: all of those that it comes after, and of no test beside it")
	known := TestInput{Tree: artifact.Ref{SHA256: "t"}, KnownAt: "2026-07-01", Fork: true, Champion: &artifact.Ref{SHA256: "c"}}
	for _, test := range ci.Tests() {
		given := GivenTo(test.Step, known, nil)
		require.Equal(t, known.Tree, given.Tree)
		require.Equal(t, known.KnownAt, given.KnownAt)
		require.Equal(t, test.Step == ci.CheckSpec, given.Champion != nil, test.Step)
		require.Equal(t, test.Step.HasCommands(), given.Fork, test.Step)
	}
}
