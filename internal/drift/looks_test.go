package drift_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

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
		discoveries := next.Found - l.Found
		require.Equal(t, i+1, next.Looks)
		require.InDelta(t, look.level*float64(look.most), spent(next, look.most-discoveries)-spent(l, look.most-discoveries), 1e-10, "look %d", i)
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

// spent is what the looks have used that were so many discoveries short of the most.
func spent(l drift.Looks, short int) float64 {
	for _, s := range l.Spent {
		if s.Short == short {
			return s.Level
		}
	}
	return 0
}

// remembering is the same procedure with everything that every look did, as the formula of Next reads.
type remembering struct {
	found, most []int
	levels      []float64
}

// level is that of the next look at n p-values, of a rate of 5 %.
func (r *remembering) level(n int) float64 {
	const zeta = 2.2857656656801293
	shares, found := 0.0, 0
	for s := range len(r.levels) + 1 {
		shares += math.Pow(float64(s+1), -1.6) / zeta
	}
	for _, f := range r.found {
		found += f
	}
	left := 0.05 * shares
	for s, level := range r.levels {
		left -= level * float64(r.most[s]) / float64(r.most[s]+found-r.found[s])
	}
	return min(max(left, 0)*float64(n+found)/float64(n), 1)
}

// reject is Benjamini and Hochberg's.
func reject(p []float64, level float64) (found int) {
	for k := range len(p) + 1 {
		below := 0
		for _, x := range p {
			if x <= level*float64(k)/float64(len(p)) {
				below++
			}
		}
		if below >= k {
			found = k
		}
	}
	return found
}

func (r *remembering) look(p []float64) (drifted []bool) {
	level := r.level(len(p))
	found, most := reject(p, level), 0
	for i, x := range p {
		drifted = append(drifted, found > 0 && x <= level*float64(found)/float64(len(p)))
		zeroed := slices.Clone(p)
		zeroed[i] = 0
		most = max(most, reject(zeroed, level))
	}
	r.found, r.most, r.levels = append(r.found, found), append(r.most, most), append(r.levels, level)
	return drifted
}

// What is remembered decides as if everything were.
func TestNothingThatMattersIsForgotten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var l drift.Looks
		var all remembering
		small := rapid.Custom(func(r *rapid.T) float64 { return math.Pow(10, -rapid.Float64Range(0, 5).Draw(r, "digits")) })
		for look := range rapid.IntRange(1, 40).Draw(r, "looks") {
			p := rapid.SliceOfN(small, 1, 12).Draw(r, "p")
			drifted, next, err := l.Next(p)
			require.NoError(r, err)
			require.Equal(r, all.look(p), drifted, "look %d", look)
			l = next
		}
		require.InDelta(r, all.level(7), levelOf(l, 7), 1e-12)
	})
}

// levelOf is the level of the next look at n p-values, by what it finds: a single small one is found up to level / n.
func levelOf(l drift.Looks, n int) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		middle := (low + high) / 2
		p := slices.Repeat([]float64{1}, n)
		p[0] = middle
		if drifted, _, _ := l.Next(p); drifted[0] {
			low = middle
		} else {
			high = middle
		}
	}
	return min(low*float64(n), 1)
}

// Of 400 looks at 60 p-values, of which some come about by drift, no more is remembered than of 40, but for digits.
func TestWhatIsRememberedDoesNotGrow(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(21, 22))
	var l drift.Looks
	var sizes []int
	for look := range 400 {
		p := make([]float64, 60)
		for i := range p {
			if p[i] = rng.Float64(); look%7 == 6 && i < 9 {
				p[i] = math.Pow(p[i], 8)
			}
		}
		_, next, err := l.Next(p)
		require.NoError(t, err)
		l = next
		text, err := json.Marshal(l)
		require.NoError(t, err)
		sizes = append(sizes, len(text))
	}
	t.Logf("%d bytes after 40 looks, %d after 400, %d entries, %d found", sizes[39], sizes[399], len(l.Spent), l.Found)
	require.Greater(t, l.Found, 100, "some were found")
	require.Less(t, sizes[399], 500)
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

// A level that changes is that of the looks to come, and what earlier ones have not spent stays. Wanted by hand: shares of the level by the numbers of looks,
// 1 / ζ(1.6) and 2^-1.6 / ζ(1.6), less what the first has spent, which found nothing and so all of it.
func TestAChangedLevelIsOfLooksToCome(t *testing.T) {
	t.Parallel()
	const zeta = 2.2857656656801293
	second := math.Pow(2, -1.6) / zeta
	for _, level := range []float64{0.01, 0.2} {
		_, l, err := drift.Looks{Level: 0.05}.Next([]float64{0.9, 0.8})
		require.NoError(t, err)
		require.InDelta(t, 0.05/zeta, l.Allowed, 1e-15)
		l.Level = level
		require.InDelta(t, level*second, levelOf(l, 2), 1e-12)
		l.Level = 0
		require.InDelta(t, 0.05*second, levelOf(l, 2), 1e-12, "the default")
	}
}
