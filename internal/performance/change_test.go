package performance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
)

// Decay of rank and decay of calibration are found, each by its metric, and what is not decay is not: other applicants, a higher tolerance, a window
// that is better than the reference, labels that have not matured.
func TestChanged(t *testing.T) {
	t.Parallel()
	const n = 5000
	y, _, p := sample(1, n, -1)
	reference := Reference{Labels: y, Scores: p}
	labels, logOdds, fresh := sample(2, n, -1)
	riskier, _, other := sample(3, n, 0)
	higher := make([]float64, n) // scores of applicants whose log-odds are 0.5 higher than they say
	for i, z := range logOdds {
		higher[i] = sigmoid(z - 0.5)
	}
	for name, test := range map[string]struct {
		window    Window
		tolerance evaluate.Margins
		want      bool
	}{
		"the same":            {Window{Scores: fresh, Labels: labels}, evaluate.Margins{}, false},
		"other applicants":    {Window{Scores: other, Labels: riskier}, evaluate.Margins{}, false},
		"noise in the scores": {Window{Scores: scored(4, logOdds, 1, 1), Labels: labels}, evaluate.Margins{}, true},
		"noise, tolerated":    {Window{Scores: scored(4, logOdds, 1, 1), Labels: labels}, evaluate.Margins{AUC: 0.2, Brier: 0.2}, false},
		"scores too low":      {Window{Scores: higher, Labels: labels}, evaluate.Margins{}, true},
		"scores too low, auc": {Window{Scores: higher, Labels: labels}, evaluate.Margins{Brier: 0.1}, false},
		"noise, immature":     {Window{Scores: scored(4, logOdds, 1, 1), Labels: unknown(n)}, evaluate.Margins{}, false},
		"noise, no labels":    {Window{Scores: scored(4, logOdds, 1, 1)}, evaluate.Margins{}, false},
	} {
		change, err := Changed(reference, test.window, test.tolerance, Limits{})
		require.NoError(t, err)
		require.Equal(t, test.want, change.Decayed, "%s: %+v", name, change)
		require.NotEmpty(t, change.Note)
		require.Equal(t, change.Rows == 0, change.Differences == nil, name)
	}
	noise := scored(4, logOdds, 1, 1)
	change, err := Changed(Reference{Labels: labels, Scores: noise}, Window{Scores: p, Labels: y}, evaluate.Margins{}, Limits{})
	require.NoError(t, err)
	require.False(t, change.Decayed, "better than the reference")
	change, err = Changed(Reference{Labels: y[:99], Scores: p[:99]}, Window{Scores: fresh, Labels: labels}, evaluate.Margins{}, Limits{})
	require.NoError(t, err)
	require.Equal(t, "reference: not enough data: 99 matured rows, at least 100 are needed", change.Note)
	_, err = Changed(Reference{Labels: y, Scores: p[1:]}, Window{}, evaluate.Margins{}, Limits{})
	require.ErrorContains(t, err, "reference: 5000 labels and 4999 scores")
}
