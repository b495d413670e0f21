package history

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/loanops/loanops/internal/registry"
)

// recorded is a history in memory.
type recorded struct {
	events []*historypb.HistoryEvent
	err    error
}

func (r *recorded) HasNext() bool { return len(r.events) > 0 || r.err != nil }

func (r *recorded) Next() (*historypb.HistoryEvent, error) {
	if len(r.events) == 0 {
		return nil, r.err
	}
	event := r.events[0]
	r.events = r.events[1:]
	return event, nil
}

var begin = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// event is the id-th event, id seconds after the beginning.
func event(id int64, attributes any) *historypb.HistoryEvent {
	e := &historypb.HistoryEvent{EventId: id, EventTime: timestamppb.New(begin.Add(time.Duration(id) * time.Second))}
	switch a := attributes.(type) {
	case *historypb.ActivityTaskScheduledEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: a}
	case *historypb.ActivityTaskStartedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{ActivityTaskStartedEventAttributes: a}
	case *historypb.ActivityTaskCompletedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{ActivityTaskCompletedEventAttributes: a}
	case *historypb.ActivityTaskFailedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{ActivityTaskFailedEventAttributes: a}
	case *historypb.ActivityTaskTimedOutEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskTimedOutEventAttributes{ActivityTaskTimedOutEventAttributes: a}
	case *historypb.ActivityTaskCanceledEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ActivityTaskCanceledEventAttributes{ActivityTaskCanceledEventAttributes: a}
	case *historypb.StartChildWorkflowExecutionInitiatedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_StartChildWorkflowExecutionInitiatedEventAttributes{StartChildWorkflowExecutionInitiatedEventAttributes: a}
	case *historypb.ChildWorkflowExecutionStartedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ChildWorkflowExecutionStartedEventAttributes{ChildWorkflowExecutionStartedEventAttributes: a}
	case *historypb.ChildWorkflowExecutionCompletedEventAttributes:
		e.Attributes = &historypb.HistoryEvent_ChildWorkflowExecutionCompletedEventAttributes{ChildWorkflowExecutionCompletedEventAttributes: a}
	}
	return e
}

func scheduled(id int64, name, summary string) *historypb.HistoryEvent {
	e := event(id, &historypb.ActivityTaskScheduledEventAttributes{ActivityType: &commonpb.ActivityType{Name: name}})
	if summary != "" {
		payload, _ := converter.GetDefaultDataConverter().ToPayload(summary)
		e.UserMetadata = &sdkpb.UserMetadata{Summary: payload}
	}
	return e
}

func started(id, of int64, attempt int32, last string) *historypb.HistoryEvent {
	a := &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: of, Attempt: attempt}
	if last != "" {
		a.LastFailure = &failurepb.Failure{Message: "activity error", Cause: &failurepb.Failure{Message: last}}
	}
	return event(id, a)
}

func payloads(t *testing.T, value any) *commonpb.Payloads {
	t.Helper()
	encoded, err := converter.GetDefaultDataConverter().ToPayloads(value)
	require.NoError(t, err)
	return encoded
}

func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

func TestSteps(t *testing.T) {
	failure := &failurepb.Failure{Message: "gate"}
	steps, err := Steps(&recorded{events: []*historypb.HistoryEvent{
		event(1, nil),
		scheduled(2, "ExtractData", "reading the raw data"),
		started(5, 2, 3, "worker died"),
		event(9, &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: 2, Result: payloads(t, map[string]any{"cached": true, "rows": 5})}),
		scheduled(10, "MoveAliases", ""), scheduled(11, "SmokeTest", ""), scheduled(12, "TrainModel", ""), scheduled(13, "AnalyseCanary", ""),
		started(14, 10, 1, ""), started(15, 11, 1, ""), started(16, 12, 10, "lost"), started(17, 13, 1, ""),
		event(20, &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: 10, Result: payloads(t, true)}),
		event(21, &historypb.ActivityTaskFailedEventAttributes{ScheduledEventId: 11, Failure: failure}),
		event(22, &historypb.ActivityTaskTimedOutEventAttributes{ScheduledEventId: 12, Failure: &failurepb.Failure{Message: "timeout"}}),
		event(23, &historypb.ActivityTaskCanceledEventAttributes{ScheduledEventId: 13}),
		event(24, &historypb.StartChildWorkflowExecutionInitiatedEventAttributes{WorkflowType: &commonpb.WorkflowType{Name: "ContinuousDelivery"}}),
		event(25, &historypb.ChildWorkflowExecutionStartedEventAttributes{InitiatedEventId: 24}),
		event(30, &historypb.ChildWorkflowExecutionCompletedEventAttributes{InitiatedEventId: 24}),
		scheduled(31, "RecordRun", ""),
	}})
	require.NoError(t, err)
	require.Equal(t, []registry.RunStep{
		{
			Seq: 1, Name: "ExtractData", Status: Completed, Attempts: 3, Scheduled: at(2), Started: at(5), Ended: at(9), Duration: 4 * time.Second,
			Cached: true, LastFailed: "worker died", Summary: "reading the raw data",
		},
		{Seq: 2, Name: "MoveAliases", Status: Completed, Attempts: 1, Scheduled: at(10), Started: at(14), Ended: at(20), Duration: 6 * time.Second},
		{Seq: 3, Name: "SmokeTest", Status: Failed, Attempts: 1, Scheduled: at(11), Started: at(15), Ended: at(21), Duration: 6 * time.Second, LastFailed: "gate"},
		{Seq: 4, Name: "TrainModel", Status: TimedOut, Attempts: 10, Scheduled: at(12), Started: at(16), Ended: at(22), Duration: 6 * time.Second, LastFailed: "timeout"},
		{Seq: 5, Name: "AnalyseCanary", Status: Cancelled, Attempts: 1, Scheduled: at(13), Started: at(17), Ended: at(23), Duration: 6 * time.Second},
		{Seq: 6, Name: "ContinuousDelivery", Status: Completed, Attempts: 1, Scheduled: at(24), Started: at(25), Ended: at(30), Duration: 5 * time.Second},
		{Seq: 7, Name: "RecordRun", Status: Running, Scheduled: at(31)},
	}, steps)
}

// The telling of an alert is none of the run's steps and takes none of its time. What outlives the run otherwise, as a look's rollback, is one.
func TestTheTellingOfAnAlertIsNoStep(t *testing.T) {
	steps, err := Steps(&recorded{events: []*historypb.HistoryEvent{
		event(1, &historypb.StartChildWorkflowExecutionInitiatedEventAttributes{
			WorkflowType: &commonpb.WorkflowType{Name: "Alert"}, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		}),
		event(2, &historypb.ChildWorkflowExecutionStartedEventAttributes{InitiatedEventId: 1}),
		event(3, &historypb.ChildWorkflowExecutionCompletedEventAttributes{InitiatedEventId: 1}),
		event(4, &historypb.StartChildWorkflowExecutionInitiatedEventAttributes{
			WorkflowType: &commonpb.WorkflowType{Name: "Rollback"}, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		}),
		event(5, &historypb.ChildWorkflowExecutionStartedEventAttributes{InitiatedEventId: 4}),
		event(9, &historypb.ChildWorkflowExecutionCompletedEventAttributes{InitiatedEventId: 4}),
		scheduled(10, "AnalyseCanary", ""),
	}})
	require.NoError(t, err)
	require.Equal(t, []registry.RunStep{
		{Seq: 1, Name: "Rollback", Status: Completed, Attempts: 1, Scheduled: at(4), Started: at(5), Ended: at(9), Duration: 4 * time.Second},
		{Seq: 2, Name: "AnalyseCanary", Status: Running, Scheduled: at(10)},
	}, steps)
}

func TestStepsOfAHistoryThatBreaksOff(t *testing.T) {
	_, err := Steps(&recorded{events: []*historypb.HistoryEvent{scheduled(1, "ExtractData", "")}, err: errors.New("away")})
	require.ErrorContains(t, err, "away")
	steps, err := Steps(&recorded{events: []*historypb.HistoryEvent{started(3, 2, 1, "")}})
	require.NoError(t, err)
	require.Empty(t, steps, "an end without a beginning is no step")
}
