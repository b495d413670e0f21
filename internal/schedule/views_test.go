package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/schedule/scheduletest"
	"github.com/loanops/loanops/workflows"
)

// bureau is a row about a version of a view; no freshness promises nothing.
func bureau(t *testing.T, version int, stage feature.Stage, freshness string) feature.Registered {
	t.Helper()
	view := feature.View{Name: "bureau"}
	if freshness != "" {
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"freshness":%q}`, freshness), &view))
	}
	document, err := json.Marshal(view)
	require.NoError(t, err)
	return feature.Registered{Kind: feature.KindView, Name: "bureau", Version: version, Stage: stage, Document: document, Actor: "ada"}
}

// rows are a register, in which rows may be written as soon as some were read.
type rows struct {
	all, meanwhile []feature.Registered
}

func (r *rows) Registered(_ context.Context, after int64) (found []feature.Registered, _ error) {
	for i := range r.all {
		if r.all[i].Nth = int64(i + 1); r.all[i].Nth > after {
			found = append(found, r.all[i])
		}
	}
	r.all, r.meanwhile = append(r.all, r.meanwhile...), nil
	return found, nil
}

func (r *rows) Register(context.Context, int64, []feature.Registered) ([]feature.Registered, error) {
	return nil, errors.New("it is read only")
}

func keepFresh(t *testing.T, memory *scheduletest.Memory, all ...feature.Registered) []string {
	t.Helper()
	memory.Calls = nil
	require.NoError(t, schedule.Schedules{Client: memory}.KeepFresh(t.Context(), &rows{all: all}))
	calls := slices.Clone(memory.Calls)
	slices.Sort(calls)
	return calls
}

// Every version that pipelines may read is kept as fresh as it promises, and no other.
func TestViewsAreKeptFresh(t *testing.T) {
	t.Parallel()
	memory := scheduletest.New()
	first, service := bureau(t, 1, feature.Active, "24h"), feature.Registered{Kind: feature.KindService, Name: "credit", Version: 1, Stage: feature.Active}
	require.Equal(t, []string{"create materialize-bureau@1"}, keepFresh(t, memory, first, service))
	described, err := memory.GetHandle(t.Context(), "materialize-bureau@1").Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, []client.ScheduleIntervalSpec{{Every: 12 * time.Hour}}, described.Schedule.Spec.Intervals, "one in two may fail")
	require.Equal(t, "12h, for a freshness of 24h, set by ada", described.Schedule.State.Note)
	require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, described.Schedule.Policy.Overlap)
	does, ok := described.Schedule.Action.(*client.ScheduleWorkflowAction)
	require.True(t, ok)
	require.Equal(t, []any{workflows.MaterializeName, workflows.TaskQueue, []any{workflows.MaterializeInput{View: "bureau@1", Trigger: "schedule"}}}, []any{does.Workflow, does.TaskQueue, does.Args})

	staged := bureau(t, 2, feature.Staged, "1h")
	require.Equal(t, []string{"create materialize-bureau@2", "update materialize-bureau@1"}, keepFresh(t, memory, first, staged), "both are read side by side")
	require.NoError(t, memory.GetHandle(t.Context(), "materialize-bureau@2").Pause(t.Context(), client.SchedulePauseOptions{Note: "paused by grace"}))

	active := bureau(t, 2, feature.Active, "2h")
	require.Equal(t, []string{"update materialize-bureau@1", "update materialize-bureau@2"}, keepFresh(t, memory, first, staged, active), "pipelines may read the older one still")
	described, err = memory.GetHandle(t.Context(), "materialize-bureau@2").Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Hour, described.Schedule.Spec.Intervals[0].Every)
	require.True(t, described.Schedule.State.Paused, "as somebody wanted")

	retired, silent := bureau(t, 1, feature.Retired, "24h"), bureau(t, 2, feature.Active, "")
	require.Equal(t, []string{"delete materialize-bureau@1", "delete materialize-bureau@2"}, keepFresh(t, memory, first, staged, active, retired, silent))
	require.Empty(t, keepFresh(t, memory, first, staged, active, retired, silent), "they are gone")
}

// A version that is retired, by somebody else, after the register was read has no schedule in the end.
func TestViewsThatAreRetiredMeanwhile(t *testing.T) {
	t.Parallel()
	memory := scheduletest.New()
	register := &rows{all: []feature.Registered{bureau(t, 1, feature.Active, "24h")}, meanwhile: []feature.Registered{bureau(t, 1, feature.Retired, "24h")}}
	require.NoError(t, schedule.Schedules{Client: memory}.KeepFresh(t.Context(), register))
	require.Equal(t, []string{"create materialize-bureau@1", "delete materialize-bureau@1"}, memory.Calls)
}

// What fails is told, and done by the same again.
func TestViewsWhoseSchedulesFail(t *testing.T) {
	t.Parallel()
	memory := scheduletest.New()
	memory.Err = fmt.Errorf("the connection is lost")
	err := schedule.Schedules{Client: memory}.KeepFresh(t.Context(), &rows{all: []feature.Registered{bureau(t, 1, feature.Active, "24h")}})
	require.ErrorContains(t, err, "materialize-bureau@1")
	memory.Err = nil
	require.Equal(t, []string{"create materialize-bureau@1"}, keepFresh(t, memory, bureau(t, 1, feature.Active, "24h")))
}
