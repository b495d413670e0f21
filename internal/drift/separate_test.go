package drift_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// pairs are rows of five normal numbers, the first two of which are correlated, and of a category.
func pairs(seed uint64, n int, correlation float64) dataset.Table {
	rng := rand.New(rand.NewPCG(seed, 6))
	var t dataset.Table
	for j := range 5 {
		t.Columns = append(t.Columns, dataset.Column{Name: fmt.Sprint("n", j), Floats: make([]float64, n)})
	}
	t.Columns = append(t.Columns, dataset.Column{Name: "kind", Kind: dataset.Text, Texts: make([]string, n), Valid: make([]bool, n)})
	for i := range n {
		for j := range 5 {
			t.Columns[j].Floats[i] = rng.NormFloat64()
		}
		t.Columns[1].Floats[i] = correlation*t.Columns[0].Floats[i] + math.Sqrt(1-correlation*correlation)*t.Columns[1].Floats[i]
		t.Columns[5].Texts[i], t.Columns[5].Valid[i] = fmt.Sprint(secret, rng.IntN(4)), true
	}
	return t
}

var paired = []drift.Feature{{Name: "n0"}, {Name: "n1"}, {Name: "n2"}, {Name: "n3"}, {Name: "n4"}, {Name: "kind", Category: true}}

// A correlation that has changed is found where no feature has moved, and its two features are named.
func TestSeparateFindsAChangedCorrelation(t *testing.T) {
	t.Parallel()
	reference, window := pairs(1, 4000, 0.6), pairs(2, 4000, -0.6)
	for _, r := range compared(t, paired, reference, window) {
		require.Greater(t, r.P, 0.001, r.Name)
	}
	s, err := drift.Separate(paired, reference, window, drift.Limits{})
	require.NoError(t, err)
	require.Less(t, s.P, 1e-6)
	require.Greater(t, s.AUC, 0.7)
	require.True(t, s.Beyond)
	require.ElementsMatch(t, []string{"n0", "n1"}, []string{s.Features[0].Feature, s.Features[1].Feature})
	require.Greater(t, s.Features[0].Share+s.Features[1].Share, 0.9)
}

// What is in the shares of a category, or in what is missing, is found as well.
func TestSeparateFindsLevelsAndMissingValues(t *testing.T) {
	t.Parallel()
	window := pairs(2, 2000, 0)
	for i := range 400 {
		window.Columns[5].Texts[i] = secret + "0"
	}
	s, err := drift.Separate(paired, pairs(1, 2000, 0), window, drift.Limits{})
	require.NoError(t, err)
	require.Less(t, s.P, 1e-4)
	require.Equal(t, "kind", s.Features[0].Feature)
	window = pairs(2, 2000, 0)
	for i := range 400 {
		window.Columns[3].Floats[i] = math.NaN()
	}
	s, err = drift.Separate(paired, pairs(1, 2000, 0), window, drift.Limits{})
	require.NoError(t, err)
	require.Less(t, s.P, 1e-4)
	require.Equal(t, "n3", s.Features[0].Feature)
}

// Without drift one in twenty has a p-value of 5 %; more than chance brings once in 1,000 would be a defect.
func TestSeparateHoldsItsLevel(t *testing.T) {
	t.Parallel()
	const times = 200
	alarms := 0
	for seed := range uint64(times) {
		s, err := drift.Separate(paired, pairs(2*seed+100, 400, 0.3), pairs(2*seed+101, 150, 0.3), drift.Limits{})
		require.NoError(t, err)
		if s.P <= 0.05 {
			alarms++
		}
	}
	most := 0
	for 1-(distuv.Binomial{N: times, P: 0.05}).CDF(float64(most)) > 0.001 {
		most++
	}
	require.LessOrEqual(t, alarms, most)
}

func TestSeparateNeedsRows(t *testing.T) {
	t.Parallel()
	s, err := drift.Separate(paired, pairs(1, 200, 0), pairs(2, 99, 0), drift.Limits{})
	require.NoError(t, err)
	require.Equal(t, "not enough data: 99 rows of the window, 100 are needed", s.Short.String())
	require.Equal(t, 1.0, s.P)
}

// Applicants and those who apply with them come in turns, in a window of every row and a reference of which every second would be taken.
func TestSeparateFallsInWithNoOrder(t *testing.T) {
	t.Parallel()
	inTurns := func(seed uint64, n int) dataset.Table {
		values := normal(seed, n, 0, 1)
		for i := range values {
			values[i] += float64(i % 2)
		}
		return rows(values...)
	}
	s, err := drift.Separate(features[:1], inTurns(1, 40_000), inTurns(2, 10_000), drift.Limits{})
	require.NoError(t, err)
	require.Greater(t, s.P, 0.01, "AUC %g", s.AUC)
	require.False(t, s.Beyond)
}
