package scoring_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/scoring"
)

// Wanted by hand: the second row's home is none that the contract admits; z of the others as above.
func TestTaken(t *testing.T) {
	t.Parallel()
	p, err := scoring.Taken(loans(), table(floats("income", 14, 1, 8), texts("home", "own", "castle", "own")))
	require.NoError(t, err)
	require.InDelta(t, sigmoid(1), p[0], 1e-15)
	require.True(t, math.IsNaN(p[1]))
	require.InDelta(t, sigmoid(-0.5), p[2], 1e-15)
	p, err = scoring.Taken(loans(), table(floats("income", 14)))
	require.NoError(t, err)
	require.True(t, math.IsNaN(p[0]), "a column is gone")
}
