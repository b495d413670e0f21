package contract

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The classes are those of RFC 9110, section 15; a redirection is no answer to a decision.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		200: OutcomeOK, 204: OutcomeOK, 299: OutcomeOK,
		400: OutcomeRefused, 413: OutcomeRefused, 422: OutcomeRefused, 498: OutcomeRefused,
		500: OutcomeFailed, CodeAway: OutcomeFailed, 503: OutcomeFailed, 301: OutcomeFailed, 0: OutcomeFailed,
		CodeAbandoned: OutcomeUnended, CodeTimeout: OutcomeUnended,
	} {
		require.Equal(t, want, OutcomeOf(code), code)
	}
}
