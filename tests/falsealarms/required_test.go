package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
)

// of is a tally of so many windows with so many alarms at 5 % and at 1 %.
func of(tested, at5, at1 int) tally { return tally{tested: tested, at: [4]int{at5, at1}} }

// The largest counts that a binomial number of 6 % and 1.2 % exceeds at most once in 100: scipy 1.17, binom.ppf(0.99, ...).
func TestMost(t *testing.T) {
	t.Parallel()
	require.Equal(t, 340, levels[0].most(5000))
	require.Equal(t, 79, levels[1].most(5000))
	require.Equal(t, 79, levels[2].most(50_000))
}

// 1.2 times what is asked for is allowed, one more is above, and one more than chance is beyond.
func TestAbove(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		level         level
		seen          tally
		above, beyond bool
	}{
		{levels[0], of(5000, 300, 5000), false, false}, {levels[0], of(5000, 301, 0), true, false}, {levels[0], of(5000, 340, 0), true, false},
		{levels[0], of(5000, 341, 0), true, true}, {levels[1], of(5000, 5000, 60), false, false}, {levels[1], of(5000, 0, 61), true, false},
		{levels[1], of(5000, 0, 80), true, true}, {levels[1], tally{}, false, false},
	} {
		above, beyond := test.level.above(test.seen)
		require.Equal(t, []bool{test.above, test.beyond}, []bool{above, beyond}, "%+v", test)
	}
}

// A share that is not as required is named, whether it is a kind's or all kinds'; one within chance is told, and fails nothing.
func TestVerdict(t *testing.T) {
	t.Parallel()
	r := plan(settings{seed: 1, windows: 5000})
	for _, row := range append(r.none, r.joint[0]) {
		for _, c := range row {
			c.all = tallies{drift.PSI: of(5000, 300, 50), separate: of(5000, 300, 50)}
		}
	}
	said, err := r.verdict()
	require.NoError(t, err)
	require.Equal(t, "Of 102 shares 0 are above 1.2 times, none of these by more than chance at 5, 1 and 0.1 %.", said, "PSI of ten kinds at two levels and of all at four, at four sizes, and three of all features")
	r.joint[0][1].all = tallies{separate: of(5000, 301, 0)}
	said, err = r.verdict()
	require.NoError(t, err)
	require.Contains(t, said, "1 are above 1.2 times, none of these by more than chance at 5, 1 and 0.1 %. Within chance:\n- all features together, 1000 : 1000, at 5 %: 6.02 (5.39–6.71)")
	r.none[3][2].all = tallies{drift.PSI: of(5000, 341, 50)}
	said, err = r.verdict()
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "psi, 70 % zeros, 10000 : 1000, at 5 %: ")
	require.NotContains(t, err.Error(), "all features")
	require.Contains(t, said, "and 1 by more than chance:\n- psi, 70 % zeros")
	for _, row := range r.none {
		row[0].all = tallies{drift.PSI: of(5000, 330, 50)} // within chance for each of them, and not for all
	}
	_, err = r.verdict()
	require.ErrorContains(t, err, "psi, all kinds, 100 : 100, at 5 %: 6.60 (6.39–6.82)")
	require.NotContains(t, err.Error(), "normal, 100")
	for _, row := range r.none {
		far := of(5000, 300, 50)
		far.at[3] = 2
		row[0].all, row[2].all = tallies{drift.PSI: far}, tallies{}
	}
	said, err = r.verdict()
	require.NoError(t, err, "farther out it is told")
	require.Contains(t, said, "Farther out, by more than chance:\n- psi, all kinds, 100 : 100, at 0.01 %: 0.0400")
	r.none[0][0].all[drift.PSI] = tally{tested: 5000, at: [4]int{0, 0, 90, 0}}
	_, err = r.verdict()
	require.ErrorContains(t, err, "psi, all kinds, 100 : 100, at 0.1 %: 0.180")
}

// Blocks make the same numbers however they are shared, and no two of them the same.
func TestBlocksHaveNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	drawn := map[uint64]bool{}
	for _, e := range []*experiment{{stream: 1}, {stream: 2}} {
		for _, at := range []int{0, block} {
			e.once = func(rng *rand.Rand, _ []tallies) {
				x := rng.Uint64()
				require.False(t, drawn[x])
				drawn[x] = true
			}
			e.play(7, at, 2)
		}
	}
	require.Len(t, drawn, 8)
}
