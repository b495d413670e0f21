package performance

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// contest is a champion and older versions by the noise in their log-odds and by how sure of themselves they are, on 3,000 rows and a reference of as many.
func contest(champion [2]float64, older ...[2]float64) Versions {
	const n = 3000
	reference, before, _ := sample(11, n, -1)
	y, now, _ := sample(12, n, -1)
	of := func(version int, seed uint64, v [2]float64) Version {
		return Version{Version: version, Scores: scored(seed, now, v[0], v[1]), Reference: scored(seed+100, before, v[0], v[1])}
	}
	v := Versions{Champion: of(9, 20, champion), Labels: y, ReferenceLabels: reference}
	for i, o := range older {
		v.Older = append(v.Older, of(8-i, uint64(21+i), o))
	}
	return v
}

func (v Versions) unlabelled() Versions {
	v.Labels = unknown(len(v.Labels))
	return v
}

// A champion that is bad is left for a better version on labels and on the estimate alike; one that is good is not.
func TestCompare(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		versions Versions
		basis    Basis
		want     []bool
	}{
		"bad champion, labels":    {contest([2]float64{1.5, 1}, [2]float64{0.3, 1}, [2]float64{1.5, 1}), OnLabels, []bool{true, false}},
		"bad champion, estimate":  {contest([2]float64{1.5, 1}, [2]float64{0.3, 1}, [2]float64{1.5, 1}).unlabelled(), OnEstimate, []bool{true, false}},
		"good champion, labels":   {contest([2]float64{0.3, 1}, [2]float64{0.3, 1}, [2]float64{1.5, 1}), OnLabels, []bool{false, false}},
		"good champion, estimate": {contest([2]float64{0.3, 1}, [2]float64{0.3, 1}, [2]float64{1.5, 1}).unlabelled(), OnEstimate, []bool{false, false}},
		"nothing to compare":      {contest([2]float64{0.3, 1}), OnLabels, nil},
	} {
		standings, err := Compare(test.versions, Limits{})
		require.NoError(t, err)
		require.Len(t, standings, len(test.want), name)
		for i, want := range test.want {
			require.Equal(t, want, standings[i].Better, "%s: %+v", name, standings[i])
			require.Equal(t, test.basis, standings[i].Basis, name)
			require.Equal(t, 3000, standings[i].Rows)
		}
	}
	standings, err := Compare(contest([2]float64{1.5, 1}, [2]float64{0.3, 1}).unlabelled(), Limits{})
	require.NoError(t, err)
	require.Contains(t, standings[0].Note, "; estimated without labels, not valid under concept change")
}

// A bad champion that is sure of itself claims a high AUC: by its own scores taken for probabilities it beats the older version. It is not preferred, and
// the older version is found better, as it is on labels; nor does an older version win by being sure of itself.
func TestWhoIsSureOfItselfIsNotPreferred(t *testing.T) {
	t.Parallel()
	v := contest([2]float64{1.5, 4}, [2]float64{0.3, 1})
	claims := expectedAUC(v.Champion.Scores, v.Champion.Scores).estimate
	require.Greater(t, claims, expectedAUC(v.Older[0].Scores, v.Older[0].Scores).estimate+0.1, "that is what it claims")
	labelled, err := Compare(v, Limits{})
	require.NoError(t, err)
	estimated, err := Compare(v.unlabelled(), Limits{})
	require.NoError(t, err)
	require.True(t, labelled[0].Better)
	require.True(t, estimated[0].Better)
	for _, name := range []string{"auc", "brier"} {
		require.InDelta(t, labelled[0].Differences[name].Estimate, estimated[0].Differences[name].Estimate, 0.03, name)
	}
	boastful, err := Compare(contest([2]float64{0.3, 1}, [2]float64{1.5, 4}).unlabelled(), Limits{})
	require.NoError(t, err)
	require.False(t, boastful[0].Better)
}

// A champion that broke in the window, as by a change of unit, scores like nothing that the reference has seen: there is no estimate, and nobody wins by it.
func TestNoEstimateBeyondTheReference(t *testing.T) {
	t.Parallel()
	extreme := contest([2]float64{0.3, 1}, [2]float64{0.3, 1}).unlabelled()
	_, now, _ := sample(12, 3000, -1)
	extreme.Champion.Scores = scored(20, now, 0.3, 5)
	apart := contest([2]float64{0.3, 1}, [2]float64{0.3, 1}).unlabelled()
	_, others, _ := sample(99, 3000, -1)
	apart.Champion.Scores = scored(20, others, 0.3, 1) // each score is a usual one, and has nothing to do with its row
	for _, v := range []Versions{extreme, apart} {
		standings, err := Compare(v, Limits{})
		require.NoError(t, err)
		require.Equal(t, OnNothing, standings[0].Basis, "%+v", standings[0])
		require.False(t, standings[0].Better)
		require.Contains(t, standings[0].Note, "% of the rows the reference has not seen the like, at most 10 % are allowed")
	}
}

func TestCompareWithoutEnough(t *testing.T) {
	t.Parallel()
	whole := contest([2]float64{1.5, 1}, [2]float64{0.3, 1}).unlabelled()
	noReference, young, short := whole, whole, whole
	noReference.Older = []Version{{Version: 8, Scores: whole.Older[0].Scores}}
	young.ReferenceLabels = unknown(3000)
	short.Champion.Scores, short.Labels = whole.Champion.Scores[:99], nil
	short.Older = []Version{{Version: 8, Scores: whole.Older[0].Scores[:99], Reference: whole.Older[0].Reference}}
	for says, v := range map[string]Versions{
		"not enough data: 0 matured rows, at least 100 are needed; no estimate: the reference was not scored by both versions": noReference,
		"no estimate: reference: not enough data":       young,
		"no estimate: 99 rows, at least 100 are needed": short,
	} {
		standings, err := Compare(v, Limits{})
		require.NoError(t, err)
		require.Equal(t, OnNothing, standings[0].Basis)
		require.InDelta(t, 1, standings[0].P, 0)
		require.False(t, standings[0].Better)
		require.Contains(t, standings[0].Note, says)
	}
	broken := whole
	broken.Older = []Version{{Version: 8, Scores: whole.Older[0].Scores[1:]}}
	_, err := Compare(broken, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	broken.Older = []Version{{Version: 8, Scores: whole.Older[0].Scores, Reference: whole.Older[0].Scores[1:]}}
	_, err = Compare(broken, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// An older version is held against the champion on the rows that both take, and what another one refuses takes no row away. Wanted: what these rows
// alone say.
func TestVersionsAreComparedPairByPair(t *testing.T) {
	t.Parallel()
	for _, v := range []Versions{contest([2]float64{1.5, 1}, [2]float64{0.3, 1}), contest([2]float64{1.5, 1}, [2]float64{0.3, 1}).unlabelled()} {
		whole, err := Compare(v, Limits{})
		require.NoError(t, err)
		refuses := func(scores []float64) []float64 {
			out := slices.Clone(scores)
			for i := range out[:len(out)/2] {
				out[i] = math.NaN()
			}
			return out
		}
		v.Older = append(v.Older, Version{Version: 1, Scores: refuses(v.Older[0].Scores), Reference: refuses(v.Older[0].Reference)})
		both, err := Compare(v, Limits{})
		require.NoError(t, err)
		require.Equal(t, whole[0].Differences, both[0].Differences)
		half := v
		if v.Labels != nil {
			half.Labels = v.Labels[1500:]
		}
		half.Champion.Scores, half.Champion.Reference, half.ReferenceLabels = v.Champion.Scores[1500:], v.Champion.Reference[1500:], v.ReferenceLabels[1500:]
		half.Older = []Version{{Version: 1, Scores: v.Older[0].Scores[1500:], Reference: v.Older[0].Reference[1500:]}}
		alone, err := Compare(half, Limits{})
		require.NoError(t, err)
		require.Equal(t, alone[0].Differences, both[1].Differences)
		require.Equal(t, 1500, both[1].Rows)
	}
}

// A version does not differ from itself, on labels or on the estimate, where the map cannot tell the two apart.
func TestAVersionIsNotBetterThanItself(t *testing.T) {
	t.Parallel()
	v := contest([2]float64{0.5, 1})
	v.Older = []Version{v.Champion}
	for _, versions := range []Versions{v, v.unlabelled()} {
		standings, err := Compare(versions, Limits{})
		require.NoError(t, err)
		require.NotEqual(t, OnNothing, standings[0].Basis, standings[0].Note)
		require.Equal(t, evaluate.Difference{P: 1}, standings[0].Differences["auc"])
		require.Equal(t, evaluate.Difference{P: 1}, standings[0].Differences["brier"])
	}
}

// Immature labels take no part, whatever the scores of their rows are.
func TestCompareCountsMaturedLabels(t *testing.T) {
	t.Parallel()
	v := contest([2]float64{1.0, 1}, [2]float64{0.5, 1})
	want, err := Compare(v, Limits{})
	require.NoError(t, err)
	extra := scored(1, make([]float64, 500), 1, 1)
	v.Labels = append(v.Labels, unknown(500)...)
	v.Champion.Scores = append(v.Champion.Scores, extra...)
	v.Older[0].Scores = append(v.Older[0].Scores, make([]float64, 500)...)
	got, err := Compare(v, Limits{})
	require.NoError(t, err)
	require.Equal(t, want, got)
}
