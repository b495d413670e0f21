package drift

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// draws is how many samples of no drift are drawn at most, and enough after how many that are as far away as what was observed nothing more is to
	// be learned (Besag & Clifford 1991, doi 10.1093/biomet/78.2.301).
	draws, enough = 999, 20
	// rare is the number of such draws up to which the p-value is counted out (Kolmogorov-Smirnov), or that of a distribution fitted to all of them, for
	// the draws tell no smaller one than 1/1000.
	rare = 4
)

// null is the distribution of the statistics under no drift, given the rows of both samples together.
type null struct {
	*cells
	urn      *urn
	distance bool // whether there are numbers enough
	names    []Name
	observed []float64
	drawn    [][]float64 // by statistic
	as       []int       // how many draws were as far away
	at       []int       // the draw that was the last of enough, 0 for none yet
	groupRow []pair
	poolRow  []pair
	side     []pair
	bins     int // of the PSI, as observed
}

func newNull(c *cells, distance bool) *null {
	n := &null{cells: c, distance: distance, names: []Name{PSI, ChiSquared, JensenShannon}}
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
	n.as, n.at = make([]int, len(n.names)), make([]int, len(n.names))
	n.observed = make([]float64, len(n.names))
	n.measure(c.rows, n.observed)
	n.bins = c.groups
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

// measure writes the statistics of rows in the cells, cut by those of the reference among them.
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
	if n.distance {
		to[3], to[4] = distances(rows[:n.values], n.widths)
	}
}

// sample draws until every statistic has been met often enough.
func (n *null) sample() {
	small := n.n < n.m // the window is the smaller sample, which is drawn
	statistics := make([]float64, len(n.names))
	for draw := 1; draw <= draws && slices.Contains(n.at, 0); draw++ {
		for i, taken := range n.urn.next() {
			t, all := float64(taken), float64(n.urn.cells[i])
			if small {
				n.side[i] = pair{all - t, t}
			} else {
				n.side[i] = pair{t, all - t}
			}
		}
		n.measure(n.side, statistics)
		for i, x := range statistics {
			n.drawn[i] = append(n.drawn[i], x)
			if x < n.observed[i]-1e-9*math.Abs(n.observed[i]) {
				continue
			}
			if n.as[i]++; n.as[i] == enough {
				n.at[i] = draw
			}
		}
	}
}

// p is the p-value of a statistic.
func (n *null) p(i int) float64 {
	if n.at[i] > 0 {
		return float64(enough) / float64(n.at[i])
	}
	p := float64(n.as[i]+1) / (draws + 1)
	if n.as[i] > rare {
		return p
	}
	if n.names[i] == KS {
		return crossing(n.rows[:n.values], n.observed[i])
	}
	return math.Min(p, n.tail(i))
}

// tail is the p-value by a gamma distribution of the mean and the variance of what was drawn. It is fitted to squares of the statistics that are like
// the length of a vector, and to those that are like its square as they are: in the limit these are sums of squares of normal numbers.
func (n *null) tail(i int) float64 {
	square := func(x float64) float64 {
		if n.names[i] == KS || n.names[i] == Wasserstein {
			x /= n.observed[i]
			return x * x
		}
		return x / n.observed[i]
	}
	var s, ss float64
	for _, x := range n.drawn[i] {
		s += square(x) / float64(len(n.drawn[i]))
	}
	for _, x := range n.drawn[i] {
		d := square(x) - s
		ss += float64(d*d) / float64(len(n.drawn[i]))
	}
	if !(ss > 1e-20*s*s) { // what is not rounding
		return 1
	}
	return math.Max(distuv.Gamma{Alpha: s * s / ss, Beta: s / ss}.Survival(1), math.SmallestNonzeroFloat64)
}

// lower is a lower confidence bound of a distance: by the triangle inequality the distance of all rows is at least what was observed without what
// chance alone adds, and that is up to the 95 % quantile of no drift in 95 of 100 cases.
func (n *null) lower(i int, p float64) float64 {
	if p > 0.05 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(n.drawn[i]))
	return math.Max(0, n.observed[i]-sorted[(len(sorted)*95+99)/100-1])
}
