package drift

import "math"

// cells are the bins of one feature that hold rows of either sample.
type cells struct {
	rows   []pair
	values int       // how many cells hold values, not missing ones
	widths []float64 // of numbers: from each cell that holds values to the next
	// group is the bin of the PSI that a cell belongs to, and pooled that of chi-squared.
	group, pooled []int
	groups, pools int
	missing       bool // the last cell is that of missing values
	m, n          float64
}

// cellsOf are the cells of a feature. Which there are depends on the bins and on both samples together, never on which of them a row is of: without
// drift all ways to share the rows of the cells between the two samples are equally likely.
func cellsOf(f FeatureBins, reference, window []int64) cells {
	c := cells{m: float64(sum(reference)), n: float64(sum(window))}
	if f.Numbers != nil {
		c.numbers(f.Numbers, reference, window)
	} else {
		c.levels(f.Levels, reference, window)
	}
	c.values = len(c.rows)
	last := len(reference) - 1
	if reference[last]+window[last] > 0 {
		c.missing = true
		c.add(reference[last], window[last], c.groups)
	}
	c.pool()
	return c
}

func (c *cells) add(reference, window int64, group int) {
	c.rows = append(c.rows, pair{float64(reference), float64(window)})
	c.group = append(c.group, group)
	c.groups = max(c.groups, group+1)
}

func (c *cells) numbers(n *NumberBins, reference, window []int64) {
	before := 0.0
	for bin, position := range n.positions() {
		if reference[bin]+window[bin] == 0 {
			continue
		}
		if len(c.rows) > 0 {
			c.widths = append(c.widths, finite(position-before))
		}
		before = position
		within := min(max(bin-doublings, 0), len(n.Coarse)-1) // what is out of range is with the outermost
		c.add(reference[bin], window[bin], n.Coarse[within])
	}
}

// levels gives a cell to every level that has enough rows in both samples together; the others are with the rests, by their hash as well. Enough is so
// many that five are to be expected of either sample, and that the reference would hardly ever have too few of them for a bin.
func (c *cells) levels(levels []string, reference, window []int64) {
	needed := 5.0
	if len(levels) == maxLevels {
		rarest := float64(reference[maxLevels-1])
		needed = math.Max(needed, rarest+4*math.Sqrt(rarest))
	}
	enough := math.Max((needed+5)*(c.m+c.n)/c.m, 5*(c.m+c.n)/c.n)
	var shared [rests]pair
	for level, text := range levels {
		if float64(reference[level]+window[level]) >= enough {
			c.add(reference[level], window[level], c.groups)
			continue
		}
		rest := &shared[restOf(text)]
		rest.reference, rest.window = rest.reference+float64(reference[level]), rest.window+float64(window[level])
	}
	for i, rest := range shared {
		a, b := reference[len(levels)+i]+int64(rest.reference), window[len(levels)+i]+int64(rest.window)
		if a+b > 0 {
			c.add(a, b, c.groups)
		}
	}
}

// pool puts neighbouring bins together until five rows are to be expected in each, in either sample (Cochran 1954, doi 10.2307/3001616).
func (c *cells) pool() {
	totals := make([]float64, c.groups)
	for i, p := range c.rows {
		totals[c.group[i]] += p.reference + p.window
	}
	share := math.Min(c.m, c.n) / (c.m + c.n)
	pools := make([]int, c.groups)
	pool, held := 0, 0.0
	for g, total := range totals {
		if held*share >= 5 {
			pool, held = pool+1, 0
		}
		pools[g], held = pool, held+total
	}
	if held*share < 5 && pool > 0 { // the last one is with the one before
		for g := range pools {
			pools[g] = min(pools[g], pool-1)
		}
		pool--
	}
	c.pools = pool + 1
	c.pooled = make([]int, len(c.group))
	for i, g := range c.group {
		c.pooled[i] = pools[g]
	}
}
