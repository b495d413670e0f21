// Package history reads what a run did from its workflow history: its steps, their attempts and how long they took.
package history

import (
	"time"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/loanops/loanops/internal/registry"
)

// Statuses of a step.
const (
	Running   = "running"
	Completed = "completed"
	Failed    = "failed"
	TimedOut  = "timed_out"
	Cancelled = "cancelled"
)

// Telling is the type of the workflow that tells people of an alert, see package workflows. It is pinned: histories hold it.
const Telling = "Alert"

// Events is a history, oldest first, as client.GetWorkflowHistory returns it.
type Events interface {
	HasNext() bool
	Next() (*historypb.HistoryEvent, error)
}

// Steps returns the activities and child workflows of a run in the order in which they were scheduled. Temporal writes
// the start of an activity when it has ended, so a running one has no attempts yet.
func Steps(events Events) ([]registry.RunStep, error) {
	r := reader{byEvent: map[int64]int{}}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		r.read(event)
	}
	return r.steps, nil
}

// reader keeps, for the ID of the event that scheduled a step, where the step is.
type reader struct {
	steps   []registry.RunStep
	byEvent map[int64]int
}

func (r *reader) read(event *historypb.HistoryEvent) {
	at := event.GetEventTime()
	if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
		r.schedule(event, a.GetActivityType().GetName())
	}
	if a := event.GetActivityTaskStartedEventAttributes(); a != nil {
		r.start(a.GetScheduledEventId(), at, int(a.GetAttempt()), a.GetLastFailure())
	}
	if a := event.GetActivityTaskCompletedEventAttributes(); a != nil {
		r.end(a.GetScheduledEventId(), at, Completed, nil)
		r.result(a.GetScheduledEventId(), a.GetResult())
	}
	if a := event.GetActivityTaskFailedEventAttributes(); a != nil {
		r.end(a.GetScheduledEventId(), at, Failed, a.GetFailure())
	}
	if a := event.GetActivityTaskTimedOutEventAttributes(); a != nil {
		r.end(a.GetScheduledEventId(), at, TimedOut, a.GetFailure())
	}
	if a := event.GetActivityTaskCanceledEventAttributes(); a != nil {
		r.end(a.GetScheduledEventId(), at, Cancelled, nil)
	}
	r.readChild(event)
}

// readChild follows a child workflow, a step of one attempt; that the child may outlive the run does not matter. The telling of an alert is no step:
// it is of what the run found, whatever the run does.
func (r *reader) readChild(event *historypb.HistoryEvent) {
	at := event.GetEventTime()
	if a := event.GetStartChildWorkflowExecutionInitiatedEventAttributes(); a != nil && a.GetWorkflowType().GetName() != Telling {
		r.schedule(event, a.GetWorkflowType().GetName())
	}
	if a := event.GetStartChildWorkflowExecutionFailedEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, Failed, nil)
	}
	if a := event.GetChildWorkflowExecutionStartedEventAttributes(); a != nil {
		r.start(a.GetInitiatedEventId(), at, 1, nil)
	}
	if a := event.GetChildWorkflowExecutionCompletedEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, Completed, nil)
	}
	if a := event.GetChildWorkflowExecutionFailedEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, Failed, a.GetFailure())
	}
	if a := event.GetChildWorkflowExecutionTimedOutEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, TimedOut, nil)
	}
	if a := event.GetChildWorkflowExecutionTerminatedEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, Failed, nil)
	}
	if a := event.GetChildWorkflowExecutionCanceledEventAttributes(); a != nil {
		r.end(a.GetInitiatedEventId(), at, Cancelled, nil)
	}
}

func (r *reader) schedule(event *historypb.HistoryEvent, name string) {
	var summary string
	_ = converter.GetDefaultDataConverter().FromPayload(event.GetUserMetadata().GetSummary(), &summary) // absent: stays empty
	r.byEvent[event.GetEventId()] = len(r.steps)
	r.steps = append(r.steps, registry.RunStep{
		Seq: len(r.steps) + 1, Name: name, Status: Running, Scheduled: event.GetEventTime().AsTime(), Summary: summary,
	})
}

func (r *reader) start(scheduled int64, at *timestamppb.Timestamp, attempt int, last *failurepb.Failure) {
	if step := r.step(scheduled); step != nil {
		step.Started, step.Attempts, step.LastFailed = at.AsTime(), attempt, innermost(last)
	}
}

func (r *reader) end(scheduled int64, at *timestamppb.Timestamp, status string, failure *failurepb.Failure) {
	step := r.step(scheduled)
	if step == nil {
		return
	}
	step.Ended, step.Status = at.AsTime(), status
	if !step.Started.IsZero() {
		step.Duration = max(0, step.Ended.Sub(step.Started)).Round(time.Microsecond)
	}
	if failure != nil {
		step.LastFailed = innermost(failure)
	}
}

// result notes whether the step's work was skipped: every cached step's result says so.
func (r *reader) result(scheduled int64, payloads *commonpb.Payloads) {
	var said struct {
		Cached bool `json:"cached"`
	}
	step := r.step(scheduled)
	if step == nil || converter.GetDefaultDataConverter().FromPayloads(payloads, &said) != nil {
		return // a result of another shape is of a step without a cache
	}
	step.Cached = said.Cached
}

func (r *reader) step(scheduled int64) *registry.RunStep {
	at, known := r.byEvent[scheduled]
	if !known {
		return nil
	}
	return &r.steps[at]
}

// innermost is the message that a person needs to read.
func innermost(failure *failurepb.Failure) string {
	for failure.GetCause() != nil {
		failure = failure.GetCause()
	}
	return failure.GetMessage()
}
