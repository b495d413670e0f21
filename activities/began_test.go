package activities

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/loanops/loanops/internal/fault"
)

func TestWhenTheNewestRunBegan(t *testing.T) {
	t.Parallel()
	in := RunStartInput{WorkflowID: "training-cards"}
	at := time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)
	later := at.Add(time.Hour)
	for name, closed := range map[string]*time.Time{"it goes on": nil, "it has ended": &later} {
		runs := Runs{Workflows: described{began: at, closed: closed}}
		out, err := runs.Start(t.Context(), in)
		require.NoError(t, err, name)
		require.Equal(t, RunStartOutput{RunID: "run-7", At: at}, out, name)
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
