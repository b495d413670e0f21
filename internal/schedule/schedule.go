// Package schedule keeps the Temporal Schedules of pipelines: one that retrains, and one that monitors. A spec declares them, a person may set,
// pause or delete them since. And it keeps those of views of features, whose promised freshness declares them.
package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

// catchUp is for how long the time of a trigger is made up for that passed while Temporal was away. Of all that passed one is, see Overlap below.
const catchUp = 366 * 24 * time.Hour

// Runs are what a pipeline's schedules start, in the order in which they are told.
var Runs = []workflows.Scheduled{workflows.TrainingRun, workflows.MonitorRun}

// Schedules are those of a Temporal namespace.
type Schedules struct{ Client client.ScheduleClient }

// Set makes the schedule, or changes when it triggers, as a person wants it. One that is paused stays paused, and one of a pipeline that is paused is made so.
// by says who that is.
func (s Schedules) Set(ctx context.Context, name string, run workflows.Scheduled, timing pipeline.Timing, by string) error {
	return s.set(ctx, name, run, timing, by, "")
}

// set keeps what a spec declares; nothing where a person sets it.
func (s Schedules) set(ctx context.Context, name string, run workflows.Scheduled, timing pipeline.Timing, by string, declared pipeline.Timing) error {
	note := fmt.Sprintf("%s, set by %s", timing, by)
	wanted := client.Schedule{
		Action: action(name, run, declared), Spec: spec(timing),
		Policy: policy(),
		State:  &client.ScheduleState{Note: note},
	}
	what := fmt.Sprintf("starts the %s of %s; a trigger that comes while one runs is kept", run, name)
	return s.put(ctx, run.ScheduleID(name), name, what, wanted, func() (*client.ScheduleState, error) { return s.beginning(ctx, name, note) })
}

// put makes a schedule, or changes it; one that is paused stays so. What says what it does of what it is about, and begin how it is where it is made.
func (s Schedules) put(ctx context.Context, id, about, what string, wanted client.Schedule, begin func() (*client.ScheduleState, error)) error {
	update := func() error {
		return s.Client.GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(is client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			if state := is.Description.Schedule.State; state != nil && state.Paused {
				wanted.State = state
			}
			return &client.ScheduleUpdate{Schedule: &wanted}, nil
		}})
	}
	err := update()
	if isGone(err) {
		if wanted.State, err = begin(); err != nil {
			return err
		}
		_, err = s.Client.Create(ctx, client.ScheduleOptions{
			ID: id, Spec: *wanted.Spec, Action: wanted.Action, Overlap: wanted.Policy.Overlap, CatchupWindow: wanted.Policy.CatchupWindow,
			Note: wanted.State.Note, Paused: wanted.State.Paused, Memo: map[string]any{"what": what}, TypedSearchAttributes: workflows.About(about, registry.BySchedule),
		})
	}
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) { // somebody else has made it meanwhile
		err = update()
	}
	return fault.Wrap(fault.Unavailable, err, "setting the schedule %s", id)
}

// policy lets a trigger that no worker has taken yet stand for those that come meanwhile, and makes up for one of those that an outage has missed.
func policy() *client.SchedulePolicies {
	return &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: catchUp}
}

// beginning is the state of a schedule that is made: that of another one of the pipeline which is paused, for people pause a pipeline and not a schedule.
func (s Schedules) beginning(ctx context.Context, name, note string) (*client.ScheduleState, error) {
	for _, run := range Runs {
		described, err := s.Client.GetHandle(ctx, run.ScheduleID(name)).Describe(ctx)
		if isGone(err) {
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the schedule %s", run.ScheduleID(name))
		}
		if state := described.Schedule.State; state != nil && state.Paused {
			return &client.ScheduleState{Paused: true, Note: state.Note}, nil
		}
	}
	return &client.ScheduleState{Note: note}, nil
}

// claim makes a schedule that a person has set, if there is one, a spec's: of one that declared that timing, or the schedule's own where none is known.
// Nothing else of it changes.
func (s Schedules) claim(ctx context.Context, name string, run workflows.Scheduled, declared pipeline.Timing) error {
	id := run.ScheduleID(name)
	err := s.Client.GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(is client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		claimed := is.Description.Schedule
		claimed.Action = action(name, run, cmp.Or(declared, pipeline.Timing(timing(claimed.Spec))))
		return &client.ScheduleUpdate{Schedule: &claimed}, nil
	}})
	if isGone(err) {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "setting the schedule %s", id)
}

// Delete takes the schedule away; fault.NotFound where there is none.
func (s Schedules) Delete(ctx context.Context, name string, run workflows.Scheduled) error {
	id := run.ScheduleID(name)
	return told(s.Client.GetHandle(ctx, id).Delete(ctx), "deleting", id)
}

// Pause stops the schedule from triggering until Resume; note says by whom, and why. fault.NotFound where there is none.
func (s Schedules) Pause(ctx context.Context, name string, run workflows.Scheduled, note string) error {
	id := run.ScheduleID(name)
	return told(s.Client.GetHandle(ctx, id).Pause(ctx, client.SchedulePauseOptions{Note: note}), "pausing", id)
}

// Resume lets it trigger again. fault.NotFound where there is none.
func (s Schedules) Resume(ctx context.Context, name string, run workflows.Scheduled, note string) error {
	id := run.ScheduleID(name)
	return told(s.Client.GetHandle(ctx, id).Unpause(ctx, client.ScheduleUnpauseOptions{Note: note}), "resuming", id)
}

// Trigger triggers it now, paused or not, as if its time had come. fault.NotFound where there is none.
func (s Schedules) Trigger(ctx context.Context, name string, run workflows.Scheduled) error {
	id := run.ScheduleID(name)
	// Whoever asks is heard, even while another trigger is under way.
	return told(s.Client.GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL}), "triggering", id)
}

// declaredMemo is where a schedule that a spec has set last keeps the timing that the spec declared: that of the runs that it starts, for its own cannot be changed.
const declaredMemo = "declared"

// declaredBy is what that says; empty where it says nothing.
func declaredBy(does client.ScheduleAction) (declared pipeline.Timing) {
	starts, _ := does.(*client.ScheduleWorkflowAction)
	if starts == nil {
		return ""
	}
	if kept, ok := starts.Memo[declaredMemo].(*commonpb.Payload); ok {
		_ = converter.GetDefaultDataConverter().FromPayload(kept, &declared) // what is no text is nothing that a spec declared
	}
	return declared
}

// action starts the pipeline's one run. A schedule appends a time to the ID.
func action(name string, run workflows.Scheduled, declared pipeline.Timing) *client.ScheduleWorkflowAction {
	var memo map[string]any
	if declared != "" {
		memo = map[string]any{declaredMemo: string(declared)}
	}
	return &client.ScheduleWorkflowAction{
		Memo: memo,
		ID:   "trigger-" + string(run) + "-" + name, Workflow: workflows.TriggerName, TaskQueue: workflows.TaskQueue,
		Args:                  []any{workflows.TriggerInput{Run: run, Pipeline: name, Trigger: registry.BySchedule, Actor: run.ScheduleID(name)}},
		TypedSearchAttributes: workflows.About(name, registry.BySchedule),
		StaticSummary:         fmt.Sprintf("start the %s of %s", run, name),
	}
}

// spec says a timing to Temporal, which keeps of a cron expression nothing but its comment.
func spec(timing pipeline.Timing) *client.ScheduleSpec {
	if timing.Cron() {
		return &client.ScheduleSpec{CronExpressions: []string{fmt.Sprintf("%s # %s", timing, timing)}}
	}
	return &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: timing.Interval()}}}
}

// told gives the faults of what is asked of one schedule their codes.
func told(err error, doing, id string) error {
	if isGone(err) {
		return fault.New(fault.NotFound, "there is no schedule %s; `loanops schedule list` shows those that there are", id)
	}
	return fault.Wrap(fault.Unavailable, err, "%s the schedule %s", doing, id)
}

// isGone says that there is no such schedule.
func isGone(err error) bool {
	var gone *serviceerror.NotFound
	return errors.As(err, &gone)
}
