package logit

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

func TestTheChampionsPenaltyIsTriedFirst(t *testing.T) {
	t.Parallel()
	spec := pipeline.Algorithm{Name: "logistic", L2: []float64{0.1, 1}, MaxIterations: 50}
	written, err := json.Marshal(Hyperparameters{L2: 0.01, Iterations: 7})
	require.NoError(t, err)
	for trained, want := range map[string][]float64{
		string(written): {0.01, 0.1, 1},
		`{"l2":1}`:      {0.1, 1}, // is tried anyway
		`{"l2":0}`:      {0, 0.1, 1},
		`{"trees":300}`: {0.1, 1}, // no penalty is not the penalty 0
		`{"l2":"none"}`: {0.1, 1},
		"":              {0.1, 1},
	} {
		first := TryFirst(spec, First([]byte(trained)))
		require.Equal(t, want, first.L2, trained)
		require.Equal(t, 50, first.MaxIterations)
	}
	require.Equal(t, []float64{0.1, 1}, spec.L2, "the spec's own is as it was")
}
