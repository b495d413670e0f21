package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/registry"
)

// commits is a platform on which commits are tested: every test passes but those that end otherwise.
type commits struct {
	env *testsuite.TestWorkflowEnvironment
	// ends is how a test ends that does not pass, during what happens while one runs.
	ends   map[ci.Step]ci.Status
	during map[ci.Step]func()
	fetch  func(activities.CommitInput) (activities.CommitOutput, error)
	known  string // the name of the repository in the settings
	locks  bool   // the first test locks what features came to

	register func(activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error)
	owner    func(activities.OwnerInput) (activities.OwnerOutput, error)
	away     map[string]int // tries of a step that fail

	mu       sync.Mutex
	ran      []string
	read     map[ci.Step]activities.TestInput
	packaged []activities.PackageInput
	told     []activities.StatusInput
	pages    []activities.SummaryInput
	page     func() error // whether a page can be written
	trained  []TriggerInput
	recorded []activities.RunInput
}

const commitHash = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"

var pageRef = artifact.Ref{URI: "s3://b/page.html", SHA256: "9a9e"}

var treeRef = artifact.Ref{URI: "s3://b/tree.tar", SHA256: "7ree"}

var lockRef = artifact.Ref{URI: "s3://b/lock.json", SHA256: "10c4"}

func newCommits() *commits {
	var suite testsuite.WorkflowTestSuite
	c := &commits{env: suite.NewTestWorkflowEnvironment(), ends: map[ci.Step]ci.Status{}, during: map[ci.Step]func(){}, read: map[ci.Step]activities.TestInput{}, away: map[string]int{}}
	c.page = func() error { return nil }
	c.fetch = func(in activities.CommitInput) (activities.CommitOutput, error) {
		out := activities.CommitOutput{Commit: commitHash, Subject: "better", Day: "2026-07-01", Tree: treeRef, Pipeline: "small-loans", Known: c.known}
		if c.known != "" {
			out.Origin = "https://git.bank.example/" + c.known
		}
		if in.Against != "" {
			out.Merged = "ba5e"
		}
		return out, nil
	}
	patient(c.env, &realTerms{})
	c.env.SetTestTimeout(time.Minute) // of a machine that has much to do
	c.env.RegisterWorkflowWithOptions(ContinuousIntegration, workflow.RegisterOptions{Name: ContinuousIntegrationName})
	c.env.RegisterWorkflowWithOptions(c.trigger, workflow.RegisterOptions{Name: TriggerName})
	for _, test := range ci.Tests() {
		step := activities.TestStep(test.Step)
		c.env.RegisterActivityWithOptions(func(_ context.Context, in activities.TestInput) (activities.TestOutput, error) {
			return c.test(ci.Step(step.Name), in)
		}, activity.RegisterOptions{Name: step.Name})
	}
	register(c, activities.FetchCommit, func(in activities.CommitInput) (activities.CommitOutput, error) { return c.fetch(in) })
	register(c, activities.FindChampion, func(activities.ChampionInput) (activities.ChampionOutput, error) {
		return activities.ChampionOutput{Champion: &activities.Rival{Version: 1, Bundle: artifact.Ref{SHA256: "champion"}}}, nil
	})
	register(c, activities.PackagePipeline, func(in activities.PackageInput) (activities.PackageOutput, error) {
		c.packaged = append(c.packaged, in)
		return activities.PackageOutput{Pipeline: "small-loans", Package: "pipelines/small-loans@sha256:aa"}, nil
	})
	register(c, activities.PublishPackage, func(in activities.PublishInput) (activities.PublishOutput, error) {
		return activities.PublishOutput{Reference: "registry/" + in.Package}, nil
	})
	c.register = func(activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
		return activities.RegisterPipelineOutput{Pipeline: "small-loans", Version: 7, Created: true}, nil
	}
	register(c, activities.RegisterPipeline, func(in activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
		return c.register(in)
	})
	c.owner = func(activities.OwnerInput) (activities.OwnerOutput, error) { return activities.OwnerOutput{}, nil }
	register(c, activities.CheckOwner, func(in activities.OwnerInput) (activities.OwnerOutput, error) { return c.owner(in) })
	register(c, activities.ReportStatus, func(in activities.StatusInput) (activities.StatusOutput, error) {
		c.told = append(c.told, in)
		return activities.StatusOutput{State: in.State}, nil
	})
	register(c, activities.WriteSummary, func(in activities.SummaryInput) (activities.SummaryOutput, error) {
		c.pages = append(c.pages, in)
		return activities.SummaryOutput{HTML: pageRef}, c.page()
	})
	register(c, activities.RecordRun, func(in activities.RunInput) (activities.RunOutput, error) {
		c.recorded = append(c.recorded, in)
		return activities.RunOutput{}, nil
	})
	return c
}

func register[In any, Out activities.Output](c *commits, step activities.Step[In, Out], work func(In) (Out, error)) {
	c.env.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ran = append(c.ran, step.Name)
		if happens := c.during[ci.Step(step.Name)]; happens != nil {
			happens()
		}
		if c.away[step.Name]--; c.away[step.Name] >= 0 {
			var none Out
			return none, temporal.NewApplicationError("it is away", string(fault.Unavailable))
		}
		return work(in)
	}, activity.RegisterOptions{Name: step.Name})
}

// made is what a test makes, as far as others read it.
var made = map[ci.Step][]string{
	ci.ValidateSample: {artifact.Schema, artifact.Dataset, artifact.Train, artifact.Validation, artifact.Test},
	ci.TestArtifacts:  {artifact.Bundle, artifact.Evaluation, artifact.Golden},
}

func (c *commits) test(step ci.Step, in activities.TestInput) (activities.TestOutput, error) {
	c.mu.Lock()
	c.ran = append(c.ran, string(step))
	c.read[step] = in
	happens := c.during[step]
	c.away[string(step)]--
	away := c.away[string(step)] >= 0
	c.mu.Unlock()
	if happens != nil {
		happens()
	}
	if away {
		return activities.TestOutput{}, temporal.NewApplicationError("it is away", string(fault.Unavailable))
	}
	out := activities.TestOutput{Step: step, Status: ci.Passed, Said: "fine", Made: map[string]artifact.Ref{}}
	if step == ci.TestIntegration {
		out.Image = "loanops-api@sha256:tried"
	}
	for _, role := range made[step] {
		out.Made[role] = artifact.Ref{SHA256: role}
	}
	if step == ci.CheckSpec && c.locks {
		out.Made[artifact.FeatureLock] = lockRef
	}
	if status, has := c.ends[step]; has {
		out.Status = status
		if status == ci.Refused {
			out.Reasons = []string{string(step) + " says no"}
		}
	}
	return out, nil
}

func (c *commits) trigger(_ workflow.Context, in TriggerInput) (Triggered, error) {
	c.trained = append(c.trained, in)
	return Triggered{Outcome: TriggerStarted}, nil
}

func (c *commits) integrate(t *testing.T, in IntegrationInput) (Result, error) {
	t.Helper()
	in.Repository = "/srv/loans"
	c.env.ExecuteWorkflow(ContinuousIntegrationName, in)
	require.True(t, c.env.IsWorkflowCompleted())
	var result Result
	if err := c.env.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(t, c.env.GetWorkflowResult(&result))
	return result, nil
}

func TestACommitThatPassesIsPublishedAndTrained(t *testing.T) {
	t.Parallel()
	c := newCommits()
	c.known = "loans"
	c.ends[ci.RunCommands], c.ends[ci.ReplayHistories] = ci.NotApplicable, ci.NotApplicable
	result, err := c.integrate(t, IntegrationInput{Ref: "main"})
	require.NoError(t, err)
	require.Equal(t, Published, result.Verdict)
	require.Equal(t, 7, result.PipelineVersion)
	require.Equal(t, "registry/pipelines/small-loans@sha256:aa", result.Package)
	require.Equal(t, commitHash, result.Commit)
	require.Empty(t, result.FailedStep)
	require.Equal(t, VersionTriggerID("small-loans", 7), result.Training)

	require.Len(t, c.trained, 1)
	require.Equal(t, TriggerInput{Run: TrainingRun, Pipeline: "small-loans", Trigger: registry.ByCommit, Actor: "operator", Cause: "commit " + commitHash}, c.trained[0])
	var steps []ci.Step
	for _, step := range c.packaged[0].Steps {
		steps = append(steps, step.Name)
		require.Nil(t, step.Log, "a log may hold what another machine measures otherwise: it is no part of a package")
	}
	require.Len(t, steps, len(ci.Tests()))
	require.Equal(t, "loanops-api@sha256:tried", c.packaged[0].Predictor, "models serve in what the commit was tried in, whichever image the worker has by now")
	require.Equal(t, "champion", c.read[ci.CheckSpec].Champion.SHA256)
	for step, in := range c.read {
		require.Equal(t, treeRef, in.Tree)
		require.Equal(t, "2026-07-01", in.KnownAt, "%s knows no more than the commit did", step)
		require.Equal(t, step == ci.CheckSpec, in.Champion != nil, "no other test depends on what serves")
	}
	require.Equal(t, map[string]artifact.Ref{artifact.Bundle: {SHA256: artifact.Bundle}, artifact.Golden: {SHA256: artifact.Golden}}, c.read[ci.TestIntegration].Made)
	require.Equal(t, []forge.State{forge.Pending, forge.Success}, []forge.State{c.told[0].State, c.told[1].State})
	require.Equal(t, "published", c.recorded[len(c.recorded)-1].Run.Verdict)
	require.Equal(t, "small-loans", c.recorded[len(c.recorded)-1].Run.Pipeline)
}

// Whether somebody wrote the commit who may not push is told to every test that may run commands of it, and to no other: what those find is the same.
func TestCommandsOfStrangers(t *testing.T) {
	t.Parallel()
	for _, stranger := range []bool{true, false} {
		c := newCommits()
		_, err := c.integrate(t, IntegrationInput{Ref: "main", Fork: stranger})
		require.NoError(t, err)
		require.Len(t, c.read, len(ci.Tests()))
		for step, in := range c.read {
			has := slices.Contains([]ci.Step{ci.RunCommands, ci.ReplayHistories, ci.TestArtifacts}, step)
			require.Equal(t, stranger && has, in.Fork, step)
		}
	}
}

// Whatever a test is refused for, nothing is published, and the first of the refused ones, in their order, is told, however they ended.
func TestACommitIsRefusedByItsFirstRefusedTest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		ends map[ci.Step]ci.Status
		want ci.Step
		not  []string // steps that must not run
	}{
		{"the last test", map[ci.Step]ci.Status{ci.TestIntegration: ci.Refused}, ci.TestIntegration, nil},
		{"two side by side", map[ci.Step]ci.Status{ci.TestQuality: ci.Refused, ci.TestPredictions: ci.Refused}, ci.TestPredictions, nil},
		{"a spec and a command", map[ci.Step]ci.Status{ci.RunCommands: ci.Refused, ci.CheckSpec: ci.Refused}, ci.CheckSpec, []string{"ValidateSample", "RunCommands"}},
		{"histories", map[ci.Step]ci.Status{ci.ReplayHistories: ci.Refused}, ci.ReplayHistories, nil},
		{"a sample", map[ci.Step]ci.Status{ci.ValidateSample: ci.Refused}, ci.ValidateSample, []string{"TestArtifacts", "TestIntegration"}},
		{"what had nothing to do and must", map[ci.Step]ci.Status{ci.TestPredictions: ci.NotApplicable}, ci.TestPredictions, nil},
		{"what did not run", map[ci.Step]ci.Status{ci.TestIntegration: ci.NotRun}, ci.TestIntegration, nil},
		{"what is of no status", map[ci.Step]ci.Status{ci.TestArtifacts: "skipped"}, ci.TestArtifacts, []string{"TestPredictions"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			c.ends = test.ends
			result, err := c.integrate(t, IntegrationInput{Ref: "main"})
			require.NoError(t, err)
			require.Equal(t, Refused, result.Verdict)
			require.Equal(t, test.want, result.FailedStep)
			require.NotEmpty(t, result.Reasons)
			require.Empty(t, c.packaged)
			require.Empty(t, c.trained)
			require.Empty(t, result.Package)
			for _, step := range test.not {
				require.NotContains(t, c.ran, step)
			}
			require.Len(t, result.Steps, len(ci.Tests()), "every step is told, those that did not run too")
			require.Len(t, c.pages, 1)
			require.Equal(t, activities.SummaryInput{Repository: "/srv/loans", Ref: "main", Commit: activities.CommitOutput{
				Commit: commitHash, Subject: "better", Day: "2026-07-01", Tree: treeRef, Pipeline: "small-loans",
			}, Refused: result.FailedStep, Reasons: result.Reasons, Steps: result.Steps}, c.pages[0], "the page says what the result says")
		})
	}
}

// A page is for people: the commit is published without one.
func TestAPageThatCannotBeWrittenChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCommits()
	c.page = func() error {
		return temporal.NewNonRetryableApplicationError("the store is away", string(fault.Unavailable), nil)
	}
	result, err := c.integrate(t, IntegrationInput{Ref: "main"})
	require.NoError(t, err)
	require.Equal(t, Published, result.Verdict)
	require.NotEmpty(t, c.pages)
}

func TestWhatIsOnlyToBeTestedIsNotPublished(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]IntegrationInput{"merged": {Ref: "feature", Against: "main"}, "asked for": {Ref: "feature", TestOnly: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			result, err := c.integrate(t, in)
			require.NoError(t, err)
			require.Equal(t, Nothing, result.Verdict)
			require.Empty(t, c.packaged)
			require.Equal(t, in.Against != "", result.Merged != "", "what was tested is what was merged")
		})
	}
}

// A push to another branch than the repository's own, whoever started it by the repository's name.
func TestAnotherBranchIsOnlyTested(t *testing.T) {
	t.Parallel()
	c := newCommits()
	fetched := c.fetch
	c.fetch = func(in activities.CommitInput) (activities.CommitOutput, error) {
		out, err := fetched(in)
		out.Other = true
		return out, err
	}
	result, err := c.integrate(t, IntegrationInput{Ref: "feature"})
	require.NoError(t, err)
	require.Equal(t, Nothing, result.Verdict)
	require.Empty(t, c.packaged)
}

// What features came to in the first test is what every later one, the package and the published version are given; nothing is of a commit without any.
func TestTheLockOfFeaturesGoesWithTheCommit(t *testing.T) {
	t.Parallel()
	for _, locks := range []bool{true, false} {
		c := newCommits()
		c.locks = locks
		var registered activities.RegisterPipelineInput
		c.register = func(in activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
			registered = in
			return activities.RegisterPipelineOutput{Pipeline: "small-loans", Version: 7, Created: true}, nil
		}
		result, err := c.integrate(t, IntegrationInput{Ref: "main"})
		require.NoError(t, err)
		require.Equal(t, Published, result.Verdict)
		var want *artifact.Ref
		if locks {
			want = &lockRef
		}
		require.Equal(t, want, c.packaged[0].Lock)
		require.Equal(t, want, registered.Lock)
		for step, in := range c.read {
			_, has := in.Made[artifact.FeatureLock]
			require.Equal(t, locks && step != ci.CheckSpec, has, step)
		}
	}
}

// A pipeline that is another repository's is not replaced, and the commit is told so.
func TestAPushToAnotherRepositoryReplacesNothing(t *testing.T) {
	t.Parallel()
	c := newCommits()
	c.known = "loans"
	c.register = func(in activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
		require.Equal(t, activities.Publisher{Repository: "https://git.bank.example/loans", Trigger: registry.ByPush}, in.By)
		return activities.RegisterPipelineOutput{}, temporal.NewNonRetryableApplicationError("the pipeline is of the repository cards", string(fault.Refused), nil)
	}
	result, err := c.integrate(t, IntegrationInput{Ref: "main", Trigger: registry.ByPush})
	require.NoError(t, err)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, ci.RegisterPipeline, result.FailedStep)
	require.Empty(t, c.trained)
	require.Equal(t, forge.Failure, c.told[len(c.told)-1].State)
	require.Nil(t, c.told[0].Page, "there is none yet")
	require.Equal(t, &pageRef, c.told[len(c.told)-1].Page)
}

// Nor is it looked at: a commit is held against no champion that is another repository's, and its reasons say nothing of that one.
func TestAPushToAnotherRepositoryLearnsNothing(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]IntegrationInput{"to be published": {Ref: "main"}, "merged": {Ref: "feature", Against: "main", Fork: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			in.Trigger = registry.ByPush
			c.owner = func(asked activities.OwnerInput) (activities.OwnerOutput, error) {
				require.Equal(t, activities.OwnerInput{Pipeline: "small-loans", By: activities.Publisher{Repository: "/srv/loans", Trigger: registry.ByPush}}, asked)
				return activities.OwnerOutput{}, temporal.NewNonRetryableApplicationError("the pipeline is of the repository cards", string(fault.Refused), nil)
			}
			result, err := c.integrate(t, in)
			require.NoError(t, err)
			require.Equal(t, Refused, result.Verdict)
			require.Equal(t, ci.CheckSpec, result.FailedStep)
			require.Equal(t, []string{"the pipeline is of the repository cards"}, result.Reasons)
			require.Equal(t, ci.CheckSpec, activities.Failed(result.Steps).Name, "the steps say the same")
			require.NotContains(t, c.ran, "CheckSpec")
			require.NotContains(t, c.ran, "FindChampion")
			require.Len(t, result.Steps, len(ci.Tests()))
		})
	}
}

func TestTheIDOfAnIntegration(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]IntegrationInput{
		"integration-loans~main":                   {Repository: "loans", Ref: "refs/heads/main"},
		"integration-loans~feature:rates":          {Repository: "loans", Ref: "c0ffee", Branch: "feature/rates"},
		"integration-:data:loans~eu-main":          {Repository: "/data/loans", Ref: "eu-main"},
		"integration-:data:loans-eu~main":          {Repository: "/data/loans-eu", Ref: "main"},
		"integration-loans~main~test":              {Repository: "loans", Ref: "main", TestOnly: true},
		"integration-loans~main-test":              {Repository: "loans", Ref: "main-test"},
		"integration-loans~main~merged":            {Repository: "loans", Ref: "main", Against: "refs/heads/release"},
		"integration-loans~refs:pull:2:head":       {Repository: "loans", Ref: "refs/pull/2/head"},
		"integration-loans~refs:heads:refs:pull:2": {Repository: "loans", Ref: "refs/heads/refs/pull/2"}, // a branch of that name
		"integration-:a%3Ab%7Ec%2525~main":         {Repository: "/a:b~c%25", Ref: "main"},
	} {
		require.Equal(t, want, in.ID())
	}
}

// Two runs have one ID only where they are of one branch of one repository, and for the same. What is only tested ends no run that publishes.
func TestTwoIntegrationsHaveTwoIDs(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab-/:~%237AEst")), 0, 12, -1)
	word := rapid.OneOf(text, rapid.SampledFrom([]string{"main", "main-test", "test", "merged", "refs/heads/main", "/data/loans", "/data/loans-eu", "eu-main"}))
	input := rapid.Custom(func(t *rapid.T) IntegrationInput {
		return IntegrationInput{Repository: word.Draw(t, "repository"), Ref: word.Draw(t, "ref"), Against: word.Draw(t, "against"), TestOnly: rapid.Bool().Draw(t, "test only")}
	})
	meant := func(i IntegrationInput) [3]string {
		same := [3]string{i.Repository, "refs/heads/" + strings.TrimPrefix(i.Ref, "refs/heads/")}
		if strings.HasPrefix(i.Ref, "refs/") { // as it is
			same[1] = i.Ref
		}
		switch {
		case i.Against != "": // whatever that is: pointed at another target, a merge request is tested anew
			same[2] = "merged"
		case i.TestOnly:
			same[2] = "only tested"
		}
		return same
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := input.Draw(t, "a"), input.Draw(t, "b")
		switch rapid.IntRange(0, 4).Draw(t, "how they are like each other") {
		case 4: // of one branch
			b.Repository, b.Ref = a.Repository, a.Ref
		case 0: // the same letters, cut at another place
			all := []rune(a.Repository + "-" + a.Ref)
			at := rapid.IntRange(0, len(all)).Draw(t, "at")
			b = IntegrationInput{Repository: string(all[:at]), Ref: string(all[at:]), Against: a.Against, TestOnly: a.TestOnly}
		case 1: // written as in the ID
			b = a
			b.Repository = strings.NewReplacer("/", ":", ":", "%3A", "~", "%7E").Replace(a.Repository)
		}
		require.Equal(t, meant(a) == meant(b), a.ID() == b.ID(), "%q and %q", a.ID(), b.ID())
		require.NotContains(t, a.ID(), "/")
	})
}

func TestWhatCannotBeMergedIsRefused(t *testing.T) {
	t.Parallel()
	c := newCommits()
	c.fetch = func(activities.CommitInput) (activities.CommitOutput, error) {
		return activities.CommitOutput{}, temporal.NewNonRetryableApplicationError("pipeline.yaml: both sides changed it", string(fault.Refused), nil)
	}
	result, err := c.integrate(t, IntegrationInput{Ref: "feature", Against: "main", Commit: commitHash})
	require.NoError(t, err)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, ci.FetchCommit, result.FailedStep)
	require.Len(t, c.told, 2, "the forge is told of what could not be fetched, and not to go by what it was told before")
	for n, state := range []forge.State{forge.Pending, forge.Failure} {
		require.Equal(t, commitHash, c.told[n].Commit)
		require.True(t, c.told[n].Merged)
		require.Equal(t, state, c.told[n].State)
	}
	require.Equal(t, []string{"pipeline.yaml: both sides changed it"}, result.Reasons)
}

// A newer push ends the tests of the older one, and is tested in its place; while a version is being registered it waits. The push that began the run is no
// newer one, however often it comes; one that is told twice is one; of several the last counts.
func TestANewerPushTakesOver(t *testing.T) {
	t.Parallel()
	push := func(event string) IntegrationInput {
		return IntegrationInput{Repository: "/srv/loans", Ref: "main", Event: event, Actor: "bob"}
	}
	own, newer, last := push("first"), push("second"), push("third")
	for _, test := range []struct {
		name      string
		at        string
		nth       int // of the step's runs
		pushes    []IntegrationInput
		published int // -1: as the signal and the end of the step come, in one task of the workflow or in two
		next      *IntegrationInput
	}{
		{"while it is fetched", "FetchCommit", 1, []IntegrationInput{newer}, 0, &newer},
		{"while it is tested", string(ci.ValidateSample), 1, []IntegrationInput{newer}, 0, &newer},
		{"while it is packaged", string(ci.Package), 1, []IntegrationInput{newer}, 0, &newer},
		{"while it is published", string(ci.Publish), 1, []IntegrationInput{newer}, -1, &newer},
		{"while it is registered", string(ci.RegisterPipeline), 1, []IntegrationInput{newer}, 1, &newer},
		{"while its end is recorded", activities.RecordRun.Name, 2, []IntegrationInput{newer}, 1, &newer},
		{"while its end is told", activities.ReportStatus.Name, 2, []IntegrationInput{newer}, 1, &newer},
		{"the same push", string(ci.ValidateSample), 1, []IntegrationInput{own}, 1, nil},
		{"the same push as its end is told", activities.ReportStatus.Name, 2, []IntegrationInput{own, own}, 1, nil},
		{"a newer one twice", string(ci.ValidateSample), 1, []IntegrationInput{newer, newer}, 0, &newer},
		{"two newer ones", string(ci.ValidateSample), 1, []IntegrationInput{newer, last}, 0, &last},
		{"a newer one and its own", string(ci.RegisterPipeline), 1, []IntegrationInput{newer, own}, 1, &newer},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			c.known = "loans"
			runs, registered := 0, 0
			register := c.register
			c.register = func(in activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
				registered++
				return register(in)
			}
			c.during[ci.Step(test.at)] = func() {
				if runs++; runs != test.nth {
					return
				}
				for _, p := range test.pushes {
					c.env.SignalWorkflow(PushSignal, p)
				}
			}
			result, err := c.integrate(t, own)
			require.GreaterOrEqual(t, runs, test.nth)
			if test.published < 0 {
				test.published = len(c.trained)
			}
			require.Len(t, c.trained, test.published)
			require.Equal(t, test.published, registered, "what is registered is trained")
			end := c.recorded[len(c.recorded)-1].Run
			progress, unread := c.env.QueryWorkflow(ProgressQuery)
			require.NoError(t, unread)
			var seen Progress
			require.NoError(t, progress.Get(&seen))
			for _, step := range seen.Steps {
				require.NotEqual(t, StepFailed, step.State, "%s gave way, it has not failed", step.Name)
			}
			if test.published == 0 {
				require.Equal(t, "aborted", end.Verdict)
				require.Contains(t, string(end.Result), "aborted by bob: a newer push of main")
			} else {
				require.Equal(t, "published", end.Verdict, "what has begun to be registered is finished")
			}
			if test.next == nil {
				require.NoError(t, err)
				require.Equal(t, Published, result.Verdict)
				return
			}
			var again *workflow.ContinueAsNewError
			require.ErrorAs(t, err, &again)
			require.Equal(t, ContinuousIntegrationName, again.WorkflowType.Name)
			require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorAutoUpgrade, again.InitialVersioningBehavior, "a branch that is pushed to all day keeps no build from draining")
			var next IntegrationInput
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
			require.Equal(t, *test.next, next)
		})
	}
}

// A run that is cancelled publishes a version or none, and never half: until the package is published nothing is registered, and from then on everything is, with
// its training, however long the database is away.
func TestACancelledIntegrationPublishesAllOrNothing(t *testing.T) {
	t.Parallel()
	ends := map[string]func(t *testing.T, env *testsuite.TestWorkflowEnvironment, late bool){
		"cancelled": func(_ *testing.T, env *testsuite.TestWorkflowEnvironment, _ bool) { env.CancelWorkflow() },
		"aborted": func(t *testing.T, env *testsuite.TestWorkflowEnvironment, late bool) {
			t.Helper()
			answer := accepted(t)
			if late {
				answer = rejected(t, "too late to abort: the pipeline version is being registered")
			}
			env.UpdateWorkflow(AbortUpdate, "abort", answer, Intervention{Actor: "ada", Reason: "not today"})
		},
	}
	for _, test := range []struct {
		at        ci.Step
		away      int // tries that fail
		published bool
	}{
		{ci.TestQuality, 0, false},
		{ci.Package, 0, false},
		{ci.RegisterPipeline, 0, true},
		{ci.RegisterPipeline, 30, true},
	} {
		for how, end := range ends {
			t.Run(fmt.Sprintf("%s in %s, %d tries fail", how, test.at, test.away), func(t *testing.T) {
				t.Parallel()
				c := newCommits()
				c.known = "loans"
				c.during[test.at] = sync.OnceFunc(func() {
					end(t, c.env, test.published)
				})
				versions, tries := 0, 0
				c.register = func(activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
					if tries++; tries <= test.away {
						return activities.RegisterPipelineOutput{}, temporal.NewApplicationError("the database is away", string(fault.Unavailable))
					}
					versions++
					return activities.RegisterPipelineOutput{Pipeline: "small-loans", Version: versions, Created: true}, nil
				}
				result, err := c.integrate(t, IntegrationInput{Ref: "main"})
				require.NoError(t, err)
				told := c.told[len(c.told)-1]
				if !test.published {
					require.Equal(t, Aborted, result.Verdict)
					require.Zero(t, tries)
					require.Empty(t, c.trained)
					require.Equal(t, forge.Error, told.State, "the forge is told all the same")
					return
				}
				require.Equal(t, Published, result.Verdict)
				require.Equal(t, 1, versions, "exactly one")
				require.Equal(t, test.away+1, tries)
				require.Len(t, c.trained, 1)
				require.Equal(t, forge.Success, told.State)
				require.Equal(t, "published", c.recorded[len(c.recorded)-1].Run.Verdict)
			})
		}
	}
}

// A push is told once: an outage of any step that is not the commit's own fault is waited for, and nothing is lost of it. The forge's status does not stay pending.
func TestAnOutageLosesNoCommit(t *testing.T) {
	t.Parallel()
	for _, step := range []string{activities.FetchCommit.Name, activities.PackagePipeline.Name, activities.PublishPackage.Name, activities.RegisterPipeline.Name, activities.ReportStatus.Name,
		activities.CheckOwner.Name, activities.FindChampion.Name, string(ci.ValidateSample), string(ci.TestFeatures)} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			c.known = "loans"
			c.away = map[string]int{step: 40}
			result, err := c.integrate(t, IntegrationInput{Ref: "main"})
			require.NoError(t, err)
			require.Equal(t, Published, result.Verdict)
			require.Len(t, c.trained, 1)
			require.Equal(t, forge.Success, c.told[len(c.told)-1].State)
		})
	}
}

// branch is one whose integrations are played: each takes an hour.
type branch struct {
	env   *testsuite.TestWorkflowEnvironment
	began []IntegrationInput
	heard []IntegrationInput
}

// newBranch is one of which a run is said to go on each time that its ID is in taken.
func newBranch(taken ...string) *branch {
	var suite testsuite.WorkflowTestSuite
	b := &branch{env: suite.NewTestWorkflowEnvironment()}
	patient(b.env, &realTerms{taken: taken})
	b.env.SetTestTimeout(time.Minute)
	b.env.RegisterWorkflowWithOptions(Push, workflow.RegisterOptions{Name: PushName})
	b.env.RegisterWorkflowWithOptions(b.integrate, workflow.RegisterOptions{Name: ContinuousIntegrationName})
	b.env.RegisterWorkflowWithOptions(pushAll, workflow.RegisterOptions{Name: "pushAll"})
	return b
}

func (b *branch) integrate(ctx workflow.Context, in IntegrationInput) (Result, error) {
	b.began = append(b.began, in)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var push IntegrationInput
			workflow.GetSignalChannel(ctx, PushSignal).Receive(ctx, &push)
			b.heard = append(b.heard, push)
		}
	})
	return Result{Verdict: Published}, workflow.Sleep(ctx, time.Hour)
}

// pushAll is the world: pushes come one after the other.
func pushAll(ctx workflow.Context, pushes []IntegrationInput) (all []Triggered, err error) {
	for _, push := range pushes {
		var triggered Triggered
		if err := workflow.ExecuteChildWorkflow(ctx, PushName, push).Get(ctx, &triggered); err != nil {
			return nil, err
		}
		all = append(all, triggered)
	}
	return all, nil
}

func (b *branch) push(t *testing.T, pushes ...IntegrationInput) (all []Triggered) {
	t.Helper()
	b.env.ExecuteWorkflow("pushAll", pushes)
	require.NoError(t, b.env.GetWorkflowError())
	require.NoError(t, b.env.GetWorkflowResult(&all))
	return all
}

// Push starts one integration, or tells the one of the branch that goes on.
func TestAPushStartsOrJoins(t *testing.T) {
	t.Parallel()
	first, second := IntegrationInput{Repository: "loans", Ref: "refs/heads/main", Event: "e1"}, IntegrationInput{Repository: "loans", Ref: "refs/heads/main", Event: "e2"}
	other := IntegrationInput{Repository: "loans", Ref: "refs/heads/feature", Event: "e3", TestOnly: true}
	b := newBranch()
	all := b.push(t, first, second, other)
	require.Equal(t, []TriggerOutcome{TriggerStarted, TriggerJoined, TriggerStarted}, []TriggerOutcome{all[0].Outcome, all[1].Outcome, all[2].Outcome})
	require.Equal(t, []string{"integration-loans~main", "integration-loans~main", "integration-loans~feature~test"}, []string{all[0].WorkflowID, all[1].WorkflowID, all[2].WorkflowID})
	require.Equal(t, []IntegrationInput{first, other}, b.began)
	require.Equal(t, []IntegrationInput{second}, b.heard)

	b = newBranch()
	b.env.ExecuteWorkflow(PushName, IntegrationInput{Repository: "loans"})
	require.Error(t, b.env.GetWorkflowError(), "a push has an event")
}

// The run that is to be told ends just before that, and the next one as well: the push starts one of its own. No push is lost.
func TestAPushThatComesAtTheEndOfARun(t *testing.T) {
	t.Parallel()
	push := IntegrationInput{Repository: "loans", Ref: "main", Event: "e1"}
	b := newBranch(push.ID(), push.ID())
	b.env.OnSignalExternalWorkflow(mock.Anything, push.ID(), "", PushSignal, push).Return(&temporal.UnknownExternalWorkflowExecutionError{}).Twice()
	all := b.push(t, push)
	require.True(t, b.env.AssertExpectations(t))
	require.Equal(t, TriggerStarted, all[0].Outcome)
	require.Equal(t, []IntegrationInput{push}, b.began)
}

// What cannot be told for another reason is an error of the push, and not as good as told.
func TestAPushThatCannotBeTold(t *testing.T) {
	t.Parallel()
	push := IntegrationInput{Repository: "loans", Ref: "main", Event: "e1"}
	b := newBranch(push.ID())
	b.env.OnSignalExternalWorkflow(mock.Anything, push.ID(), "", PushSignal, push).Return(errors.New("no more signals are taken"))
	b.env.ExecuteWorkflow("pushAll", []IntegrationInput{push})
	require.ErrorContains(t, b.env.GetWorkflowError(), "no more signals are taken")
	require.Empty(t, b.began)
}

func TestBadInputsOfIntegrations(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]IntegrationInput{"no repository": {Ref: "main"}, "two lines": {Repository: "loans", Ref: "main\nmore"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			c.env.ExecuteWorkflow(ContinuousIntegrationName, in)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, c.env.GetWorkflowError(), &failure)
			require.Equal(t, string(fault.Invalid), failure.Type())
			require.Empty(t, c.ran)
		})
	}
}
