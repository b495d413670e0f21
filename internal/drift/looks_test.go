package drift_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
)

// Wanted values: BatchBH of the Python package online-fdr, the same looks.
func TestLooks(t *testing.T) {
	t.Parallel()
	looks := []struct {
		p     []float64
		found []bool
		most  int
		level float64
	}{
		{[]float64{0.001, 0.2, 0.5, 0.03}, []bool{true, false, false, false}, 2, 0.02187450829},
		{[]float64{0.0001, 0.0004, 0.6, 0.7}, []bool{true, true, false, false}, 3, 0.009019870854038207},
		{[]float64{0.9, 0.8}, []bool{false, false}, 1, 0.037900024461313485},
		{[]float64{0.004, 0.02, 0.011, 0.3, 0.5}, make([]bool, 5), 2, 0.012904578973452286},
		{[]float64{0.01, 0.012, 0.5}, make([]bool, 3), 1, 0.009138380047152048},
		{[]float64{0.5, 0.5, 0.5, 0.5}, make([]bool, 4), 1, 0.006175421862515495},
		{[]float64{0.006, 0.3, 0.4, 0.0001}, []bool{false, false, false, true}, 2, 0.005175125945421842},
	}
	var l drift.Looks
	for i, look := range looks {
		found, next, err := l.Next(look.p)
		require.NoError(t, err)
		require.Equal(t, look.found, found, "look %d", i)
		require.Equal(t, look.most, next.Past[i].Most, "look %d", i)
		require.InDelta(t, look.level, next.Past[i].Level, 1e-10, "look %d", i)
		text, err := json.Marshal(next)
		require.NoError(t, err)
		l = drift.Looks{}
		require.NoError(t, json.Unmarshal(text, &l))
		require.Equal(t, next, l)
	}
	_, _, err := l.Next([]float64{0.5, -1})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	_, same, err := l.Next(nil)
	require.NoError(t, err)
	require.Equal(t, l, same, "a look at nothing spends nothing")
}

// Of 50 looks at 20 features, false discoveries are at most 5 % of all: without drift, with drift of a fifth of the features from the 20th look on, and
// where the p-values of all looks hang together by a common reference and those of a look by what features have in common. More would be chance once in
// 1,000.
func TestFalseDiscoveriesOverLooks(t *testing.T) {
	t.Parallel()
	const runs, looks, features = 150, 50, 20
	for name, c := range map[string]struct {
		drifted   int
		common    float64 // correlation of features
		reference float64 // of looks
	}{
		"no drift": {}, "mixed": {drifted: 4}, "hanging together": {drifted: 4, common: 0.5, reference: 0.3}, "hanging together, no drift": {common: 0.5, reference: 0.3},
	} {
		rng := rand.New(rand.NewPCG(11, 12))
		share, squares, found, due := 0.0, 0.0, 0, 0
		for range runs {
			var l drift.Looks
			wrong, right := 0, 0
			var reference [features]float64
			for f := range reference {
				reference[f] = rng.NormFloat64()
			}
			for look := range looks {
				p := make([]float64, features)
				all := rng.NormFloat64()
				for f := range p {
					z := root(c.reference)*reference[f] + root(1-c.reference)*(root(c.common)*all+root(1-c.common)*rng.NormFloat64())
					if look >= 20 && f < c.drifted {
						z += 4
						due++
					}
					p[f] = distuv.UnitNormal.Survival(z)
				}
				drifted, next, err := l.Next(p)
				require.NoError(t, err)
				l = next
				for f, is := range drifted {
					switch {
					case is && look >= 20 && f < c.drifted:
						right++
					case is:
						wrong++
					}
				}
			}
			part := float64(wrong) / float64(max(wrong+right, 1))
			share, squares, found = share+part/runs, squares+part*part/runs, found+right
		}
		margin := 3.1 * root((squares-share*share)/runs)
		require.LessOrEqual(t, share, 0.05+margin, name)
		if c.drifted > 0 {
			require.Greater(t, float64(found)/float64(due), 0.8, name)
		}
	}
}
