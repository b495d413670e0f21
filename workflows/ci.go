package workflows

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/registry"
)

// IntegrationInput starts ContinuousIntegration; {"repository":"/data/loans","ref":"main"} is enough.
type IntegrationInput struct {
	// Repository is the name of one that the workers know, or a folder that they may read.
	Repository string `json:"repository"`
	// Ref is a branch, a tag or a commit. Defaults to the repository's branch.
	Ref string `json:"ref,omitempty"`
	// Branch is the one that the ref is of: a newer push of it takes over. Defaults to the ref.
	Branch string `json:"branch,omitempty"`
	// Against is the branch into which the ref is to be merged: it is tested as merged, and not published.
	Against string `json:"against,omitempty"`
	// TestOnly ends after the tests.
	TestOnly bool `json:"test_only,omitempty"`
	// Commit is the one of which a forge told, which is told how it goes though it cannot be fetched.
	Commit string `json:"commit,omitempty"`
	// Fork says that the commit comes from a copy of the repository, a fork: its commands are not run.
	Fork bool `json:"fork,omitempty"`
	// Packed are the files of a commit that whoever starts it has packed, in place of what a worker would fetch.
	Packed *activities.CommitOutput `json:"packed,omitempty"`
	// TakeOver makes the pipeline this repository's own: pushes to it replace the pipeline from then on. A push cannot say so.
	TakeOver bool `json:"take_over,omitempty"`
	// Trigger says why it runs. Defaults to manual.
	Trigger registry.Trigger `json:"trigger,omitempty"`
	// Actor is who started it, or pushed. Defaults to operator.
	Actor string `json:"actor,omitempty"`
	// Event is the push that it is for; empty of one by hand.
	Event string `json:"event,omitempty"`
}

// ID is the workflow ID of the integration.
// What is tested as merged, or only tested, ends no run that publishes. Into which branch it is merged is no part: a commit has one status of that kind, and a
// merge request that is pointed at another target ends the tests of the one before.
func (i IntegrationInput) ID() string {
	branch := cmp.Or(i.Branch, i.Ref)
	switch {
	case i.Against != "":
		return IntegrationID(i.Repository, branch, "merged")
	case i.TestOnly:
		return IntegrationID(i.Repository, branch, "test")
	}
	return IntegrationID(i.Repository, branch)
}

// Integrated is how a commit came through.
type Integrated struct {
	// FailedStep is the first that was refused, empty where none was.
	FailedStep ci.Step `json:"failed_step"`
	// PipelineVersion and Package are what it was published as; 0 and empty where it was not.
	PipelineVersion int    `json:"pipeline_version"`
	Package         string `json:"package"`
	Commit          string `json:"commit"`
	Tree            string `json:"tree"` // SHA-256 of the files that were tested
	// Merged is the commit of the branch into which it was merged for the tests; empty where it was tested alone.
	Merged string                   `json:"merged,omitempty"`
	Steps  []activities.StepOutcome `json:"steps"`
	// Training is the trigger by which the new version is trained.
	Training string `json:"training,omitempty"`
}

// Words say which commit it is, and what became of it.
func (i *Integrated) Words() string {
	text := fmt.Sprintf("commit %.12s", i.Commit)
	if i.Merged != "" {
		text += fmt.Sprintf(" merged into %.12s", i.Merged)
	}
	if i.FailedStep != "" {
		text += ", by " + string(i.FailedStep)
	}
	if i.Package != "" {
		text += ", " + i.Package
	}
	return text
}

// ContinuousIntegration tests a commit of a pipeline's repository. One that passes is packaged, published and registered, and trained. Of a repository's
// branch one is tested at a time: a newer push ends the older run, unless that is being published, and goes on in its place.
func ContinuousIntegration(ctx workflow.Context, input IntegrationInput) (Result, error) {
	if input.Repository == "" {
		return Result{}, usage(`"repository" is missing; give {"repository":"/data/loans","ref":"main"}`)
	}
	if err := checkTexts("repository", input.Repository, "ref", input.Ref, "branch", input.Branch, "against", input.Against, "actor", input.Actor); err != nil {
		return Result{}, err
	}
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	input.Actor = cmp.Or(input.Actor, "operator")
	i := &integration{input: input, ended: map[ci.Step]ci.Status{}, made: map[ci.Step]map[string]artifact.Ref{}}
	i.run = newRun(activities.Integrate, "", input.Trigger, nil, plannedIntegration()...)
	pushes := workflow.GetSignalChannel(ctx, PushSignal)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var push IntegrationInput
			if !pushes.Receive(ctx, &push) {
				return
			}
			i.hear(push)
		}
	})
	result, err := i.execute(ctx, i.integrateAndSay)
	i.tellEnd(ctx, result, err)
	for {
		var push IntegrationInput
		if !pushes.ReceiveAsync(&push) {
			break
		}
		i.hear(push)
	}
	if i.newer != nil {
		// On whichever build is current then: a branch that is pushed to all day would keep an old one from draining.
		return Result{}, workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade},
			ContinuousIntegrationName, *i.newer)
	}
	return result, err
}

// plannedIntegration are the steps in the order in which people read them.
func plannedIntegration() []string {
	planned := []string{activities.FetchCommit.Name}
	for _, test := range ci.Tests() {
		planned = append(planned, string(test.Step))
	}
	return append(planned, activities.PackagePipeline.Name, activities.PublishPackage.Name, activities.RegisterPipeline.Name, ContinuousTrainingName)
}

// integration is the state of one run.
type integration struct {
	run
	input  IntegrationInput
	commit activities.CommitOutput
	ended  map[ci.Step]ci.Status
	made   map[ci.Step]map[string]artifact.Ref // by each test that has ended
	out    Integrated
	image  string        // in which the commit was tried
	page   *artifact.Ref // of how the commit came through, once it is written
	// newer is the push that came since; the last one counts.
	newer *IntegrationInput
}

// hear takes in a push. One that started this run, and came once more, is none.
func (i *integration) hear(push IntegrationInput) {
	if push.Event != "" && push.Event == i.input.Event {
		return
	}
	i.newer = &push
	if i.committed == "" && i.stop != nil {
		i.aborted = &Intervention{Actor: cmp.Or(push.Actor, "operator"), Reason: "a newer push of " + push.Ref}
		i.stop()
	}
}

// integrate fetches, tests, publishes.
func (i *integration) integrate(ctx workflow.Context) (Result, error) {
	var err error
	early := i.input.Commit != "" && i.input.Packed == nil
	if early { // what was told of it before, as of a merge into another branch, does not stand while it is fetched
		i.tell(ctx, forge.Pending, "it is being fetched")
	}
	// A push is told once: what only waiting mends is waited for, until a newer one comes.
	if i.commit, err = insist(ctx, &i.run, activities.FetchCommit, "fetching the commit", activities.CommitInput{
		Repository: i.input.Repository, Ref: i.input.Ref, Branch: i.input.Branch, Against: i.input.Against, Packed: i.input.Packed,
	}, inVain...); err != nil {
		if failedWith(err, fault.Refused) { // it cannot be merged, or is of a day to come
			return i.refuse(ci.FetchCommit, cause(err)), nil
		}
		return Result{}, err
	}
	i.about(ctx)
	if !early {
		i.tell(ctx, forge.Pending, "it is being tested")
	}
	if i.Pipeline != "" {
		_, err := patiently(ctx, &i.run, activities.CheckOwner, "whose the pipeline is", activities.OwnerInput{Pipeline: i.Pipeline, By: i.publisher()})
		if failedWith(err, fault.Refused) { // no test of this commit is to see anything of that pipeline
			i.out.Steps = activities.InOrder(map[ci.Step]activities.StepOutcome{ci.CheckSpec: {Name: ci.CheckSpec, Status: ci.Refused, Reasons: []string{cause(err)}}})
			i.end(ctx, string(ci.CheckSpec), StepFailed, cause(err))
			i.skip(ctx, "the commit is refused", i.waiting()...)
			return i.refuse(ci.CheckSpec, cause(err)), nil
		}
		if err != nil {
			return Result{}, err
		}
	}
	if err := i.test(ctx); err != nil {
		return Result{}, err
	}
	if failed := activities.Failed(i.out.Steps); failed != nil {
		i.skip(ctx, "the commit is refused", i.waiting()...)
		return i.refuse(failed.Name, failed.Reasons...), nil
	}
	if i.input.TestOnly || i.input.Against != "" || i.commit.Other {
		why := "every test passed; it is not published, for only its tests were asked for"
		if i.commit.Other {
			why = "every test passed; it is not published, for it is not the repository's own branch"
		}
		i.skip(ctx, why, i.waiting()...)
		return i.integrated(Nothing, why), nil
	}
	return i.publish(ctx)
}

// integrateAndSay integrates, and writes a page of how that went. A page that cannot be written changes nothing of it.
func (i *integration) integrateAndSay(ctx workflow.Context) (Result, error) {
	result, err := i.integrate(ctx)
	if err != nil {
		return result, err
	}
	summary, failed := call(ctx, activities.WriteSummary, "write the page", activities.SummaryInput{
		Repository: i.input.Repository, Ref: i.input.Ref, Commit: i.commit, Refused: i.out.FailedStep, Reasons: result.Reasons, Steps: i.out.Steps,
	})
	if failed != nil {
		workflow.GetLogger(ctx).Warn("there is no page of the commit", "error", failed)
		return result, nil
	}
	i.page = &summary.HTML
	return result, nil
}

// publisher is who publishes the commit.
func (i *integration) publisher() activities.Publisher {
	return activities.Publisher{Repository: cmp.Or(i.commit.Origin, i.input.Repository), Trigger: i.input.Trigger, TakeOver: i.input.TakeOver}
}

// about says what the run is about, once that is known.
func (i *integration) about(ctx workflow.Context) {
	i.out.Commit, i.out.Tree, i.out.Merged = i.commit.Commit, i.commit.Tree.SHA256, i.commit.Merged
	i.Pipeline = i.commit.Pipeline
	_ = workflow.UpsertTypedSearchAttributes(ctx, pipelineKey.ValueSet(i.Pipeline))
}

// test takes every test that can be taken, those that do not wait for each other side by side.
func (i *integration) test(ctx workflow.Context) error {
	champion, err := i.champion(ctx)
	if err != nil {
		return err
	}
	ctx, stop := workflow.WithCancel(ctx) // tests beside one that cannot be taken to its end are not waited for
	defer stop()
	known := activities.TestInput{Tree: i.commit.Tree, KnownAt: i.commit.Day, Fork: i.input.Fork, Champion: champion}
	outcomes := map[ci.Step]activities.StepOutcome{}
	running := 0
	begun := map[ci.Step]bool{}
	var failure error
	selector := workflow.NewSelector(ctx)
	for {
		for _, name := range ci.Ready(i.ended) {
			if begun[name] || failure != nil {
				continue
			}
			begun[name] = true
			running++
			step := activities.TestStep(name)
			i.begin(ctx, step.Name, "testing")
			in := activities.GivenTo(name, known, i.made)
			future, ended := workflow.NewFuture(ctx)
			workflow.Go(ctx, func(ctx workflow.Context) { ended.Set(patiently(ctx, &i.run, step, string(name), in)) })
			selector.AddFuture(future, func(f workflow.Future) {
				running--
				var out activities.TestOutput
				if err := f.Get(ctx, &out); err != nil {
					i.endWith(ctx, step.Name, err)
					if failure == nil {
						failure = err
						stop()
					}
					return
				}
				i.ended[name] = out.Status
				i.made[name] = out.Made
				i.image = cmp.Or(out.Image, i.image)
				outcomes[name] = out.Outcome()
				i.end(ctx, step.Name, stateOf(out.Status), out.Summary())
			})
		}
		if running == 0 {
			break
		}
		selector.Select(ctx)
	}
	i.out.Steps = activities.InOrder(outcomes)
	return failure
}

// stateOf is how the progress shows an outcome.
func stateOf(status ci.Status) StepState {
	switch status {
	case ci.Refused:
		return StepFailed
	case ci.NotApplicable:
		return StepSkipped
	}
	return StepDone
}

// champion is the bundle whose contract of requests the commit must leave unbroken; nil without one.
func (i *integration) champion(ctx workflow.Context) (*artifact.Ref, error) {
	if i.Pipeline == "" {
		return nil, nil
	}
	found, err := patiently(ctx, &i.run, activities.FindChampion, "find the champion", activities.ChampionInput{Model: i.Pipeline})
	if err != nil || found.Champion == nil {
		return nil, err
	}
	return &found.Champion.Bundle, nil
}

// waiting are the steps that have not begun.
func (i *integration) waiting() (names []string) {
	for _, step := range i.Steps {
		if step.State == StepPending {
			names = append(names, step.Name)
		}
	}
	return names
}

// refuse is how a commit ends that a step refused.
func (i *integration) refuse(step ci.Step, reasons ...string) Result {
	i.out.FailedStep = step
	return i.integrated(Refused, reasons...)
}

func (i *integration) integrated(verdict Verdict, reasons ...string) Result {
	result := i.result(verdict, reasons...)
	result.Integrated = &i.out
	return result
}
