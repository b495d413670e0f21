package profile

import (
	"cmp"
	"math"
	"slices"
)

// Associations is how strongly columns go together, in the sampled rows in which both have a value:
//
//   - two columns of numbers: Spearman's rank correlation, -1 to 1; the ranks are those in all sampled rows, equal numbers have their mean rank;
//   - two columns of texts: Cramér's V with Bergsma's correction, doi 10.1016/j.jkss.2012.10.002, 0 to 1;
//   - numbers and texts: the correlation ratio of the ranks, 0 to 1: the root of the share of their variance between texts.
//
// Texts beyond the most frequent ones count as one.
type Associations struct {
	// Columns are the features and protected columns, at most MaxAssociated: those with the highest information value, in the order of the data.
	Columns []string `json:"columns"`
	// LeftOut is how many columns there are beside.
	LeftOut int `json:"left_out"`
	// Values holds in row i the figures of column i with the columns before it, rounded to three digits; null where one of them is constant or
	// fewer than 30 rows have both.
	Values [][]*float64 `json:"values"`
}

const (
	// MaxAssociated is how many columns are held against each other.
	MaxAssociated = 60
	// maxLevels of a column of texts there.
	maxLevels = 20
	// leastPairs is the fewest rows in which two columns are compared.
	leastPairs = 30
)

// ranked is a column of the sample: the ranks of numbers, or the places of texts; -1 is missing.
type ranked struct {
	text   bool
	ranks  []float64
	places int
}

func (a *Accumulator) associations(columns []Column) *Associations {
	chosen, left := informative(columns, MaxAssociated, func(c *Column) bool { return c.Role != Label && c.Distinct > 1 })
	if len(chosen) < 2 {
		return nil
	}
	out := &Associations{Columns: []string{}, LeftOut: left}
	var known []ranked
	for _, i := range chosen {
		out.Columns = append(out.Columns, columns[i].Name)
		known = append(known, newRanked(a.sample.columns[i], !columns[i].Numeric))
	}
	for i := range known {
		row := make([]*float64, i)
		for j := range i {
			if value := associated(&known[i], &known[j]); !math.IsNaN(value) {
				value = math.Round(value*1000) / 1000
				row[j] = &value
			}
		}
		out.Values = append(out.Values, row)
	}
	return out
}

// informative are the places of at most so many columns that are wanted, of more those with the highest information value, in their order, and
// how many are left out.
func informative(columns []Column, most int, wanted func(*Column) bool) (chosen []int, left int) {
	iv := func(i int) float64 {
		if columns[i].ByLabel == nil {
			return -1
		}
		return columns[i].ByLabel.IV
	}
	for i := range columns {
		if wanted(&columns[i]) {
			chosen = append(chosen, i)
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int { return cmp.Compare(iv(b), iv(a)) })
	left = max(len(chosen)-most, 0)
	chosen = chosen[:len(chosen)-left]
	slices.Sort(chosen)
	return chosen, left
}

// newRanked ranks numbers, and texts by how frequent they are.
func newRanked(values []float64, text bool) ranked {
	r := ranked{text: text, ranks: make([]float64, len(values))}
	var order []int
	for i, x := range values {
		r.ranks[i] = -1
		if x == x {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(values[a], values[b]), cmp.Compare(a, b)) })
	type run struct{ from, to int }
	var runs []run
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		runs = append(runs, run{from, to})
		from = to
	}
	if text {
		slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
		r.places = min(len(runs), maxLevels+1)
	}
	for place, of := range runs {
		rank := float64(of.from+of.to-1) / 2
		if text {
			rank = float64(min(place, maxLevels))
		}
		for _, i := range order[of.from:of.to] {
			r.ranks[i] = rank
		}
	}
	return r
}

// associated is NaN where there is nothing to compare.
func associated(a, b *ranked) float64 {
	switch {
	case a.text && b.text:
		return cramer(a, b)
	case a.text:
		return correlationRatio(b, a)
	case b.text:
		return correlationRatio(a, b)
	}
	return correlation(a.ranks, b.ranks)
}

// correlation is Pearson's of ranks, where neither is missing.
func correlation(a, b []float64) float64 {
	n, sumA, sumB := 0.0, 0.0, 0.0
	for i, x := range a {
		if y := b[i]; x >= 0 && y >= 0 {
			n, sumA, sumB = n+1, sumA+x, sumB+y
		}
	}
	if n < leastPairs {
		return math.NaN()
	}
	meanA, meanB := sumA/n, sumB/n
	ab, aa, bb := 0.0, 0.0, 0.0
	for i, x := range a {
		if y := b[i]; x >= 0 && y >= 0 {
			ab += float64((x - meanA) * (y - meanB))
			aa += float64((x - meanA) * (x - meanA))
			bb += float64((y - meanB) * (y - meanB))
		}
	}
	if aa == 0 || bb == 0 {
		return math.NaN()
	}
	return ab / math.Sqrt(aa*bb)
}

// correlationRatio of numbers between texts.
func correlationRatio(numbers, texts *ranked) float64 {
	n, sum := make([]float64, texts.places), make([]float64, texts.places)
	rows, total := 0.0, 0.0
	for i, x := range numbers.ranks {
		if at := texts.ranks[i]; x >= 0 && at >= 0 {
			n[int(at)]++
			sum[int(at)] += x
			rows, total = rows+1, total+x
		}
	}
	if rows < leastPairs {
		return math.NaN()
	}
	mean, all, between, levels := total/rows, 0.0, 0.0, 0
	for i, x := range numbers.ranks {
		if at := texts.ranks[i]; x >= 0 && at >= 0 {
			all += float64((x - mean) * (x - mean))
		}
	}
	for at := range n {
		if n[at] > 0 {
			d := sum[at]/n[at] - mean
			between += float64(n[at] * d * d)
			levels++
		}
	}
	if all == 0 || levels < 2 {
		return math.NaN()
	}
	return math.Sqrt(min(between/all, 1))
}

func cramer(a, b *ranked) float64 {
	cells, ofA, ofB, n := make([]float64, a.places*b.places), make([]float64, a.places), make([]float64, b.places), 0.0
	for i, x := range a.ranks {
		if y := b.ranks[i]; x >= 0 && y >= 0 {
			cells[int(x)*b.places+int(y)]++
			ofA[int(x)]++
			ofB[int(y)]++
			n++
		}
	}
	if n < leastPairs {
		return math.NaN()
	}
	chi, r, k := 0.0, 0.0, 0.0
	for x := range ofA {
		if ofA[x] > 0 {
			r++
		}
	}
	for y := range ofB {
		if ofB[y] > 0 {
			k++
		}
	}
	for x := range ofA {
		for y := range ofB {
			if want := ofA[x] * ofB[y] / n; want > 0 {
				d := cells[x*b.places+y] - want
				chi += float64(d * d / want)
			}
		}
	}
	if r < 2 || k < 2 {
		return math.NaN()
	}
	phi := max(0, chi/n-(r-1)*(k-1)/(n-1))
	least := min(r-(r-1)*(r-1)/(n-1), k-(k-1)*(k-1)/(n-1)) - 1
	if least <= 0 {
		return math.NaN()
	}
	return min(math.Sqrt(phi/least), 1)
}
