package cli

import (
	"context"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/prune"
)

// openRuns asks Temporal which workflows go on, and what schedules will start.
func openRuns(ctx context.Context, temporal client.Client) (open prune.Open, err error) {
	var page []byte
	for {
		listed, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'", NextPageToken: page})
		if err != nil {
			return open, fault.Wrap(fault.Unavailable, err, "listing running workflows")
		}
		for _, execution := range listed.GetExecutions() {
			run, err := openRun(ctx, temporal, execution.GetExecution())
			if err != nil {
				return open, err
			}
			open.Runs = append(open.Runs, run)
		}
		if page = listed.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	open.Schedules, err = scheduledInputs(ctx, temporal)
	return open, err
}

// openRun is one of them, with all that its history holds: a step's result may name what no record does yet, and a keeper hears of further triggers
// by signals, long after it was started. What waits for a workflow task to be over is not in the history yet: who sent it has just put what it names.
func openRun(ctx context.Context, temporal client.Client, of *commonpb.WorkflowExecution) (prune.OpenRun, error) {
	run := prune.OpenRun{ID: of.GetRunId()}
	visit := proxy.VisitPayloadsOptions{Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, payload := range payloads {
			run.Payloads = append(run.Payloads, payload.GetData())
		}
		return payloads, nil
	}}
	events := temporal.GetWorkflowHistory(ctx, of.GetWorkflowId(), of.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return run, fault.Wrap(fault.Unavailable, err, "reading the history of %s", of.GetWorkflowId())
		}
		if err := proxy.VisitPayloads(ctx, event, visit); err != nil {
			return run, fault.Wrap(fault.Internal, err, "reading the history of %s", of.GetWorkflowId())
		}
	}
	return run, nil
}

// scheduledInputs are what schedules start workflows with.
func scheduledInputs(ctx context.Context, temporal client.Client) (inputs [][]byte, err error) {
	all, err := temporal.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing schedules")
	}
	for all.HasNext() {
		entry, err := all.Next()
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "listing schedules")
		}
		described, err := temporal.ScheduleClient().GetHandle(ctx, entry.ID).Describe(ctx)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading schedule %s", entry.ID)
		}
		action, is := described.Schedule.Action.(*client.ScheduleWorkflowAction)
		if !is {
			continue
		}
		for _, arg := range action.Args {
			if payload, is := arg.(*commonpb.Payload); is {
				inputs = append(inputs, payload.GetData())
			}
		}
	}
	return inputs, nil
}
