package drift

import (
	"math"
	"slices"
)

const (
	// draws is how many samples of no drift are drawn at most, and enough after how many that are as far away as what was observed nothing more is to
	// be learned (Besag & Clifford 1991, doi 10.1093/biomet/78.2.301).
	draws, enough = 999, 20
	// rare is the number of such draws up to which the p-value is not that of the draws, for these tell no smaller one than 1/1000: it is counted out
	// (Kolmogorov-Smirnov, and the statistics of two bins), or told by the tail.
	rare = 4
	// further is how many are drawn at most where a statistic of the bins is rare, and not so rare that its p-value is below evident; then fewer are enough.
	further, fewer, evident = 9999, rare + 1, 1e-12
	// ofBins is how many statistics are of the bins: they come first.
	ofBins = 3
)

// null is the distribution of the statistics under no drift, given the rows of both samples together.
type null struct {
	*cells
	urn      *urn
	names    []Name
	observed []float64
	drawn    [][]float64 // by statistic
	as       []int       // how many draws were as far away
	met      []float64   // the p-value where enough were, 0 where not yet
	draw     int         // the last one
	groupRow []pair
	poolRow  []pair
	side     []pair
	bins     [ofBins][]pair // of the statistics of bins, as observed
}

// newNull has the distances as well where there are numbers enough.
func newNull(c *cells, distance bool) *null {
	n := &null{cells: c, names: []Name{PSI, ChiSquared, JensenShannon}}
	if distance {
		n.names = append(n.names, KS, Wasserstein)
	}
	totals := make([]int64, len(c.rows))
	for i, p := range c.rows {
		totals[i] = int64(p.reference + p.window)
	}
	n.urn = newUrn(totals, int64(math.Min(c.m, c.n)), c.seed())
	n.groupRow, n.poolRow, n.side = make([]pair, len(c.rows)), make([]pair, len(c.rows)), make([]pair, len(c.rows))
	n.drawn = make([][]float64, len(n.names))
	n.as, n.met = make([]int, len(n.names)), make([]float64, len(n.names))
	n.observed = make([]float64, len(n.names))
	n.measure(c.rows, n.observed)
	groups := slices.Clone(n.groupRow[:n.groups])
	pools := slices.Clone(n.poolRow[:n.together(groups, n.poolRow)])
	n.bins = [ofBins][]pair{groups, pools, groups}
	return n
}

// seed of the draws is the counts themselves: the same ones have the same p-values, and what chance adds to these is another for every window.
func (c *cells) seed() uint64 {
	h := uint64(len(c.rows))
	for _, p := range c.rows {
		h = (h ^ uint64(p.reference)) * 0x9e3779b97f4a7c15
		h = (h ^ h>>29 ^ uint64(p.window)) * 0xbf58476d1ce4e5b9
		h ^= h >> 32
	}
	return h
}

// measure writes the statistics of rows in the cells, cut by those of the reference among them: those of the bins, and where there is room the distances.
func (n *null) measure(rows []pair, to []float64) {
	n.cut(rows)
	groupRow := n.groupRow[:n.groups]
	clear(groupRow)
	for i, p := range rows {
		g := &groupRow[n.group[i]]
		g.reference, g.window = g.reference+p.reference, g.window+p.window
	}
	poolRow := n.poolRow[:n.together(groupRow, n.poolRow)]
	to[0], to[1], to[2] = psi(groupRow, n.m, n.n), chiSquared(poolRow, n.m, n.n), jensenShannon(groupRow, n.m, n.n)
	if len(to) > ofBins {
		to[3], to[4] = distances(rows[:n.values], n.widths)
	}
}

// sample draws until every statistic has been met often enough, and on where one of the bins was so seldom.
func (n *null) sample() {
	all := make([]int, len(n.names))
	for i := range all {
		all[i] = i
	}
	n.until(draws, enough, all)
	n.until(further, fewer, slices.DeleteFunc(all[:ofBins], func(i int) bool { return n.as[i] > rare || n.two(i) || n.rarity(i) < evident }))
}

// until draws on, until there are so many samples in all or each of some statistics has been met often enough.
func (n *null) until(most, often int, some []int) {
	if len(some) == 0 {
		return
	}
	small := n.n < n.m // the window is the smaller sample, which is drawn
	statistics := make([]float64, max(ofBins, slices.Max(some)+1))
	for n.draw < most && slices.ContainsFunc(some, func(i int) bool { return n.met[i] == 0 }) {
		n.draw++
		for i, taken := range n.urn.next() {
			t, all := float64(taken), float64(n.urn.cells[i])
			if small {
				n.side[i] = pair{all - t, t}
			} else {
				n.side[i] = pair{t, all - t}
			}
		}
		n.measure(n.side, statistics)
		for _, i := range some {
			x := statistics[i]
			n.drawn[i] = append(n.drawn[i], x)
			if x < n.observed[i]-1e-9*math.Abs(n.observed[i]) {
				continue
			}
			if n.as[i]++; n.as[i] == often {
				n.met[i] = float64(often) / float64(n.draw)
			}
		}
	}
}

// p is the p-value of a statistic.
func (n *null) p(i int) float64 {
	if n.two(i) {
		return n.single(i)
	}
	if n.met[i] > 0 {
		return n.met[i]
	}
	if n.as[i] > rare {
		return n.counted(i)
	}
	if n.names[i] == KS {
		return crossing(n.rows[:n.values], n.observed[i])
	}
	return n.rarity(i)
}

// counted is the share of those as far away, and what was observed, of all.
func (n *null) counted(i int) float64 { return float64(n.as[i]+1) / float64(len(n.drawn[i])+1) }

// lower is a lower confidence bound of a distance: by the triangle inequality the distance of all rows is at least what was observed without what
// chance alone adds, and that is up to the 95 % quantile of no drift in 95 of 100 cases.
func (n *null) lower(i int, p float64) float64 {
	if p > 0.05 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(n.drawn[i]))
	return math.Max(0, n.observed[i]-sorted[(len(sorted)*95+99)/100-1])
}
