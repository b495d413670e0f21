package scoring_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
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
	p, err = scoring.Taken(loans(), table(texts("home", "own", "castle", "rent")))
	require.NoError(t, err)
	require.InDelta(t, sigmoid(0.25), p[0], 1e-15, "a column that requests may leave out is gone: as a predictor scores it")
	require.True(t, math.IsNaN(p[1]))
	require.InDelta(t, sigmoid(-1.75), p[2], 1e-15)
	p, err = scoring.Taken(loans(), table(texts("income", "14", "much", ""), texts("home", "own", "own", "own")))
	require.NoError(t, err)
	require.InDelta(t, sigmoid(1), p[0], 1e-15, "a text that is a number is one")
	require.True(t, math.IsNaN(p[1]), "one that is none is refused, and it alone")
	require.InDelta(t, sigmoid(0.25), p[2], 1e-15)
	endless := loans()
	endless.Encoder.Fields[1].Levels = []string{"own"}
	_, err = scoring.Taken(endless, table(floats("income", 14), texts("home", "rent")))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "a model that knows less than its contract says is a fault, and no panic")
}
