package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

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

	register func(activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error)

	mu       sync.Mutex
	ran      []string
	read     map[ci.Step]activities.TestInput
	packaged []activities.PackageInput
	told     []activities.StatusInput
	trained  []TriggerInput
	recorded []activities.RunInput
}

const commitHash = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"

var treeRef = artifact.Ref{URI: "s3://b/tree.tar", SHA256: "7ree"}

func newCommits() *commits {
	var suite testsuite.WorkflowTestSuite
	c := &commits{env: suite.NewTestWorkflowEnvironment(), ends: map[ci.Step]ci.Status{}, during: map[ci.Step]func(){}, read: map[ci.Step]activities.TestInput{}}
	c.fetch = func(in activities.CommitInput) (activities.CommitOutput, error) {
		out := activities.CommitOutput{Commit: commitHash, Subject: "better", Day: "2026-07-01", Tree: treeRef, Pipeline: "small-loans", Known: c.known}
		if in.Against != "" {
			out.Merged = "ba5e"
		}
		return out, nil
	}
	patient(c.env, &realTerms{})
	c.env.RegisterWorkflowWithOptions(ContinuousIntegration, workflow.RegisterOptions{Name: ContinuousIntegrationName})
	c.env.RegisterWorkflowWithOptions(c.trigger, workflow.RegisterOptions{Name: TriggerName})
	for _, test := range ci.Tests() {
		step := activities.TestStep(test.Step)
		c.env.RegisterActivityWithOptions(func(_ context.Context, in activities.TestInput) (activities.TestOutput, error) {
			return c.test(ci.Step(step.Name), in), nil
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
	register(c, activities.ReportStatus, func(in activities.StatusInput) (activities.StatusOutput, error) {
		c.told = append(c.told, in)
		return activities.StatusOutput{State: in.State}, nil
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
		return work(in)
	}, activity.RegisterOptions{Name: step.Name})
}

// made is what a test makes, as far as others read it.
var made = map[ci.Step][]string{
	ci.ValidateSample: {artifact.Schema, artifact.Dataset, artifact.Train, artifact.Validation, artifact.Test},
	ci.TestArtifacts:  {artifact.Bundle, artifact.Evaluation, artifact.Golden},
}

func (c *commits) test(step ci.Step, in activities.TestInput) activities.TestOutput {
	c.mu.Lock()
	c.ran = append(c.ran, string(step))
	c.read[step] = in
	happens := c.during[step]
	c.mu.Unlock()
	if happens != nil {
		happens()
	}
	out := activities.TestOutput{Step: step, Status: ci.Passed, Said: "fine", Made: map[string]artifact.Ref{}}
	for _, role := range made[step] {
		out.Made[role] = artifact.Ref{SHA256: role}
	}
	if status, has := c.ends[step]; has {
		out.Status = status
		if status == ci.Refused {
			out.Reasons = []string{string(step) + " says no"}
		}
	}
	return out
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
		})
	}
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

// A pipeline that is another repository's is not replaced, and the commit is told so.
func TestAPushToAnotherRepositoryReplacesNothing(t *testing.T) {
	t.Parallel()
	c := newCommits()
	c.known = "loans"
	c.register = func(in activities.RegisterPipelineInput) (activities.RegisterPipelineOutput, error) {
		require.Equal(t, "loans", in.Repository)
		return activities.RegisterPipelineOutput{}, temporal.NewNonRetryableApplicationError("the pipeline is of the repository cards", string(fault.Refused), nil)
	}
	result, err := c.integrate(t, IntegrationInput{Ref: "main"})
	require.NoError(t, err)
	require.Equal(t, Refused, result.Verdict)
	require.Equal(t, ci.RegisterPipeline, result.FailedStep)
	require.Empty(t, c.trained)
	require.Equal(t, forge.Failure, c.told[len(c.told)-1].State)
}

func TestRunsOfOneBranchThatAreNotOne(t *testing.T) {
	t.Parallel()
	main := IntegrationInput{Repository: "loans", Ref: "refs/heads/main"}
	for _, other := range []IntegrationInput{{Repository: "loans", Ref: "main", TestOnly: true}, {Repository: "loans", Ref: "main", Against: "release"}} {
		require.NotEqual(t, main.ID(), other.ID(), "what is only tested ends no run that publishes")
	}
	require.Equal(t, main.ID(), IntegrationInput{Repository: "loans", Ref: "c0ffee", Branch: "main"}.ID())
	require.NotContains(t, IntegrationInput{Repository: "/srv/loans", Ref: "a/b", Against: "c/d"}.ID(), "/")
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
	require.Len(t, c.told, 1, "the forge is told of what could not be fetched")
	require.Equal(t, commitHash, c.told[0].Commit)
	require.True(t, c.told[0].Merged)
	require.Equal(t, forge.Failure, c.told[0].State)
	require.Equal(t, []string{"pipeline.yaml: both sides changed it"}, result.Reasons)
}

// A newer push ends the tests of the older one, and is tested in its place; while a version is being registered it waits. The push that began the run is no
// newer one, however often it comes.
func TestANewerPushTakesOver(t *testing.T) {
	t.Parallel()
	own, newer := IntegrationInput{Repository: "/srv/loans", Ref: "main", Event: "first"}, IntegrationInput{Repository: "/srv/loans", Ref: "main", Event: "second", Actor: "bob"}
	for _, test := range []struct {
		name      string
		at        ci.Step
		push      IntegrationInput
		published int
		anew      bool
	}{
		{"while it is tested", ci.ValidateSample, newer, 0, true},
		{"while it is published", ci.Publish, newer, 0, true},
		{"while it is registered", ci.RegisterPipeline, newer, 1, true},
		{"the same push", ci.ValidateSample, own, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCommits()
			c.during[test.at] = sync.OnceFunc(func() {
				c.env.SignalWorkflow(PushSignal, test.push)
				time.Sleep(10 * time.Millisecond) // the step ends after the signal has come
			})
			result, err := c.integrate(t, own)
			require.Len(t, c.trained, test.published)
			if !test.anew {
				require.NoError(t, err)
				require.Equal(t, Published, result.Verdict)
				return
			}
			var again *workflow.ContinueAsNewError
			require.ErrorAs(t, err, &again)
			last := c.recorded[len(c.recorded)-1].Run
			if test.published == 0 {
				require.Equal(t, "aborted", last.Verdict)
				require.Contains(t, string(last.Result), "a newer push of main")
			} else {
				require.Equal(t, "published", last.Verdict, "what has begun to be registered is finished")
			}
		})
	}
}

// Push starts one integration, or tells the one of the branch that goes on.
func TestAPushStartsOrJoins(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var got IntegrationInput
	env.RegisterWorkflowWithOptions(Push, workflow.RegisterOptions{Name: PushName})
	env.RegisterWorkflowWithOptions(func(_ workflow.Context, in IntegrationInput) (Result, error) {
		got = in
		return Result{Verdict: Published}, nil
	}, workflow.RegisterOptions{Name: ContinuousIntegrationName})
	in := IntegrationInput{Repository: "loans", Ref: "refs/heads/main", Event: "e1"}
	env.ExecuteWorkflow(PushName, in)
	var triggered Triggered
	require.NoError(t, env.GetWorkflowResult(&triggered))
	require.Equal(t, TriggerStarted, triggered.Outcome)
	require.Equal(t, "integration-loans-main", triggered.WorkflowID)
	require.Equal(t, in, got)

	env = suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(Push, workflow.RegisterOptions{Name: PushName})
	env.ExecuteWorkflow(PushName, IntegrationInput{Repository: "loans"})
	require.Error(t, env.GetWorkflowError(), "a push has an event")
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
