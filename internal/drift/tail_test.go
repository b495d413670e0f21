package drift

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// The tail of chi-squared's quantiles is chi-squared's, moved and stretched as well. Wanted: 1e-4 and 1e-6, distuv's own quantiles of nine degrees of freedom.
func TestPearsonIsChiSquared(t *testing.T) {
	t.Parallel()
	nine := distuv.ChiSquared{K: 9}
	var numbers []float64
	for i := range 100_000 {
		numbers = append(numbers, 3+2*nine.Quantile((float64(i)+0.5)/100_000))
	}
	for _, p := range []float64{0.01, 1e-4, 1e-6} {
		require.InEpsilon(t, p, pearson(numbers)(3+2*nine.Quantile(1-p)), 0.02)
	}
	require.InDelta(t, 1, pearson(slices.Repeat([]float64{0.1}, 99))(5), 0, "numbers that are alike have no tail")
}

// Wanted by counting: of all ways to choose 9 of 18 rows, or 5, how many have means so far apart. The rows lie askew.
func TestApartIsTheTailOfTheMeans(t *testing.T) {
	t.Parallel()
	at := []float64{0, 1, 2, 3, 5, 8}
	rows := []float64{5, 4, 3, 3, 2, 1}
	var values []float64
	for i, n := range rows {
		values = append(values, slices.Repeat([]float64{at[i]}, int(n))...)
	}
	for _, k := range []int{9, 5} {
		n := null{cells: &cells{values: len(rows), widths: []float64{1, 1, 1, 2, 3}}}
		for _, all := range rows {
			n.rows = append(n.rows, pair{all, 0})
		}
		n.rows[0] = pair{5 - float64(min(k, 5)), float64(min(k, 5))}
		n.rows[1] = pair{4 - float64(k-min(k, 5)), float64(k - min(k, 5))}
		var apart []float64
		for chosen := range uint(1) << len(values) {
			if bits.OnesCount(chosen) != k {
				continue
			}
			in, out := 0.0, 0.0
			for i, x := range values {
				if chosen>>i&1 == 1 {
					in += x
				} else {
					out += x
				}
			}
			apart = append(apart, math.Abs(in/float64(k)-out/float64(len(values)-k)))
		}
		slices.Sort(apart)
		for _, p := range []float64{0.2, 0.05, 0.01} {
			x := apart[int(float64(len(apart))*(1-p))]
			first, _ := slices.BinarySearch(apart, x-1e-9)
			want := float64(len(apart)-first) / float64(len(apart))
			require.InEpsilon(t, want, n.apart(x-0.05), 0.35, "%d rows, %g", k, p) // in the middle between two ways
		}
	}
}

// However wide the cells are the tail is a probability, and falls.
func TestApartFalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &cells{values: rapid.IntRange(2, 20).Draw(t, "cells")}
		scale := rapid.SampledFrom([]float64{1e-300, 1, 1e100, 1e306}).Draw(t, "scale")
		for range c.values {
			c.rows = append(c.rows, pair{float64(rapid.IntRange(1, 900).Draw(t, "reference")), float64(rapid.IntRange(1, 900).Draw(t, "window"))})
		}
		wide := 0.0
		for range c.values - 1 {
			c.widths = append(c.widths, scale*rapid.Float64Range(0.01, 100).Draw(t, "width"))
			wide += c.widths[len(c.widths)-1]
		}
		n := null{cells: c}
		before := n.apart(0)
		require.InDelta(t, 1, before, 0.25, "in the middle it is 1 but for the skewness")
		for _, share := range []float64{0.01, 0.05, 0.2, 0.5, 1} {
			p := n.apart(share * wide)
			require.True(t, p >= 0 && p <= before, "%v after %v", p, before)
			before = p
		}
	})
}

// flagged is a number of two values: 1,000 of 10,000 rows of the reference have the larger one, and so many of 200 of the window.
func flagged(window int64) *null {
	f := FeatureBins{Numbers: &NumberBins{Cuts: []float64{0.5}, Means: []float64{0, 1}, Max: 1}}
	reference, fresh := make([]int64, f.bins()), make([]int64, f.bins())
	copy(reference[doublings:], []int64{9000, 1000})
	copy(fresh[doublings:], []int64{200 - window, window})
	return newNull(cellsOf(f, reference, fresh), true)
}

// Of two values there are 201 windows of 200 rows, so that each p-value is known. Wanted: the sum of the probabilities of those as far away. The statistics of
// bins and that of Kolmogorov-Smirnov are counted out, and only the distance's tail is told; no more than 999 draws are of any use.
func TestTailsOfTwoValues(t *testing.T) {
	t.Parallel()
	for _, window := range []int64{7, 15, 26, 34, 37, 41, 60} {
		n := flagged(window)
		wanted, of := make([]float64, len(n.names)), make([]float64, len(n.names))
		all := float64(1000 + window)
		for k := range int64(201) {
			x := float64(k)
			n.measure([]pair{{10_000 - all + x, 200 - x}, {all - x, x}}, of)
			for i := range of {
				if of[i] >= n.observed[i]*(1-1e-9) {
					wanted[i] += probability(k, 1000+window, 10_200, 200)
				}
			}
		}
		n.sample()
		for i, name := range n.names {
			p := n.p(i)
			if i < ofBins {
				require.InEpsilon(t, wanted[i], p, 1e-6, "%s of %d", name, window)
			} else {
				require.InDelta(t, math.Log(wanted[i]), math.Log(p), 0.4-0.1*math.Log(wanted[i]), "%s of %d: %v, not %v", name, window, p, wanted[i])
			}
			require.LessOrEqual(t, len(n.drawn[i]), draws)
		}
		again := flagged(window)
		again.sample()
		require.Equal(t, n.p(1), again.p(1), "the same counts, the same p-value")
	}
}

// The tail of the Wasserstein distance is not lighter than it is. Wanted: of 40,000 draws of rows whose positions lie askew, the distance that one of 1,000 or
// 4,000 is beyond; the p-values of it by a tenth of these draws each, on average. A gamma of their moments tells a third of it.
func TestTheTailOfWasserstein(t *testing.T) {
	t.Parallel()
	c := &cells{values: 40, group: make([]int, 40), reference: make([]float64, 40), number: true}
	for i := range 40 {
		c.add(100, 10)
		if i > 0 {
			c.widths = append(c.widths, math.Exp(float64(i)/10))
		}
	}
	c.m, c.n = 4000, 400
	n := newNull(c, true)
	const wasserstein, blocks, times = 4, 40, 1000
	n.until(blocks*times, blocks*times+1, []int{wasserstein})
	sorted := slices.Sorted(slices.Values(n.drawn[wasserstein]))
	all := n.drawn[wasserstein]
	for _, p := range []float64{1.0 / 1000, 1.0 / 4000} {
		n.observed[wasserstein] = sorted[len(sorted)-int(p*blocks*times)]
		told := 0.0
		for i := range blocks {
			n.drawn[wasserstein] = all[i*times : (i+1)*times]
			told += n.tail(wasserstein) / blocks
		}
		require.InDelta(t, 1.2*p, told, 0.35*p)
	}
}
