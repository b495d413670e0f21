package performance

import (
	"testing"

	"github.com/stretchr/testify/require"
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
	higher, lower := make([]float64, n), make([]float64, n) // scores of applicants whose log-odds are 0.5 higher than they say
	for i, z := range logOdds {
		higher[i], lower[i] = sigmoid(z-0.5), sigmoid(z+0.5)
	}
	for name, test := range map[string]struct {
		window    Window
		tolerance Tolerance
		want      bool
	}{
		"the same":            {Window{Scores: fresh, Labels: labels}, Tolerance{}, false},
		"other applicants":    {Window{Scores: other, Labels: riskier}, Tolerance{}, false},
		"noise in the scores": {Window{Scores: scored(4, logOdds, 1, 1), Labels: labels}, Tolerance{}, true},
		"noise, tolerated":    {Window{Scores: scored(4, logOdds, 1, 1), Labels: labels}, Tolerance{AUC: 0.2, Calibration: 0.5}, false},
		"scores too low":      {Window{Scores: higher, Labels: labels}, Tolerance{}, true},
		"scores too low, auc": {Window{Scores: higher, Labels: labels}, Tolerance{Calibration: 0.25}, false},
		"scores too high":     {Window{Scores: lower, Labels: labels}, Tolerance{}, true},
		"noise, immature":     {Window{Scores: scored(4, logOdds, 1, 1), Labels: unknown(n)}, Tolerance{}, false},
		"noise, no labels":    {Window{Scores: scored(4, logOdds, 1, 1)}, Tolerance{}, false},
	} {
		change, err := Changed(reference, test.window, test.tolerance, Limits{})
		require.NoError(t, err)
		require.Equal(t, test.want, change.Decayed, "%s: %+v", name, change)
		require.NotEmpty(t, change.Note)
		require.Equal(t, change.Rows == 0, change.Differences == nil, name)
	}
	even, sides, both := sample(5, n, 0)
	for i, z := range sides {
		both[i] = sigmoid(z + 0.5)
	}
	symmetric, err := Changed(Reference{Labels: even, Scores: func() []float64 { _, _, p := sample(5, n, 0); return p }()}, Window{Scores: both, Labels: even}, Tolerance{AUC: 0.01, Calibration: 0.06}, Limits{})
	require.NoError(t, err)
	require.True(t, symmetric.Decayed, "where every second applicant defaults as well")
	noise := scored(4, logOdds, 1, 1)
	change, err := Changed(Reference{Labels: labels, Scores: noise}, Window{Scores: p, Labels: y}, Tolerance{}, Limits{})
	require.NoError(t, err)
	require.False(t, change.Decayed, "better than the reference")
	change, err = Changed(Reference{Labels: y[:99], Scores: p[:99]}, Window{Scores: fresh, Labels: labels}, Tolerance{}, Limits{})
	require.NoError(t, err)
	require.Equal(t, "reference: not enough data: 99 matured rows, at least 100 are needed", change.Note)
	_, err = Changed(Reference{Labels: y, Scores: p[1:]}, Window{}, Tolerance{}, Limits{})
	require.ErrorContains(t, err, "reference: 5000 labels and 4999 scores")
}
