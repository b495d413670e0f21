package cli

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/serving"
)

// recordedRoots are what the registry needs: all model versions, schema versions and pipelines that were ever registered, with the runs that made
// or delivered them, and the runs that go on or ended since the limit. What a canary saw, and policies, stand in the registry itself.
func recordedRoots(ctx context.Context, reg registry.Registry, before time.Time) ([]retention.Root, error) {
	versions, err := reg.Versions(ctx, "")
	if err != nil {
		return nil, err
	}
	pipelines, err := reg.Pipelines(ctx)
	if err != nil {
		return nil, err
	}
	r := roots{registry: reg, byWhy: map[string][]string{}, names: map[string]bool{}}
	for _, v := range versions {
		r.names[v.Name] = true
		if err := r.document(modelVersions, v); err != nil {
			return nil, err
		}
	}
	for _, p := range pipelines {
		r.names[p.Name] = true
	}
	for _, name := range sortedKeys(r.names) {
		if err := r.pipeline(ctx, name); err != nil {
			return nil, err
		}
	}
	for _, v := range versions {
		if err := r.run(ctx, modelRuns, v.RunID); err != nil {
			return nil, err
		}
	}
	if err := r.runs(ctx, before); err != nil {
		return nil, err
	}
	var all []retention.Root
	for _, why := range []string{modelVersions, schemaVersions, pipelineSpecs, deliveries, modelRuns, telling, recentRuns} {
		all = append(all, retention.Root{Why: why, Names: r.byWhy[why]})
	}
	return all, nil
}

// Why objects are kept, see retention.Root.
const (
	modelVersions  = "model versions"
	schemaVersions = "schema versions"
	pipelineSpecs  = "pipeline specs"
	deliveries     = "deliveries in the serving record"
	modelRuns      = "runs that registered a version"
	telling        = "looks that found something"
	recentRuns     = "runs that go on or are younger than the limit"
	openWorkflows  = "running workflows"
	openSchedules  = "schedules"
)

// roots collects the digests of roots.
type roots struct {
	registry registry.Registry
	byWhy    map[string][]string
	names    map[string]bool // of models and pipelines
}

func (r roots) add(why string, data []byte) {
	r.byWhy[why] = append(r.byWhy[why], retention.Digests(data)...)
}

// document adds what a record names.
func (r roots) document(why string, record any) error {
	data, err := json.Marshal(record)
	r.add(why, data)
	return fault.Wrap(fault.Internal, err, "encoding %T", record)
}

// pipeline adds what is registered under a name.
func (r roots) pipeline(ctx context.Context, name string) error {
	specs, err := r.registry.PipelineHistory(ctx, name)
	if err != nil {
		return err
	}
	for _, spec := range specs {
		r.add(pipelineSpecs, spec.YAML)
	}
	schemas, err := r.registry.SchemaVersions(ctx, name)
	if err != nil {
		return err
	}
	if err := r.document(schemaVersions, schemas); err != nil {
		return err
	}
	looks, err := r.registry.Looks(ctx, name, 0)
	if err != nil {
		return err
	}
	for _, look := range looks {
		if look.Verdict != monitor.Nothing {
			if err := r.run(ctx, telling, look.RunID); err != nil {
				return err
			}
		}
	}
	for _, environment := range []string{serving.Production, serving.Staging} {
		history, err := r.registry.ServingHistory(ctx, name, environment)
		if err != nil {
			return err
		}
		for _, record := range history {
			// A person's record names no run, and then nothing is found.
			if err := r.run(ctx, deliveries, record.Writer[strings.LastIndex(record.Writer, "/")+1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// runs adds those that go on or have ended since the limit.
func (r roots) runs(ctx context.Context, before time.Time) error {
	all, err := r.registry.Runs(ctx, "", math.MaxInt32)
	if err != nil {
		return err
	}
	for _, run := range all {
		if run.Status != registry.RunRunning && run.EndedAt.Before(before) {
			continue
		}
		if err := r.run(ctx, recentRuns, run.ID); err != nil {
			return err
		}
	}
	return nil
}

// run adds what a run has made, and what its result names. One that is not recorded has made nothing.
func (r roots) run(ctx context.Context, why, id string) error {
	if id == "" {
		return nil
	}
	made, err := r.registry.RunArtifacts(ctx, id)
	if err != nil {
		return err
	}
	if err := r.document(why, made); err != nil {
		return err
	}
	run, err := r.registry.Run(ctx, id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	r.add(why, run.Result)
	return err
}

// runningRoots are what workflows that go on were started with and have made, and what schedules will start workflows with.
func runningRoots(ctx context.Context, reg registry.Registry, temporal client.Client) ([]retention.Root, error) {
	r := roots{registry: reg, byWhy: map[string][]string{}}
	var page []byte
	for {
		open, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'", NextPageToken: page})
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "listing running workflows")
		}
		for _, execution := range open.GetExecutions() {
			if err := r.workflow(ctx, temporal, execution.GetExecution()); err != nil {
				return nil, err
			}
		}
		if page = open.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	if err := r.scheduled(ctx, temporal); err != nil {
		return nil, err
	}
	return []retention.Root{{Why: openWorkflows, Names: r.byWhy[openWorkflows]}, {Why: openSchedules, Names: r.byWhy[openSchedules]}}, nil
}

// workflow adds what a workflow that goes on was started with, and what it has made.
func (r roots) workflow(ctx context.Context, temporal client.Client, of *commonpb.WorkflowExecution) error {
	events := temporal.GetWorkflowHistory(ctx, of.GetWorkflowId(), of.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if events.HasNext() {
		first, err := events.Next()
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading the input of %s", of.GetWorkflowId())
		}
		for _, payload := range first.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads() {
			r.add(openWorkflows, payload.GetData())
		}
	}
	return r.run(ctx, openWorkflows, of.GetRunId())
}

// scheduled adds what schedules start workflows with.
func (r roots) scheduled(ctx context.Context, temporal client.Client) error {
	all, err := temporal.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listing schedules")
	}
	for all.HasNext() {
		entry, err := all.Next()
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "listing schedules")
		}
		described, err := temporal.ScheduleClient().GetHandle(ctx, entry.ID).Describe(ctx)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading schedule %s", entry.ID)
		}
		action, is := described.Schedule.Action.(*client.ScheduleWorkflowAction)
		if !is {
			continue
		}
		for _, arg := range action.Args {
			if payload, is := arg.(*commonpb.Payload); is {
				r.add(openSchedules, payload.GetData())
			}
		}
	}
	return nil
}
