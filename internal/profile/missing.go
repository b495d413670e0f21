package profile

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// MissingValues is which columns are missing together, in the sampled rows.
type MissingValues struct {
	// Columns are those that miss some values and have some, at most MaxAssociated: those with the highest information value, in the order of the
	// data.
	Columns []string `json:"columns"`
	LeftOut int      `json:"left_out"` // how many such columns there are beside
	// Correlations holds in row i the correlations (phi, -1 to 1, rounded to three digits) of whether column i is missing with whether each of
	// the columns before it is; null where it is missing in none or all of the sampled rows.
	Correlations [][]*float64 `json:"correlations"`
	// Patterns are the most frequent sets of columns that are missing together, over all of Columns, the most frequent first.
	Patterns []Pattern `json:"patterns"`
}

// Pattern is the rows in which exactly some columns are missing.
type Pattern struct {
	Missing []string `json:"missing"` // none of them for the complete rows
	Rows    int      `json:"rows"`    // of the sample
}

// maxPatterns is how many patterns are shown.
const maxPatterns = 10

func (a *Accumulator) missing(columns []Column) *MissingValues {
	chosen, left := informative(columns, MaxAssociated, func(c *Column) bool { return c.Missing > 0 && c.Missing < a.rows })
	if len(chosen) == 0 {
		return nil
	}
	rows := len(a.sample.hashes)
	out := &MissingValues{Columns: []string{}, LeftOut: left, Patterns: []Pattern{}}
	patterns := make([]uint64, rows) // MaxAssociated columns have a bit each
	sets := make([][]uint64, len(chosen))
	for k, i := range chosen {
		out.Columns = append(out.Columns, columns[i].Name)
		sets[k] = make([]uint64, (rows+63)/64)
		for row, x := range a.sample.columns[i] {
			if x != x {
				patterns[row] |= 1 << k
				sets[k][row/64] |= 1 << (row % 64)
			}
		}
		correlations := make([]*float64, k)
		for j := range k {
			if r := phi(sets[k], sets[j], rows); !math.IsNaN(r) {
				r = math.Round(r*1000) / 1000
				correlations[j] = &r
			}
		}
		out.Correlations = append(out.Correlations, correlations)
	}
	counts := map[uint64]int{}
	for _, p := range patterns {
		counts[p]++
	}
	found := slices.Collect(maps.Keys(counts))
	slices.SortFunc(found, func(a, b uint64) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for _, p := range found {
		if counts[p] < MinRows || len(out.Patterns) == maxPatterns {
			break
		}
		pattern := Pattern{Missing: []string{}, Rows: counts[p]}
		for k, name := range out.Columns {
			if p>>k&1 == 1 {
				pattern.Missing = append(pattern.Missing, name)
			}
		}
		out.Patterns = append(out.Patterns, pattern)
	}
	return out
}

// phi is the correlation of two sets of rows; NaN when one is none or all of them.
func phi(a, b []uint64, rows int) float64 {
	var inA, inB, both int
	for i := range a {
		inA += bits.OnesCount64(a[i])
		inB += bits.OnesCount64(b[i])
		both += bits.OnesCount64(a[i] & b[i])
	}
	n, x, y := float64(rows), float64(inA), float64(inB)
	return (n*float64(both) - x*y) / math.Sqrt(x*(n-x)*y*(n-y))
}
