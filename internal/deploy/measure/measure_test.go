package measure_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/measure"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
)

// measured runs Measure with a stand-in that behaves as told.
func measured(ctx context.Context, t *testing.T, does deploytest.Behaviour) (capacity.Demand, error) {
	t.Helper()
	spec := deploytest.Spec(t, t.TempDir(), 1, does)
	start, err := (&processes.Runtime{Program: deploytest.Programs(t), Dir: t.TempDir()}).Bring(ctx, spec.Image)
	require.NoError(t, err)
	return measure.Run(ctx, measure.Config{
		Start: start, Bundle: strings.TrimPrefix(spec.BundleURI, "file://"), Spec: spec,
		Applications: []map[string]any{{"income": 1200.5}, {"income": nil}}, Decisions: 200,
	})
}

func TestMeasureFindsMemoryAndCPU(t *testing.T) {
	t.Parallel()
	small, err := measured(t.Context(), t, deploytest.Behaviour{})
	require.NoError(t, err)
	large, err := measured(t.Context(), t, deploytest.Behaviour{ResidentMiB: 300, SpinMicros: 3000})
	require.NoError(t, err)
	for _, d := range []capacity.Demand{small, large} {
		require.Equal(t, 200, d.Decisions)
		require.Positive(t, d.LoadMillis)
		require.Positive(t, d.ResidentMiB)
	}
	// Resident memory is the child's alone: this process holds more than the small child does.
	ballast := make([]byte, 200<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	again, err := measured(t.Context(), t, deploytest.Behaviour{})
	require.NoError(t, err)
	require.Less(t, again.ResidentMiB, 100.0)
	require.NotEmpty(t, ballast)
	require.Greater(t, large.ResidentMiB-small.ResidentMiB, 250.0)
	require.Less(t, large.ResidentMiB-small.ResidentMiB, 700.0) // the race detector doubles what is touched
	// The stand-in spins by the wall clock, so a busy machine gives it less CPU than it was told to burn, never much more.
	require.Greater(t, large.CPUMicrosPerDecision, small.CPUMicrosPerDecision+500)
	require.Less(t, large.CPUMicrosPerDecision, 10_000.0)
}

func TestMeasureRefusesWhatDoesNotServe(t *testing.T) {
	t.Parallel()
	_, err := measured(t.Context(), t, deploytest.Behaviour{Exit: true})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "bundle says: exit")

	_, err = measured(t.Context(), t, deploytest.Behaviour{Status: 422})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "golden application 1 was answered with 422")
	require.NotContains(t, err.Error(), "1200.5", "no applicant's data in an error")

	_, err = measure.Run(t.Context(), measure.Config{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := measured(ctx, t, deploytest.Behaviour{Gate: filepath.Join(t.TempDir(), "never")})
	require.ErrorIs(t, err, context.Canceled)
}
