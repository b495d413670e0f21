package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/workflows"
)

// closed is how many completed runs of each workflow are replayed, beside all that are open.
const closed = 3

// shortest is the first history of which a replay can say anything: started, a task for it, and the task taken.
const shortest = 3

// historian replays the histories of a cluster.
type historian struct {
	temporal client.Client
	// register adds the workflows that they are played to.
	register func(worker.WorkflowRegistry)
}

// replay plays to this program's workflows, of each of them, every run that is open and the newest that were completed.
func (h historian) replay(ctx context.Context) (activities.Replayed, error) {
	replayed := activities.Replayed{Failures: []string{}}
	for _, name := range registered(h.register) {
		runs, err := h.runs(ctx, name)
		if err != nil {
			return replayed, err
		}
		for _, run := range runs {
			history, err := h.read(ctx, run)
			if err != nil {
				return replayed, err
			}
			if len(history.GetEvents()) < shortest {
				continue
			}
			replayed.Histories++
			if err := play(h.register, run, history); err != nil {
				replayed.Failures = append(replayed.Failures, fmt.Sprintf("%s: the history of %s (run %s) is not replayed: %s", name, run.GetWorkflowId(), run.GetRunId(), deviation(history, err)))
			}
		}
	}
	return replayed, nil
}

// play plays one history.
func play(register func(worker.WorkflowRegistry), run *commonpb.WorkflowExecution, history *historypb.History) error {
	replayer := worker.NewWorkflowReplayer()
	register(replayer)
	quiet := log.NewStructuredLogger(slog.New(slog.DiscardHandler)) // what a workflow said was said when it ran
	return replayer.ReplayWorkflowHistoryWithOptions(quiet, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: run.GetWorkflowId(), RunID: run.GetRunId()},
	})
}

// eventID is how the client names an event of which it says nothing more.
var eventID = regexp.MustCompile(`(?i)event_?id: ?(\d+)`)

// deviation says where a history went another way, with the name of the step that it names by number alone.
func deviation(history *historypb.History, err error) string {
	text := err.Error()
	named := eventID.FindStringSubmatch(text)
	if named == nil {
		return text
	}
	for _, event := range history.GetEvents() {
		if step := event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName(); step != "" && strconv.FormatInt(event.GetEventId(), 10) == named[1] {
			return fmt.Sprintf("%s (event %d: the step %s)", text, event.GetEventId(), step)
		}
	}
	return text
}

// runs are those of a workflow that are replayed.
func (h historian) runs(ctx context.Context, name string) ([]*commonpb.WorkflowExecution, error) {
	var runs []*commonpb.WorkflowExecution
	list := func(status string, size int32, pages bool) error {
		for page := []byte(nil); ; {
			listed, err := h.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
				Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = '%s'", name, status), PageSize: size, NextPageToken: page,
			})
			if err != nil {
				return fault.Wrap(fault.Unavailable, err, "listing the runs of %s", name)
			}
			for _, execution := range listed.GetExecutions() {
				runs = append(runs, execution.GetExecution())
			}
			if page = listed.GetNextPageToken(); !pages || len(page) == 0 {
				return nil
			}
		}
	}
	if err := list("Running", 0, true); err != nil {
		return nil, err
	}
	return runs, list("Completed", closed, false)
}

// read is the history of a run as far as it has come.
func (h historian) read(ctx context.Context, run *commonpb.WorkflowExecution) (*historypb.History, error) {
	events := h.temporal.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	history := &historypb.History{}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the history of %s", run.GetWorkflowId())
		}
		history.Events = append(history.Events, event)
	}
	return history, nil
}

// names is a worker's registry that keeps names alone.
type names struct {
	worker.WorkflowRegistry // the rest is not called
	all                     []string
}

// RegisterWorkflowWithOptions keeps the name.
func (n *names) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	n.all = append(n.all, o.Name)
}

// registered are the names of the workflows.
func registered(register func(worker.WorkflowRegistry)) []string {
	var n names
	register(&n)
	return n.all
}

// historianOf is that of this program's workflows.
func historianOf(temporal client.Client) historian { return historian{temporal, workflows.Register} }
