package drift

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// apart are so many rows, each in a cell of its own, those of the window as evenly among the others as they can be.
func apart(m, n int) (rows []pair) {
	for i := range m + n {
		if (i+1)*n/(m+n) > i*n/(m+n) {
			rows = append(rows, pair{0, 1})
		} else {
			rows = append(rows, pair{1, 0})
		}
	}
	return rows
}

// Wanted: scipy 1.17, ks_2samp's exact p-value of rows without ties.
func TestCrossing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		m, n int
		d    float64
		want float64
	}{
		{100, 100, 0.27, 0.0012935059781377376}, {100, 100, 0.3, 0.0002248739317492479}, {120, 60, 0.3, 0.0013011209013102747},
		{500, 300, 0.15, 0.0003871213557917298}, {400, 400, 0.17, 1.830133064154361e-05},
	} {
		require.InEpsilon(t, test.want, crossing(apart(test.m, test.n), test.d), 1e-9, "%+v", test)
	}
}

// Of any few rows with ties it is the share of all ways to choose those of the window that are as far apart: counted one by one.
func TestCrossingOfTies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pair {
			return pair{float64(rapid.IntRange(0, 2).Draw(t, "reference")), float64(rapid.IntRange(0, 2).Draw(t, "window"))}
		}), 1, 5).Draw(t, "rows")
		rows = append(rows, pair{1, 1})
		var m, n, cells int
		var cell []int
		for _, p := range rows {
			m, n = m+int(p.reference), n+int(p.window)
			for range int(p.reference + p.window) {
				cell = append(cell, cells)
			}
			cells++
		}
		widths := make([]float64, len(rows)-1)
		observed, _ := distances(rows, widths)
		far, ways := 0, 0
		for chosen := range 1 << len(cell) {
			of, taken := make([]pair, len(rows)), 0
			for i, at := range cell {
				if chosen>>i&1 == 1 {
					of[at].window++
					taken++
				} else {
					of[at].reference++
				}
			}
			if taken != n {
				continue
			}
			ways++
			if d, _ := distances(of, widths); d >= observed-1e-12 {
				far++
			}
		}
		require.InDelta(t, float64(far)/float64(ways), crossing(rows, observed), 1e-9)
	})
}

// Of many rows in 240 cells it is what the same walk over all of them brings, which takes ten times as long, or up to 0.3 of it more; and never more than the
// limit of Kolmogorov. Wanted: crossing of 10,000 rows where effective is above all of them.
func TestCrossingOfManyRows(t *testing.T) {
	t.Parallel()
	rows := make([]pair, 240)
	for i := range rows {
		rows[i] = pair{20_000. / 240, 20_000. / 240}
	}
	for λ, want := range map[float64]float64{1.9: 0.001111, 2.2: 9.091e-5, 2.6: 1.844e-6, 3: 1.972e-8} {
		got := crossing(rows, λ/100)
		require.GreaterOrEqual(t, got, want, "λ = %g", λ)
		require.Less(t, got, 1.3*want, "λ = %g", λ)
		require.Less(t, got, 2*math.Exp(-2*λ*λ))
	}
	require.InEpsilon(t, 2*math.Exp(-32), crossing(rows, 0.04), 1e-9, "so far out the limit is told")
	require.Equal(t, math.SmallestNonzeroFloat64, crossing(rows, 1))
}

// p is counted out where hardly a draw is as far away, whatever was drawn.
func TestRareDistancesAreCountedOut(t *testing.T) {
	t.Parallel()
	n := null{cells: &cells{rows: apart(100, 100), values: 200}, names: []Name{KS}, as: []int{rare}, met: []float64{0}, observed: []float64{0.3}, drawn: [][]float64{make([]float64, draws)}}
	require.InEpsilon(t, 0.0002248739317492479, n.p(0), 1e-9)
	n.as[0]++
	require.Equal(t, 6.0/1000, n.p(0))
}
