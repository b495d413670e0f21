package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// publish makes a pipeline version of the commit, and has it trained.
func (i *integration) publish(ctx workflow.Context) (Result, error) {
	of := activities.PackageInput{Tree: i.commit.Tree, Commit: i.commit.Commit, Predictor: i.image, Lock: i.lock()}
	for _, step := range i.out.Steps {
		of.Steps = append(of.Steps, activities.StepOutcome{Name: step.Name, Status: step.Status})
	}
	packaged, err := insist(ctx, &i.run, activities.PackagePipeline, "packaging", of, inVain...)
	if err != nil {
		return Result{}, err
	}
	published, err := insist(ctx, &i.run, activities.PublishPackage, "publishing", activities.PublishInput{PackageInput: of, Package: packaged.Package}, append(inVain, fault.Conflict)...)
	if err != nil {
		return Result{}, err
	}
	i.committed = "the pipeline version is being registered"
	ctx, release := workflow.NewDisconnectedContext(ctx) // a version that is half registered is worse than one that nobody wants any more
	defer release()
	registered, err := insist(ctx, &i.run, activities.RegisterPipeline, "registering the pipeline version", activities.RegisterPipelineInput{
		Tree: i.commit.Tree, Commit: i.commit.Commit, Package: packaged.Package, Predictor: i.image, Lock: i.lock(), RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, By: i.publisher(),
	}, inVain...)
	if failedWith(err, fault.Refused) {
		return i.refuse(ci.RegisterPipeline, cause(err)), nil
	}
	if err != nil {
		return Result{}, err
	}
	i.out.PipelineVersion, i.out.Package = registered.Version, published.Reference
	if err := i.train(ctx, registered); err != nil {
		return Result{}, err
	}
	return i.integrated(Published, fmt.Sprintf("%s version %d is published; its training is started by %s", registered.Pipeline, registered.Version, i.out.Training)), nil
}

// lock is what the features of the spec came to in the first test; nil of a commit without any.
func (i *integration) lock() *artifact.Ref {
	ref, has := i.made[ci.CheckSpec][artifact.FeatureLock]
	if !has {
		return nil
	}
	return &ref
}

// train has the new version trained and delivered by a run of its own, which goes on when this one has ended.
func (i *integration) train(ctx workflow.Context, version activities.RegisterPipelineOutput) error {
	id := VersionTriggerID(version.Pipeline, version.Version)
	i.begin(ctx, ContinuousTrainingName, "starting the training")
	child := outliving(ctx, id, fmt.Sprintf("train %s, pipeline version %d", version.Pipeline, version.Version))
	about := workflow.GetChildWorkflowOptions(child)
	about.TypedSearchAttributes = About(version.Pipeline, registry.ByCommit)
	var execution workflow.Execution
	err := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(child, about), TriggerName, TriggerInput{
		Run: TrainingRun, Pipeline: version.Pipeline, Trigger: registry.ByCommit, Actor: i.input.Actor, Cause: "commit " + i.commit.Commit,
	}).GetChildWorkflowExecution().Get(ctx, &execution)
	if alreadyRuns(err) { // of an earlier run of this commit
		err = nil
	}
	if err != nil {
		i.end(ctx, ContinuousTrainingName, StepFailed, cause(err))
		return err
	}
	i.out.Training = id
	i.end(ctx, ContinuousTrainingName, StepDone, "started by "+id)
	return nil
}
