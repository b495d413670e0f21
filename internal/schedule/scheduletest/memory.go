// Package scheduletest has schedules without a Temporal.
package scheduletest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// Memory keeps schedules. It does with them what Temporal does, but for the passing of time.
type Memory struct {
	mu        sync.Mutex
	schedules map[string]*client.ScheduleDescription
	// Calls are what was asked for, such as "create retrain-cards"; a description is not among them. Of a trigger it is told what becomes of it while another
	// one is under way, such as "trigger retrain-cards AllowAll".
	Calls []string
	// Next is when every schedule would trigger, paused or not: Temporal tells that of a paused one as well.
	Next []time.Time
	// Err is what every call ends with.
	Err error
	// Undeletable has deletions fail, and nothing else.
	Undeletable bool
}

// New is without a schedule.
func New() *Memory { return &Memory{schedules: map[string]*client.ScheduleDescription{}} }

// Create makes a schedule.
func (m *Memory) Create(_ context.Context, o client.ScheduleOptions) (client.ScheduleHandle, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Err != nil {
		return nil, m.Err
	}
	if m.schedules[o.ID] != nil {
		return nil, temporal.ErrScheduleAlreadyRunning
	}
	m.Calls = append(m.Calls, "create "+o.ID)
	m.schedules[o.ID] = &client.ScheduleDescription{Schedule: client.Schedule{
		Action: encoded(o.Action), Spec: parsed(&o.Spec), Policy: &client.SchedulePolicies{Overlap: o.Overlap, CatchupWindow: o.CatchupWindow},
		State: &client.ScheduleState{Note: o.Note, Paused: o.Paused},
	}}
	return handle{m, o.ID}, nil
}

// parsed keeps of a cron expression its comment, as Temporal does.
func parsed(spec *client.ScheduleSpec) *client.ScheduleSpec {
	is := *spec
	is.CronExpressions = nil
	for _, cron := range spec.CronExpressions {
		_, comment, _ := strings.Cut(cron, "#")
		is.Calendars = append(is.Calendars, client.ScheduleCalendarSpec{Comment: strings.TrimSpace(comment)})
	}
	return &is
}

// encoded has the memo of what is started as Temporal tells it.
func encoded(action client.ScheduleAction) client.ScheduleAction {
	starts, ok := action.(*client.ScheduleWorkflowAction)
	if !ok {
		return action
	}
	is := *starts
	is.Memo = map[string]any{}
	for key, value := range starts.Memo {
		payload, err := converter.GetDefaultDataConverter().ToPayload(value)
		if err != nil {
			panic(err)
		}
		is.Memo[key] = payload
	}
	return &is
}

// List is not needed by anybody.
func (*Memory) List(context.Context, client.ScheduleListOptions) (client.ScheduleListIterator, error) {
	panic("scheduletest: nobody lists")
}

// GetHandle is of a schedule that there may be.
func (m *Memory) GetHandle(_ context.Context, id string) client.ScheduleHandle { return handle{m, id} }

type handle struct {
	memory *Memory
	id     string
}

func (h handle) GetID() string { return h.id }

// change does something with the schedule, which must be there.
func (h handle) change(what string, do func(*client.ScheduleDescription) error) error {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	if h.memory.Err != nil {
		return h.memory.Err
	}
	is := h.memory.schedules[h.id]
	if is == nil {
		return serviceerror.NewNotFound("schedule not found")
	}
	if what != "" {
		h.memory.Calls = append(h.memory.Calls, what+" "+h.id)
	}
	return do(is)
}

func (h handle) Describe(context.Context) (described *client.ScheduleDescription, err error) {
	err = h.change("", func(is *client.ScheduleDescription) error {
		copied := *is
		copied.Info.NextActionTimes = slices.Clone(h.memory.Next)
		described = &copied
		return nil
	})
	return described, err
}

func (h handle) Update(_ context.Context, o client.ScheduleUpdateOptions) error {
	return h.change("update", func(is *client.ScheduleDescription) error {
		update, err := o.DoUpdate(client.ScheduleUpdateInput{Description: *is})
		if err == nil {
			is.Schedule = *update.Schedule
			is.Schedule.Action = encoded(update.Schedule.Action)
			is.Schedule.Spec = parsed(update.Schedule.Spec)
		}
		return err
	})
}

func (h handle) Delete(context.Context) error {
	return h.change("delete", func(*client.ScheduleDescription) error {
		if h.memory.Undeletable {
			return serviceerror.NewUnavailable("the connection is lost")
		}
		delete(h.memory.schedules, h.id)
		return nil
	})
}

func (h handle) Pause(_ context.Context, o client.SchedulePauseOptions) error {
	return h.pause("pause", true, o.Note)
}

func (h handle) Unpause(_ context.Context, o client.ScheduleUnpauseOptions) error {
	return h.pause("resume", false, o.Note)
}

func (h handle) pause(what string, paused bool, note string) error {
	return h.change(what, func(is *client.ScheduleDescription) error {
		is.Schedule.State = &client.ScheduleState{Paused: paused, Note: note}
		return nil
	})
}

func (h handle) Trigger(_ context.Context, o client.ScheduleTriggerOptions) error {
	return h.change("trigger", func(is *client.ScheduleDescription) error {
		h.memory.Calls[len(h.memory.Calls)-1] += " " + o.Overlap.String()
		is.Info.NumActions++
		return nil
	})
}

// Backfill is not needed by anybody.
func (handle) Backfill(context.Context, client.ScheduleBackfillOptions) error {
	panic("scheduletest: nobody backfills")
}
