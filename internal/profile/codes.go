package profile

import "math"

const (
	// maxCodes is how many codes a column may have at either end.
	maxCodes = 5
	// codeShare is the smallest share of rows, 0 to 1, that a code has, and MinRows the fewest.
	codeShare = 0.0005
	// codeGap is the least distance of a code from the other numbers. For numbers that are not whole half of the range of their middle 90 % is
	// enough where that is less.
	codeGap = 5
)

// codes finds numbers that stand for something else, such as -9 for no record: whole numbers far outside the rest that repeat. At the low end
// those below 0 where all others are not; at the high end those of nines alone, such as 999.
func codes(values []value) []Code {
	total := 0
	for _, v := range values {
		total += v.tally.rows()
	}
	repeats := func(v value) bool {
		return v.low == v.high && v.low == math.Trunc(v.low) && v.tally.rows() >= MinRows && float64(v.tally.rows()) >= codeShare*float64(total)
	}
	low, high := 0, len(values)
	for low < high && values[low].low < 0 && repeats(values[low]) {
		low++
	}
	if low > maxCodes || low == high || values[low].low < 0 {
		low = 0
	}
	for high > low && repeats(values[high-1]) && nines(values[high-1].low) {
		high--
	}
	if high == low {
		high = len(values)
	}
	rest := values[low:high]
	gap := float64(codeGap)
	if !whole(rest) {
		gap = math.Min(gap, middle(rest)/2)
	}
	if low > 0 && rest[0].low-values[low-1].low < gap {
		low = 0
	}
	if high < len(values) && values[high].low-rest[len(rest)-1].high < math.Max(codeGap, middle(rest)) {
		high = len(values)
	}
	var found []Code
	for i, v := range values {
		if i < low || i >= high {
			found = append(found, Code{v.low, v.tally.rows()})
		}
	}
	return found
}

// nines are 99, 999 and so on.
func nines(x float64) bool {
	for x > 9 {
		if math.Mod(x, 10) != 9 {
			return false
		}
		x = (x - 9) / 10
	}
	return x == 9
}

// middle is the range of the middle 90 %.
func middle(values []value) float64 {
	from, to := quantile(values, 0.05), quantile(values, 0.95)
	return to - from
}

// quantile of some cells; 0 of none.
func quantile(values []value, q float64) float64 {
	total, seen := 0, 0
	for _, v := range values {
		total += v.tally.rows()
	}
	for _, v := range values {
		if seen += v.tally.rows(); float64(seen) >= q*float64(total) {
			return v.low
		}
	}
	return 0
}

// far is how many interquartile ranges beyond the quartiles an outlier is.
const far = 10

func outliers(values []value, n *Numbers) int {
	rest := values
	for len(rest) > 0 && n.isCode(rest[0]) {
		rest = rest[1:]
	}
	for len(rest) > 0 && n.isCode(rest[len(rest)-1]) {
		rest = rest[:len(rest)-1]
	}
	low, high := quantile(rest, 0.25), quantile(rest, 0.75)
	width := high - low
	if width == 0 {
		return 0
	}
	count := 0
	for _, v := range rest {
		if v.high < low-far*width || v.low > high+far*width {
			count += v.tally.rows()
		}
	}
	return count
}

// isCode says that a cell is a code alone.
func (n *Numbers) isCode(v value) bool {
	for _, c := range n.Codes {
		if v.low == c.Value && v.high == c.Value {
			return true
		}
	}
	return false
}
