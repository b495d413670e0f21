package profile

import "math"

const (
	// MaxCodes is how many codes a column may have at either end.
	MaxCodes = 5
	// codeShare is the smallest share of rows, 0 to 1, that a code has, and MinRows the fewest.
	codeShare = 0.0005
	// codeGap is the least distance of a code from the other numbers. For numbers that are not whole half of their range is enough where that is less.
	codeGap = 5
	// exactWhole is above every number that is a code: from it on not all whole numbers are told apart.
	exactWhole = 1 << 53
)

// FindCodes finds numbers that stand for something else, such as -9 for no record: whole numbers far outside the rest that repeat. At the low end
// those below 0 where all others are not; at the high end those of nines alone, such as 999, farther away than the others from each other.
//
// least and greatest are the MaxCodes+1 least and greatest different numbers of a column with the rows that have them (0 for what cannot be a code),
// from the end inwards; of a column that has fewer, all. rows is how many rows have a number, and whole says that all of them are whole. The codes
// come in order.
func FindCodes(least, greatest []Code, rows int, whole bool) []Code {
	repeats := func(c Code) bool {
		return c.Value == math.Trunc(c.Value) && math.Abs(c.Value) < exactWhole && c.Rows >= MinRows && float64(c.Rows) >= codeShare*float64(rows)
	}
	low, high := 0, 0
	for low < len(least) && least[low].Value < 0 && repeats(least[low]) {
		low++
	}
	if low == len(least) || least[low].Value < 0 {
		low = 0 // too many, or no others
	}
	for high < len(greatest) && greatest[high].Value > 0 && repeats(greatest[high]) && nines(greatest[high].Value) {
		high++
	}
	if high == len(greatest) || low > 0 && greatest[high].Value < least[low].Value {
		high = 0 // too many, or no others beside those at the low end
	}
	if low == 0 && high == 0 {
		return nil
	}
	gap := float64(codeGap)
	if !whole {
		gap = math.Min(gap, (greatest[high].Value-least[low].Value)/2)
	}
	if low > 0 && least[low].Value-least[low-1].Value < gap {
		low = 0
	}
	if high > 0 && greatest[high-1].Value-greatest[high].Value < math.Max(codeGap, greatest[high].Value-least[low].Value) {
		high = 0
	}
	var found []Code
	found = append(found, least[:low]...)
	for i := high - 1; i >= 0; i-- {
		found = append(found, greatest[i])
	}
	return found
}

// codes finds those of a column.
func codes(values []value) []Code {
	n := min(len(values), MaxCodes+1)
	least, greatest, rows := make([]Code, n), make([]Code, n), 0
	for _, v := range values {
		rows += v.tally.rows()
	}
	for i := range n {
		first, last := values[i], values[len(values)-1-i]
		least[i], greatest[i] = Code{first.low, first.alone()}, Code{last.high, last.alone()}
	}
	return FindCodes(least, greatest, rows, whole(values))
}

// alone is how many rows have the only number of a cell; 0 for a cell of several.
func (v value) alone() int {
	if v.low != v.high {
		return 0
	}
	return v.tally.rows()
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
