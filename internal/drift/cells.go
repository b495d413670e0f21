package drift

import "math"

// gross is the share of the smaller sample's rows up to which rows beyond the reference's range may be typing errors: how far out they are says nothing.
const gross = 0.01

// cells are the bins of one feature that hold rows of either sample.
type cells struct {
	rows      []pair
	values    int       // how many cells hold values, not missing ones
	widths    []float64 // of numbers: from each cell that holds values to the next
	group     []int     // the bin of the PSI that a cell belongs to
	groups    int
	number    bool
	missing   bool // the last cell is that of missing values
	m, n      float64
	reference []float64 // what cut needs, and keeps for the next draw
}

// cellsOf are the cells of a feature. Which there are depends on the bins and on both samples together, never on which of them a row is of: without
// drift all ways to share the rows of the cells between the two samples are equally likely.
func cellsOf(f FeatureBins, reference, window []int64) *cells {
	c := &cells{m: float64(sum(reference)), n: float64(sum(window)), number: f.Numbers != nil}
	if c.number {
		c.numbers(f.Numbers, reference, window)
	} else {
		c.levels(f.Levels, reference, window)
	}
	c.values = len(c.rows)
	last := len(reference) - 1
	if reference[last]+window[last] > 0 {
		c.missing = true
		c.add(reference[last], window[last])
	}
	c.group, c.reference = make([]int, len(c.rows)), make([]float64, c.values)
	for i := range c.group {
		c.group[i] = i
	}
	c.groups = len(c.rows)
	return c
}

func (c *cells) add(reference, window int64) {
	c.rows = append(c.rows, pair{float64(reference), float64(window)})
}

func (c *cells) numbers(n *NumberBins, reference, window []int64) {
	before := 0.0
	for bin, position := range c.positions(n, reference, window) {
		if reference[bin]+window[bin] == 0 {
			continue
		}
		if len(c.rows) > 0 {
			c.widths = append(c.widths, finite(position-before))
		}
		before = position
		c.add(reference[bin], window[bin])
	}
}

// positions are those of the bins, where rows beyond the range count as no farther out than enough others, on the same side, are: else as at its end. So a
// few amounts with the point in the wrong place do not make the Wasserstein distance, and another unit, which all rows have, does.
func (c *cells) positions(n *NumberBins, reference, window []int64) []float64 {
	positions := n.positions()
	most := gross * math.Min(c.m, c.n)
	last := len(positions) - 1
	for _, side := range [2]struct{ from, step int }{{0, 1}, {last, -1}} {
		rows, bin := 0.0, side.from
		for range doublings - 1 {
			if rows += float64(reference[bin] + window[bin]); rows > most {
				break
			}
			bin += side.step
		}
		for out := side.from; out != bin; out += side.step {
			positions[out] = positions[bin]
		}
	}
	return positions
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
			c.add(reference[level], window[level])
			continue
		}
		rest := &shared[restOf(text)]
		rest.reference, rest.window = rest.reference+float64(reference[level]), rest.window+float64(window[level])
	}
	for i, rest := range shared {
		a, b := reference[len(levels)+i]+int64(rest.reference), window[len(levels)+i]+int64(rest.window)
		if a+b > 0 {
			c.add(a, b)
		}
	}
}

// cut decides which cells of numbers are together by the rows of the reference among these rows, which are as many as the cells': the PSI's bins are tenths
// of the reference, so those of a draw must be tenths of what was drawn as the reference. Else a reference that is the smaller sample would have one in ten
// of its rows in each more exactly than any draw has.
func (c *cells) cut(rows []pair) {
	if !c.number {
		return
	}
	for i := range c.reference {
		c.reference[i] = rows[i].reference
	}
	c.groups = tenths(c.reference, c.group)
	if c.missing {
		c.group[c.values] = c.groups
		c.groups++
	}
}

// tenths are the tenths of the rows that the middle row of each bin is in, numbered from 0 without those that hold none, and how many these are. A bin without
// rows is with the one before it, or where there is none with the first.
func tenths(rows []float64, to []int) int {
	all := 0.0
	for _, n := range rows {
		all += n
	}
	until, tenth, at := 0.0, -1, -1
	for i, n := range rows {
		if in := int(coarse * (2*until + n) / (2 * all)); n > 0 && in != tenth {
			tenth, at = in, at+1
		}
		to[i] = max(at, 0)
		until += n
	}
	return max(at+1, min(len(rows), 1))
}

// together pools neighbouring bins until five rows are to be expected in each, in either sample (Cochran 1954, doi 10.2307/3001616): rows of the bins
// of the PSI are put together at the front of to, which are so many.
func (c *cells) together(bins, to []pair) int {
	share := math.Min(c.m, c.n) / (c.m + c.n)
	pools := 0
	to[0] = pair{}
	for _, bin := range bins {
		if pool := to[pools]; (pool.reference+pool.window)*share >= 5 {
			pools++
			to[pools] = pair{}
		}
		pool := &to[pools]
		pool.reference, pool.window = pool.reference+bin.reference, pool.window+bin.window
	}
	if last := to[pools]; pools > 0 && (last.reference+last.window)*share < 5 { // the last one is with the one before
		before := &to[pools-1]
		before.reference, before.window = before.reference+last.reference, before.window+last.window
		pools--
	}
	return pools + 1
}
