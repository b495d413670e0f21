package workers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

func TestWhoIsBusyIsAskedAgain(t *testing.T) {
	busy := serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED, "too many requests")
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		answer, err := patiently(t.Context(), func() (string, error) {
			if asked++; asked < 5 {
				return "", busy
			}
			return "here", nil
		})
		require.NoError(t, err)
		require.Equal(t, "here", answer)

		began := time.Now()
		_, err = patiently(t.Context(), func() (string, error) { return "", busy })
		require.ErrorIs(t, err, busy)
		require.InDelta(t, askedFor, time.Since(began), float64(2*time.Second), "not for ever")

		asked = 0
		other := errors.New("another fault")
		_, err = patiently(t.Context(), func() (string, error) { asked++; return "", other })
		require.ErrorIs(t, err, other)
		require.Equal(t, 1, asked)

		ctx, stop := context.WithCancel(t.Context())
		stop()
		_, err = patiently(ctx, func() (string, error) { return "", busy })
		require.ErrorIs(t, err, busy)
	})
}
