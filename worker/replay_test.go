package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/workflows"
)

// past is a Temporal that holds histories, by their workflow IDs.
type past struct {
	client.Client // the rest is not called
	open, closed  map[string]*historypb.History
	away          error
}

func (p past) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	from := p.open
	if strings.Contains(r.GetQuery(), "'Completed'") {
		from = p.closed
	}
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for id, history := range from {
		name := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
		if strings.Contains(r.GetQuery(), "WorkflowType = '"+name+"'") {
			answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "run"}})
		}
	}
	return answer, p.away
}

// events are those of a history, one after the other.
type events struct{ rest []*historypb.HistoryEvent }

func (e *events) HasNext() bool { return len(e.rest) > 0 }
func (e *events) Next() (*historypb.HistoryEvent, error) {
	next := e.rest[0]
	e.rest = e.rest[1:]
	return next, nil
}

func (p past) GetWorkflowHistory(_ context.Context, id, _ string, _ bool, _ enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	if history, open := p.open[id]; open {
		return &events{history.GetEvents()}
	}
	return &events{p.closed[id].GetEvents()}
}

// kept is a history that the repository keeps.
func kept(t *testing.T, name string) *historypb.History {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "workflows", "testdata", "histories", name))
	require.NoError(t, err)
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history
}

// until is the beginning of a history: what there is of it while its run goes on.
func until(history *historypb.History, last int) *historypb.History {
	return &historypb.History{Events: history.GetEvents()[:last]}
}

// A worker says which of a cluster's histories its workflows do not go on with: those that are open as well, as far as they have come.
func TestHistoriesThatAWorkerDoesNotGoOnWith(t *testing.T) {
	promoted, bootstrapped := kept(t, "ContinuousDelivery-promoted.json"), kept(t, "ContinuousTraining-bootstrapped.json")
	cluster := past{
		open:   map[string]*historypb.History{"delivery-cards": until(promoted, 60), "training-just-begun": until(bootstrapped, 2)},
		closed: map[string]*historypb.History{"delivery-loans": promoted, "training-loans": bootstrapped},
	}
	same, err := historianOf(cluster).replay(t.Context())
	require.NoError(t, err)
	require.Empty(t, same.Failures)
	require.Equal(t, 3, same.Histories, "one has hardly begun")

	// A delivery that begins with another step.
	changed := func(r worker.WorkflowRegistry) {
		r.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ any) error {
			other := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
			return workflow.ExecuteActivity(other, "SmokeTest").Get(ctx, nil)
		}, workflow.RegisterOptions{Name: workflows.ContinuousDeliveryName})
		r.RegisterWorkflowWithOptions(workflows.ContinuousTraining, workflow.RegisterOptions{Name: workflows.ContinuousTrainingName})
	}
	other, err := historian{cluster, changed}.replay(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, other.Histories)
	require.Len(t, other.Failures, 2)
	for i, id := range []string{"delivery-cards", "delivery-loans"} {
		require.Contains(t, other.Failures[i], "ContinuousDelivery: the history of "+id+" (run run) is not replayed: ")
		require.Contains(t, other.Failures[i], "[TMPRL1100]")
		require.Contains(t, other.Failures[i], "RecordRun", "the step that comes in its place")
	}

	cluster.away = errors.New("the database is away")
	_, err = historianOf(cluster).replay(t.Context())
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "nothing is said to be replayed that was not")
}
