package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
)

// Wanted values: numpy 2.4 for the PSI, scipy 1.17 for the others (jensenshannon squared, chi2_contingency without correction, ks_2samp,
// wasserstein_distance) of 1, 2, 4 and 9 as often as the bins say.
func TestMeasures(t *testing.T) {
	t.Parallel()
	bins := []pair{{120, 30}, {80, 10}, {300, 120}, {500, 40}}
	require.InDelta(t, 0.5036257891470284, psi(bins, 1000, 200), 1e-12)
	require.InDelta(t, 0.061273537224846956, jensenShannon(bins, 1000, 200), 1e-12)
	require.InDelta(t, 79.39047619047619, chiSquared(bins, 1000, 200), 1e-9)
	ks, wasserstein := distances(bins, []float64{1, 2, 5})
	require.InDelta(t, 0.3, ks, 1e-12)
	require.InDelta(t, 1.53, wasserstein, 1e-12)
}

// Wanted by hand: half a row where there is none, and nothing where neither sample has one.
func TestPSIOfEmptyBins(t *testing.T) {
	t.Parallel()
	want := (0.5/100-0.5)*math.Log(0.5/100/0.5) + (1-0.5)*math.Log(2)
	require.InDelta(t, want, psi([]pair{{50, 0}, {0, 0}, {50, 100}}, 100, 100), 1e-12)
	require.InDelta(t, want, PartOfPSI(0.5, 0, 100, 100)+PartOfPSI(0.5, 1, 100, 100), 1e-12, "the parts are the whole")
	require.Zero(t, PartOfPSI(0, 1, 0, 100))
	require.Zero(t, PartOfPSI(1, 0, 100, 0))
}

// Wanted values: scipy 1.17, hypergeom.sf and hypergeom.cdf.
func TestTail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		k, good, all, draw, direction int64
		want                          float64
	}{
		{40, 100, 20_000, 5000, 1, 0.0006661205705001925},
		{3, 100, 20_000, 500, -1, 0.7592357669868772},
		{300, 400, 2_000_000, 1_000_000, 1, 1.2830478934112403e-24},
		{10, 400, 2_000_000, 1_000_000, -1, 9.88936369439921e-102},
		{3, 40, 100, 90, 1, 1},
		{0, 40, 100, 10, 1, 1},
		{10, 40, 100, 10, -1, 1},
	} {
		require.InEpsilon(t, test.want, tail(test.k, test.good, test.all, test.draw, test.direction), 1e-6, "%+v", test)
	}
	p := missingness(Side{Rows: 1000, Missing: 31}, Side{Rows: 100, Missing: 7}).P
	require.InEpsilon(t, 0.0993981268379507, p, 1e-9, "twice the smaller tail")
}

// Wanted values: scipy 1.17, norm.ppf(ncx2.cdf(...)).
func TestNoncentral(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ x, df, noncentrality, want float64 }{
		{30, 9, 10, 1.3637685852588066}, {150, 9, 100, 1.8862494974121966}, {5, 3, 0.5, 0.730160166552963}, {1200, 9, 1000, 2.897409728256649},
	} {
		require.InDelta(t, test.want, noncentral(test.x, test.df, test.noncentrality), 0.01, "%+v", test)
	}
}

// Wanted values: scipy 1.17, gammaln.
func TestLogFactorial(t *testing.T) {
	t.Parallel()
	require.InEpsilon(t, 383871.606581826, logFactorial(40_000), 1e-13)
	require.InEpsilon(t, 12815518.384658169, logFactorial(1_000_000), 1e-13)
	require.InEpsilon(t, 15.104412573075516, logFactorial(10), 1e-13)
}

// What is looked up at once is what is looked up one by one, to the bit; and all probabilities are 1 together, on either side of the
// table's end.
func TestProbability(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.Int64Range(1, 40_000).Draw(t, "all")
		good, draw := rapid.Int64Range(0, all).Draw(t, "good"), rapid.Int64Range(0, all).Draw(t, "draw")
		k := rapid.Int64Range(max(0, draw-(all-good)), min(good, draw)).Draw(t, "k")
		require.Equal(t, math.Exp(logChoose(good, k)+logChoose(all-good, draw-k)-logChoose(all, draw)), probability(k, good, all, draw))
	})
	for _, all := range []int64{1<<15 - 1, 1 << 15, 1<<15 + 1} {
		sum := 0.0
		for k := range int64(101) {
			sum += probability(k, 100, all, 20_000)
		}
		require.InDelta(t, 1, sum, 1e-9)
	}
}

// Both ways to draw have the mean and the variance of the hypergeometric distribution, within five standard errors, where rows are few and where they
// are many; and the parts add up.
func TestDrawsAreHypergeometric(t *testing.T) {
	t.Parallel()
	for _, draw := range []int64{20, 500, 1900} {
		cells := []int64{3, 40, 7, 1000, 200, 750}
		for name, next := range map[string]func(*urn){"rows": (*urn).rowByRow, "cells": (*urn).cellByCell} {
			u := newUrn(cells, draw, 7)
			const times = 20_000
			sums, squares := make([]float64, len(cells)), make([]float64, len(cells))
			for range times {
				next(u)
				all := int64(0)
				for i, k := range u.taken {
					if all += k; k < 0 || k > cells[i] {
						t.Fatalf("%d of %d rows", k, cells[i])
					}
					sums[i] += float64(k)
					squares[i] += float64(k) * float64(k)
				}
				if all != draw {
					t.Fatalf("%d rows, not %d", all, draw)
				}
			}
			for i, n := range cells {
				all, good, d := float64(u.all), float64(n), float64(draw)
				centre := d * good / all
				variance := centre * (1 - good/all) * (all - d) / (all - 1)
				require.InDelta(t, centre, sums[i]/times, 5*math.Sqrt(variance/times), "%s, %d, cell %d", name, draw, i)
				got := squares[i]/times - sums[i]/times*sums[i]/times
				require.InDelta(t, variance, got, 0.06*variance+0.1/math.Sqrt(times), "%s, %d, cell %d", name, draw, i)
			}
		}
	}
}

// The exact draws have the exact distribution: five standard errors of every probability.
func TestSmallDrawsAreExact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	const times = 100_000
	seen := map[int64]int{}
	for range times {
		seen[hypergeometric(rng, 9, 40, 14)]++
	}
	for k := range int64(10) {
		p := math.Exp(logChoose(9, k) + logChoose(31, 14-k) - logChoose(40, 14))
		require.InDelta(t, p, float64(seen[k])/times, 5*(distuv.Binomial{N: times, P: p}).StdDev()/times+1e-9, "%d", k)
	}
}

// A number's bin by the table is the one that a search finds.
func TestPlacerFindsTheBin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1, 1), rapid.Float64Range(1e4, 1e4+1), rapid.Just(0.0)), 1, 300).Draw(t, "values")
		p := newPlacer(numberBins(values))
		tries := append(slices.Clone(values), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), rapid.Float64().Draw(t, "another"))
		for _, cut := range p.cuts {
			tries = append(tries, cut, math.Nextafter(cut, math.Inf(1)), math.Nextafter(cut, math.Inf(-1)))
		}
		for _, x := range tries {
			want := 0
			for want < len(p.cuts) && p.cuts[want] < x {
				want++
			}
			require.Equal(t, want, p.bin(x), "%v", x)
		}
	})
}

// A distribution of 10,000 different numbers has 240 bins of 41 or 42 rows, and ten bins of the PSI of 1,000; one of few values a bin for each.
func TestNumberBins(t *testing.T) {
	t.Parallel()
	values := make([]float64, 10_000)
	for i := range values {
		values[i] = float64((i * 7919) % 10_000)
	}
	n := numberBins(values)
	require.Len(t, n.Means, fine)
	require.Len(t, n.Cuts, fine-1)
	perTenth := map[int]int{}
	tenthsOf := func(n *NumberBins, values []float64) []int {
		b := Bins{Features: []FeatureBins{{Numbers: n}}}
		counts, _ := NewCounter(b).finders[0].count(&dataset.Column{Floats: values})
		return n.Tenths(counts)[doublings:][:len(n.Means)]
	}
	tenths := tenthsOf(n, values)
	before := -1.0
	for i := range n.Means {
		high := 9999.0
		if i < len(n.Cuts) {
			high = math.Floor(n.Cuts[i])
		}
		rows := int(high - before)
		require.Contains(t, []int{41, 42}, rows)
		perTenth[tenths[i]] += rows
		before = high
	}
	require.Len(t, perTenth, coarse)
	for _, rows := range perTenth {
		require.InDelta(t, 1000, rows, 1)
	}
	some := []float64{5, 5, 1, 3, 3, 3, math.NaN()}
	few := numberBins(append(some, math.Inf(1)))
	require.Equal(t, []float64{2, 4}, few.Cuts)
	require.InDeltaSlice(t, []float64{1, 3, 5}, few.Means, 1e-12)
	require.Equal(t, []int{0, 1, 2}, tenthsOf(few, some))
	require.InDelta(t, math.Sqrt(17.0/9), few.SD, 1e-12, "by hand: 5 5 1 3 3 3, without what is not a number")
	zeros := make([]float64, 1000)
	for i := 700; i < 1000; i++ {
		zeros[i] = float64(i)
	}
	mostly := numberBins(zeros)
	require.Equal(t, 350.0, mostly.Cuts[0], "a value of many rows has a bin of its own")
	require.Equal(t, []int{0, 1}, tenthsOf(mostly, zeros)[:2])
}

// Wanted by hand: enough draws of those until then; else those as far away, and what was observed, of all; and of rare ones the fitted tail.
func TestP(t *testing.T) {
	t.Parallel()
	n := null{names: []Name{PSI, PSI, PSI, PSI}, as: []int{20, 9, 2, 0}, met: []float64{20.0 / 400, 0, 0, 0}, observed: []float64{1, 1, 1, 5}, drawn: make([][]float64, 4)}
	for i := range draws { // nearly exponential of mean 1, whose tail at 5 is e⁻⁵, and of which the third has no variance
		n.drawn[3] = append(n.drawn[3], -math.Log((float64(i)+0.5)/draws))
		n.drawn[1], n.drawn[2] = append(n.drawn[1], 0.5), append(n.drawn[2], 0.5)
	}
	require.Equal(t, 20.0/400, n.p(0))
	require.Equal(t, 10.0/1000, n.p(1))
	require.Equal(t, 3.0/1000, n.p(2))
	require.InEpsilon(t, math.Exp(-5), n.p(3), 0.05, "whatever was drawn")
	n.observed[3] = 12
	require.InEpsilon(t, math.Exp(-12), n.p(3), 0.3)
}
