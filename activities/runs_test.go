package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// scheduledOnly is a history in which the named activities were scheduled.
type scheduledOnly struct {
	left []string
	err  error
}

func (s *scheduledOnly) HasNext() bool { return len(s.left) > 0 || s.err != nil }

func (s *scheduledOnly) Next() (*historypb.HistoryEvent, error) {
	if len(s.left) == 0 {
		return nil, s.err
	}
	attributes := &historypb.ActivityTaskScheduledEventAttributes{ActivityType: &commonpb.ActivityType{Name: s.left[0]}}
	s.left = s.left[1:]
	return &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: attributes},
	}, nil
}

func (s *scheduledOnly) GetWorkflowHistory(_ context.Context, workflowID, runID string, _ bool, _ enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	if workflowID != "training-x" || runID != "run-1" {
		return &scheduledOnly{err: errors.New("another run was asked for")}
	}
	return s
}

func TestRecordKeepsTheStepsButNotItself(t *testing.T) {
	kept := newMemory()
	runs := Runs{Registry: kept, Histories: &scheduledOnly{left: []string{RecordRun, ExtractData, TrainModel, RecordRun}}}
	in := RunInput{Run: registry.Run{ID: "run-1", WorkflowID: "training-x", Status: registry.RunCompleted}}
	_, err := runs.Record(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, kept.runs, 1)
	require.Equal(t, registry.RunCompleted, kept.runs[0].Status)
	names := []string{}
	for _, step := range kept.runs[0].Steps {
		names = append(names, step.Name)
	}
	require.Equal(t, []string{ExtractData, TrainModel}, names)
}

func TestRecordWithoutAHistoryIsRetried(t *testing.T) {
	kept := newMemory()
	runs := Runs{Registry: kept, Histories: &scheduledOnly{err: errors.New("away")}}
	_, err := runs.Record(t.Context(), RunInput{Run: registry.Run{ID: "run-1", WorkflowID: "training-x"}})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.Empty(t, kept.runs, "half a record is worse than a later one")
}

func TestMeasureAsksWithGoldenRowsUnderThePlansLimits(t *testing.T) {
	b := newBench(t)
	_, _, _, version := b.trained(t)
	var asked measure.Config
	stage := Capacity{Objects: b.objects, APIBinary: "/bin/loanops-api", Run: func(_ context.Context, cfg measure.Config) (capacity.Demand, error) {
		asked = cfg
		return capacity.Demand{ResidentMiB: 500, LoadMillis: 10, CPUMicrosPerDecision: 100, Decisions: 1}, nil
	}}
	demand, err := stage.Measure(t.Context(), MeasureInput{Spec: b.spec, Version: version})
	require.NoError(t, err)
	require.Equal(t, "/bin/loanops-api", asked.APIBinary)
	require.Equal(t, version.Digest, asked.Spec.Digest)
	require.EqualValues(t, b.spec.Deploy.MemoryMiB, asked.Spec.MemoryMiB)
	require.Len(t, asked.Applications, goldenRows)
	for _, protected := range b.spec.Protected {
		require.NotContains(t, asked.Applications[0], protected)
	}
	fit, err := stage.Check(t.Context(), CapacityInput{Planned: capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, Demand: demand, TargetRate: 50})
	require.NoError(t, err)
	require.Len(t, fit.Misfits, 1)
	require.Contains(t, fit.Misfits[0], "memory")
}
