package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/forge"
)

// tellEnd tells the forge how the run ended. A status that still says "pending" holds up whoever waits for it.
func (i *integration) tellEnd(ctx workflow.Context, result Result, failure error) {
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	workflow.Go(last, func(ctx workflow.Context) { // who waits for a newer commit does not wait for a forge to hear of this one
		if workflow.Await(ctx, func() bool { return i.newer != nil }) == nil && workflow.Sleep(ctx, toldBriefly) == nil {
			release()
		}
	})
	switch {
	case failure != nil:
		i.tell(last, forge.Error, "it could not be tested to the end")
	case result.Verdict == Published, result.Verdict == Nothing:
		i.tell(last, forge.Success, result.Reasons[0])
	case result.Verdict == Refused:
		i.tell(last, forge.Failure, fmt.Sprintf("%s: %s", i.out.FailedStep, result.Reasons[0]))
	default:
		i.tell(last, forge.Error, result.Reasons[0])
	}
}

// How long a forge is told how a run ended, if it does not answer, and how long once a newer push waits.
const (
	told        = time.Hour
	toldBriefly = 30 * time.Second
)

// tell tells the forge of a repository that the settings know how it goes. That it cannot be told changes nothing of that.
func (i *integration) tell(ctx workflow.Context, state forge.State, text string) {
	repository, commit := i.commit.Known, i.commit.Commit
	if i.commit.Commit == "" && i.input.Packed == nil { // it could not be fetched
		repository, commit = i.input.Repository, i.input.Commit
	}
	if repository == "" || commit == "" {
		return
	}
	step := activities.ReportStatus
	o := options(step.Queue(), step.Patience, "tell the forge: "+string(state))
	if state != forge.Pending {
		o.RetryPolicy, o.ScheduleToCloseTimeout = retries(0), told
	}
	execution := workflow.GetInfo(ctx).WorkflowExecution
	_, err := callWith(ctx, o, step, activities.StatusInput{
		Repository: repository, Commit: commit, Merged: i.input.Against != "", State: state, Text: text, Page: i.page, WorkflowID: execution.ID, RunID: execution.RunID,
	})
	if err != nil {
		workflow.GetLogger(ctx).Warn("the forge was not told of the commit", "error", err)
	}
}
