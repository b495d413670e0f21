package activities

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
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
	runs := Runs{Registry: kept, Histories: &scheduledOnly{left: []string{RecordRun.Name, ExtractData.Name, TrainModel.Name, RecordRun.Name}}}
	in := RunInput{Run: registry.Run{ID: "run-1", WorkflowID: "training-x", Status: registry.RunCompleted}}
	_, err := runs.Record(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, kept.runs, 1)
	require.Equal(t, registry.RunCompleted, kept.runs[0].Status)
	names := []string{}
	for _, step := range kept.runs[0].Steps {
		names = append(names, step.Name)
	}
	require.Equal(t, []string{ExtractData.Name, TrainModel.Name}, names)
}

// What is kept of a run lists everything that it made, whereas one reference crossed Temporal.
func TestTheRecordOfAnEndListsTheArtifacts(t *testing.T) {
	kept, objects := newMemory(), newObjects(t)
	runs := Runs{Registry: kept, Objects: objects, Histories: &scheduledOnly{}}
	in := RunInput{Run: registry.Run{ID: "run-1", WorkflowID: "training-x"}}
	dataset, bundle := artifact.Ref{URI: "s3://b/d", SHA256: "dd"}, artifact.Ref{URI: "s3://b/m", SHA256: "mm"}
	kept.made = map[string]artifact.Ref{artifact.Dataset: dataset, artifact.Bundle: bundle}

	begun, err := runs.Record(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, begun.Manifest, "the run has just begun")

	in.Run.EndedAt, in.Run.Result = time.Unix(1, 0), []byte(`{"verdict":"promoted","model":{"version":3},"artifacts":{}}`)
	ended, err := runs.Record(t.Context(), in)
	require.NoError(t, err)
	listed, err := getJSON[map[string]artifact.Ref](t.Context(), objects, *ended.Manifest)
	require.NoError(t, err)
	require.Equal(t, map[string]artifact.Ref{artifact.Dataset: dataset, artifact.Bundle: bundle}, listed)
	var result struct {
		Verdict   string
		Model     struct{ Version int }
		Artifacts map[string]artifact.Ref
	}
	require.NoError(t, json.Unmarshal(kept.runs[1].Result, &result))
	require.Equal(t, "promoted", result.Verdict)
	require.Equal(t, 3, result.Model.Version)
	require.Equal(t, map[string]artifact.Ref{artifact.Dataset: dataset, artifact.Bundle: bundle, artifact.Manifest: *ended.Manifest}, result.Artifacts)

	kept.made = nil
	nothing, err := runs.Record(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, nothing.Manifest, "a run that made nothing has no manifest")
	require.JSONEq(t, string(in.Run.Result), string(kept.runs[2].Result))
}

func TestRecordWithoutAHistoryIsRetried(t *testing.T) {
	kept := newMemory()
	runs := Runs{Registry: kept, Histories: &scheduledOnly{err: errors.New("away")}}
	_, err := runs.Record(t.Context(), RunInput{Run: registry.Run{ID: "run-1", WorkflowID: "training-x"}})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.Empty(t, kept.runs, "half a record is worse than a later one")
}

// predictorImage is what tracks run in.
var predictorImage = "loanops-api@sha256:" + strings.Repeat("0c", 32)

func TestMeasureAsksWithGoldenRowsUnderThePlansLimits(t *testing.T) {
	b := newBench(t)
	version := b.train(t).version
	var asked contract.TrackSpec
	var applications []map[string]any
	stage := Capacity{Registry: b.registry, Objects: b.objects, Image: predictorImage, Run: func(_ context.Context, spec contract.TrackSpec, with []map[string]any) (capacity.Demand, error) {
		asked, applications = spec, with
		return capacity.Demand{ResidentMiB: 500, LoadMillis: 10, CPUMicrosPerDecision: 100, Decisions: 1}, nil
	}}
	measured, err := stage.Measure(t.Context(), MeasureInput{Candidate: b.registry.candidate(t, version.Version)})
	require.NoError(t, err)
	require.Equal(t, predictorImage, asked.Image)
	require.Equal(t, version.Digest, asked.Digest)
	require.EqualValues(t, b.spec.Deploy.MemoryMiB, asked.MemoryMiB)

	named := "loanops-api@sha256:" + strings.Repeat("a1", 32)
	b.registry.versions[version.Version-1].Predictor = named
	_, err = stage.Measure(t.Context(), MeasureInput{Candidate: b.registry.candidate(t, version.Version)})
	require.NoError(t, err)
	require.Equal(t, named, asked.Image, "it is measured in no other image than the one that will serve")
	require.Equal(t, string(decision.PolicyOf(b.spec).Document()), asked.Policy)
	require.Equal(t, decision.PolicyOf(b.spec).Digest(), asked.PolicyDigest)
	require.Len(t, applications, goldenRows)
	for _, protected := range b.spec.Protected {
		require.NotContains(t, applications[0], protected)
	}
	fit, err := stage.Check(t.Context(), CapacityInput{Planned: capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, Demand: measured.Demand, TargetRate: 50})
	require.NoError(t, err)
	require.Len(t, fit.Misfits, 1)
	require.Contains(t, fit.Misfits[0], "memory")
	require.Equal(t, fit.Misfits[0], fit.Summary())
	require.Less(t, fit.HeadroomPercent.Memory, 0.0)
}

// Wanted by hand: 40.96 MiB of the 102.4 that may be used of 128, 100 µs x 350/s of 350 thousandths of a core, 0.5 s of 10.
func TestCheckTellsTheHeadroom(t *testing.T) {
	demand := capacity.Demand{ResidentMiB: 40.96, LoadMillis: 500, CPUMicrosPerDecision: 100, Decisions: 1}
	fit, err := new(Capacity).Check(t.Context(), CapacityInput{Planned: capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, Demand: demand, TargetRate: 350})
	require.NoError(t, err)
	require.Empty(t, fit.Misfits)
	require.Equal(t, "the model fits the plan: of what it may use 60 % of memory, 90 % of CPU and 95 % of the starting time are free", fit.Summary())
	told, err := json.Marshal(fit)
	require.NoError(t, err)
	var result struct {
		HeadroomPercent map[string]float64 `json:"headroom_percent"`
	}
	require.NoError(t, json.Unmarshal(told, &result))
	require.Len(t, result.HeadroomPercent, 3)
	require.InDelta(t, 60, result.HeadroomPercent["memory"], 1e-9)
	require.InDelta(t, 90, result.HeadroomPercent["cpu"], 1e-9)
	require.InDelta(t, 95, result.HeadroomPercent["load"], 1e-9)

	// One of a run that began before there was a headroom, and one of a plan that grants nothing.
	require.Equal(t, "the model fits the plan", CapacityOutput{}.Summary())
	fit, err = new(Capacity).Check(t.Context(), CapacityInput{Demand: demand, TargetRate: 350})
	require.NoError(t, err)
	told, err = json.Marshal(fit)
	require.NoError(t, err)
	require.NotContains(t, string(told), "headroom")
}
