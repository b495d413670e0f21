package terraform

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

func TestTerraformFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		code       fault.Code
	}{
		{"the provider's code", "exit status 1\n╷\n│ Error: Track a/b/blue is not ready [refused]\n│ \n│ it ended\n╵", fault.Refused},
		{"unknown", "exit status 1\n│ Error: Something", fault.Internal},
		{"killed", "signal: killed\n", fault.Internal},
		{"a variable", "│ Error: Invalid value for variable\n│ weights must sum to 100.", fault.Invalid},
		{"trying again may cure one of them", "Error: A [refused]\nError: B [unavailable]\nError: C [invalid]", fault.Unavailable},
		{"nothing can be cured", "Error: A [refused]\nError: C [invalid]", fault.Refused},
		{"brackets are no codes", `Error: loanops_predictor_track.track["blue"] [1]`, fault.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := terraformFault(t.Context(), "apply", "/dir", errors.New(test.text))
			require.Equal(t, test.code, fault.CodeOf(err))
			require.ErrorContains(t, err, "terraform apply in /dir: ")
			require.NotContains(t, err.Error(), "│")
		})
	}
	require.NoError(t, terraformFault(t.Context(), "apply", "/dir", nil))
}

// unprintable panics when its text is asked for, as terraform-exec's error does when it was cancelled at the right moment.
type unprintable struct{ error }

func TestCancelledOperationIsToldWithoutTheErrorsText(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := terraformFault(ctx, "apply", "/dir", unprintable{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "interrupted")
}

func TestDiagnosticSummaryIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, code := range fault.Codes() {
		err := terraformFault(t.Context(), "apply", "/dir", errors.New("Error: "+contract.DiagnosticSummary("Track", code)))
		require.Equal(t, code, fault.CodeOf(err))
	}
}

func TestLongErrorsAreCut(t *testing.T) {
	t.Parallel()
	err := terraformFault(t.Context(), "apply", "/dir", errors.New(strings.Repeat("é", maxText)))
	require.Less(t, len(err.Error()), maxText+100)
	require.True(t, strings.HasSuffix(err.Error(), "é…"))
}
