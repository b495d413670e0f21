package drift

import (
	"math"
	"sort"
)

// ofPairs are the statistics of bins, in the order of their names.
var ofPairs = [ofBins]func(bins []pair, m, n float64) float64{psi, chiSquared, jensenShannon}

// two is whether a statistic is one of two bins, which are the same in every draw. Its p-value is counted out.
func (n *null) two(i int) bool {
	return i < ofBins && len(n.bins[i]) == 2 && (!n.number || n.values <= 2)
}

// rarity is the p-value of a statistic so far out that hardly a draw is. Where a bin has few rows its part of a statistic falls far more slowly than chi-squared
// does, and not as any draw shows: what one bin does alone is counted out, and the p-value is no smaller.
func (n *null) rarity(i int) float64 {
	if i >= ofBins {
		return n.tail(i)
	}
	return math.Max(n.tail(i), n.single(i))
}

// single is how likely, at no drift, one bin alone makes a statistic as large as observed: held against the rows of all other bins together. To put bins
// together never makes a divergence larger (Csiszár 1967), so that the statistic of all bins is as large then. Of two bins it is the p-value. Of more it is the
// sum over all but the largest one, which moves only as the others do; that two of them are so far out at once is rarer by far than that one is.
func (n *null) single(i int) float64 {
	largest, most, p := 0, 0.0, 0.0
	for at, bin := range n.bins[i] {
		if all := bin.reference + bin.window; all > most {
			largest, most = at, all
		}
	}
	for at, bin := range n.bins[i] {
		if at != largest {
			p += n.asFar(i, bin.reference+bin.window)
		}
	}
	return math.Min(p, 1)
}

// asFar is the probability that the window takes so few or so many of a bin's rows that the statistic of this bin and the rest is as large as observed: both
// tails of the hypergeometric distribution, for the statistic grows on either side of what is to be expected.
func (n *null) asFar(i int, rows float64) float64 {
	rest := n.m + n.n - rows
	least := n.observed[i] - 1e-9*math.Abs(n.observed[i])
	bins := make([]pair, 2)
	far := func(k int64) bool {
		x := float64(k)
		bins[0], bins[1] = pair{rows - x, x}, pair{n.m - rows + x, n.n - x}
		return ofPairs[i](bins, n.m, n.n) >= least
	}
	good, all, draw := int64(rows), int64(n.m+n.n), int64(n.n)
	low, high := int64(math.Max(0, n.n-rest)), int64(math.Min(rows, n.n))
	middle := min(max(int64(n.n*(rows/(n.m+n.n))), low), high) // the last one that is not above what is to be expected
	p := 0.0
	if far(low) {
		p += tail(low+int64(sort.Search(int(middle-low), func(k int) bool { return !far(low + 1 + int64(k)) })), good, all, draw, -1)
	}
	if middle < high && far(high) {
		p += tail(middle+1+int64(sort.Search(int(high-middle-1), func(k int) bool { return far(middle + 1 + int64(k)) })), good, all, draw, 1)
	}
	return p
}
