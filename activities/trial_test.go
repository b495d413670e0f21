package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// What another build makes of the histories says nothing of the one on trial.
func TestHistoriesAreReplayedByTheBuildOnTrial(t *testing.T) {
	asked := 0
	trials := Trials{Build: "new", Replay: func(context.Context) (Replayed, error) {
		asked++
		return Replayed{Histories: 7, Failures: []string{"one"}}, nil
	}}
	_, err := trials.ReplayAll(t.Context(), TrialInput{Build: "other"})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "by build new")
	require.Zero(t, asked)

	out, err := trials.ReplayAll(t.Context(), TrialInput{Build: "new"})
	require.NoError(t, err)
	require.Equal(t, ReplayOutput{Build: "new", Replayed: Replayed{Histories: 7, Failures: []string{"one"}}}, out)
	require.Equal(t, "7 histories replayed, 1 not to their end", out.Summary())

	answered, err := trials.Answer(t.Context(), TrialInput{Build: "other"})
	require.NoError(t, err)
	require.Equal(t, BuildOutput{Build: "new"}, answered, "it says what it is, not what is asked for")

	trials.Replay = func(context.Context) (Replayed, error) { return Replayed{}, errors.New("Temporal is away") }
	_, err = trials.ReplayAll(t.Context(), TrialInput{Build: "new"})
	require.Error(t, err)
}
