package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/workflows"
)

// happened are the events of a history; after them, err.
type happened struct {
	events []*historypb.HistoryEvent
	err    error
}

func (h *happened) HasNext() bool { return len(h.events) > 0 || h.err != nil }

func (h *happened) Next() (*historypb.HistoryEvent, error) {
	if len(h.events) == 0 {
		return nil, h.err
	}
	next := h.events[0]
	h.events = h.events[1:]
	return next, nil
}

// kept is what a keeper's history says of it.
func kept(history *happened) *mocks.Client {
	c := &mocks.Client{}
	c.On("GetWorkflowHistory", mock.Anything, "kept-training-cards", "run", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Return(history)
	return c
}

var keeper = &commonpb.WorkflowExecution{WorkflowId: "kept-training-cards", RunId: "run"}

// A keeper was started with one trigger and hears of others by signals; what a step has made stands in its result. All of it is still to be read.
func TestAllThatAnOpenRunKnowsOfIsKept(t *testing.T) {
	encoded := func(v any) *commonpb.Payloads {
		payloads, err := converter.GetDefaultDataConverter().ToPayloads(v)
		require.NoError(t, err)
		return payloads
	}
	ref := func(pair, extension string) artifact.Ref {
		digest := strings.Repeat(pair, 32)
		return artifact.Ref{URI: "s3://loanops/artifacts/sha256/" + pair + "/" + digest + "." + extension, SHA256: digest}
	}
	started, signalled, made := ref("ab", "csv"), ref("cd", "csv"), ref("ef", "parquet")
	trigger := func(rows artifact.Ref) *commonpb.Payloads {
		return encoded(workflows.TriggerInput{Run: workflows.TrainingRun, Pipeline: "cards", Wait: true, Uploads: map[string][]string{"/home/ada/rows.csv": {rows.URI}}})
	}
	run, err := openRun(t.Context(), kept(&happened{events: []*historypb.HistoryEvent{
		{Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: trigger(started)}}},
		{Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
			SignalName: workflows.AnotherSignal, Input: trigger(signalled),
		}}},
		{Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{
			Result: encoded(activities.ExtractOutput{Dataset: made}),
		}}},
	}}), keeper)
	require.NoError(t, err)
	require.Equal(t, "run", run.ID)
	var named []string
	for _, payload := range run.Payloads {
		named = append(named, retention.Digests(payload)...)
	}
	require.Equal(t, []string{started.SHA256, signalled.SHA256, made.SHA256}, named)
}

// What cannot be read to its end may name anything.
func TestAHistoryThatBreaksOffEndsThePruning(t *testing.T) {
	_, err := openRun(t.Context(), kept(&happened{events: []*historypb.HistoryEvent{{}}, err: errors.New("the connection is gone")}), keeper)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "kept-training-cards")
}
