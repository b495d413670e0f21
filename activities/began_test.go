package activities

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func TestWhenTheNewestRunBegan(t *testing.T) {
	t.Parallel()
	in := RunStartInput{WorkflowID: "training-cards"}
	at := time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)
	later := at.Add(time.Hour)
	for _, test := range []struct {
		name string
		is   described
		want registry.Trigger
	}{
		{"it goes on", described{trigger: registry.BySchedule}, registry.BySchedule},
		{"it has ended", described{trigger: registry.BySchedule, closed: &later}, registry.BySchedule},
		{"a look found a reason", described{trigger: registry.ByMonitor}, registry.ByMonitor},
		{"it has not said why yet: nothing but a schedule's trigger says it at once", described{}, registry.ByHand},
	} {
		test.is.began = at
		out, err := (&Runs{Workflows: test.is}).Start(t.Context(), in)
		require.NoError(t, err, test.name)
		require.Equal(t, RunStartOutput{RunID: "run-7", At: at, Trigger: test.want}, out, test.name)
		require.Equal(t, "run run-7 began at 2026-06-30T03:00:00Z", out.Summary())
	}
	runs := Runs{Workflows: described{err: serviceerror.NewNotFound("no such workflow")}}
	out, err := runs.Start(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, RunStartOutput{}, out)
	require.Equal(t, "there is no run", out.Summary())
	runs = Runs{Workflows: described{err: errors.New("connection refused")}}
	_, err = runs.Start(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}
