package drift

import (
	"cmp"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/parallel"
)

const (
	// fine is into how many bins of equal rows the numbers of a feature are cut, and coarse how many of these together are the bins of the PSI.
	fine, coarse = 240, 10
	// doublings is by how many further bins, each twice as wide as the one before, either side of the reference's range is covered: up to 2^44
	// times the range, which tells months from years and cents from dollars.
	doublings = 48
	// maxLevels is how many values of a category have a bin of their own.
	maxLevels = 1024
	// rests is how many bins share the values of a category that have none of their own. A value's place among them is its hash: neither its
	// frequency nor whether the reference has it, so that no drift stays no drift.
	rests = 8
	// cutRows is how many rows of the reference decide the bins of numbers.
	cutRows = 1 << 16
)

// Bins are what the reference decides. They can be kept as JSON, which holds values of applicants as a model's encoder does.
type Bins struct {
	Features []FeatureBins `json:"features"`
}

// FeatureBins are the bins of one feature.
type FeatureBins struct {
	Feature
	Numbers *NumberBins `json:"numbers,omitempty"`
	// Levels are the values of a category with a bin of their own, the most frequent first. There may be none.
	Levels []string `json:"levels,omitempty"`
}

// NumberBins are the bins of a number within the range of the reference. Bin i holds what is above Cuts[i-1] and at most Cuts[i].
type NumberBins struct {
	Cuts  []float64 `json:"cuts"`  // ascending, one fewer than bins
	Means []float64 `json:"means"` // of the reference's values in each bin
	Min   float64   `json:"min"`
	Max   float64   `json:"max"`
	SD    float64   `json:"sd"` // of the reference's values
}

// NewBins decides the bins of the features by the rows of a table, which is the reference or an honest sample of it. A number of at most 240 different
// values has a bin for each, any other one 240 of about equal rows, where a value of many rows has one of its own. Numbers are cut by at most 65,536
// rows, see dataset.Drawn. A column that is absent or of the wrong kind is a fault.Invalid. A column without a value has bins as well.
func NewBins(features []Feature, sample dataset.Table) (Bins, error) {
	b := Bins{Features: make([]FeatureBins, len(features))}
	failed := parallel.Each(len(features), func(i int) error {
		c, err := columnOf(features[i], sample)
		if err != nil {
			return err
		}
		b.Features[i].Feature = features[i]
		if features[i].Category {
			b.Features[i].Levels = levelsOf(c)
		} else {
			b.Features[i].Numbers = numberBins(c.Floats)
		}
		return nil
	})
	return b, cmp.Or(failed...)
}

// columnOf is the column of a feature.
func columnOf(f Feature, t dataset.Table) (*dataset.Column, error) {
	c := t.Column(f.Name)
	switch {
	case c == nil:
		return nil, fault.New(fault.Invalid, "the rows have no column %q, which is watched for drift", f.Name)
	case f.Category != (c.Kind == dataset.Text):
		return nil, fault.New(fault.Invalid, "column %q is %s, which the bins of drift do not expect: decide them anew", f.Name, c.Kind)
	}
	return c, nil
}

// levelsOf are the most frequent values, ties in the order of texts.
func levelsOf(c *dataset.Column) []string {
	counts := map[string]int{}
	for i, text := range c.Texts {
		if c.Valid[i] {
			counts[text]++
		}
	}
	type level struct {
		text string
		rows int
	}
	all := make([]level, 0, len(counts))
	for text, rows := range counts {
		all = append(all, level{text, rows})
	}
	slices.SortFunc(all, func(a, b level) int { return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.text, b.text)) })
	levels := make([]string, min(len(all), maxLevels))
	for i := range levels {
		levels[i] = all[i].text
	}
	return levels
}

// numberBins cuts the finite values.
func numberBins(values []float64) *NumberBins {
	sorted := make([]float64, 0, min(len(values), cutRows))
	for _, row := range dataset.Drawn(len(values), cutRows) {
		if x := values[row]; !math.IsNaN(x) && !math.IsInf(x, 0) {
			sorted = append(sorted, x)
		}
	}
	n := &NumberBins{Cuts: []float64{}, Means: []float64{0}}
	if len(sorted) == 0 {
		return n
	}
	slices.Sort(sorted)
	n.Min, n.Max = sorted[0], sorted[len(sorted)-1]
	n.Means = n.Means[:0]
	each := distinct(sorted) <= fine
	from := 0
	for from < len(sorted) {
		to := n.end(sorted, from, each)
		n.Means = append(n.Means, mean(sorted[from:to]))
		if to < len(sorted) {
			n.Cuts = append(n.Cuts, between(sorted[to-1], sorted[to]))
		}
		from = to
	}
	n.SD = deviation(sorted)
	return n
}

// end is where the bin ends that begins with a row: after the first value, or where the next mark of equal rows is reached. A value of as many rows as
// a bin should have begins a bin.
func (n *NumberBins) end(sorted []float64, from int, each bool) int {
	mark := ((from*fine/len(sorted)+1)*len(sorted) + fine - 1) / fine
	for to := from; ; {
		run := to + 1
		for run < len(sorted) && sorted[run] == sorted[to] {
			run++
		}
		if to > from && (run-to)*fine >= len(sorted) {
			return to
		}
		if to = run; each || to >= mark || to == len(sorted) {
			return to
		}
	}
}

// Tenths are the bins of the PSI, 0, 1, ..., that the bins of a number belong to: the tenth of the reference's rows that the middle row of each is in. Those
// that hold none are left out. reference is the rows of each bin, as Counts has them.
func (n *NumberBins) Tenths(reference []int64) []int {
	rows, groups := make([]float64, len(reference)-1), make([]int, len(reference)-1)
	for i := range rows {
		rows[i] = float64(reference[i])
	}
	tenths(rows, groups)
	return groups
}

// distinct is the number of different values.
func distinct(sorted []float64) int {
	n := 0
	for i, x := range sorted {
		if i == 0 || x != sorted[i-1] {
			n++
		}
	}
	return n
}

// between is the middle of two numbers, or the lower one where float64 has none between them.
func between(low, high float64) float64 {
	middle := low/2 + high/2
	if middle < low || middle >= high {
		return low
	}
	return middle
}

func mean(values []float64) float64 {
	s := 0.0
	for _, x := range values {
		s += x / float64(len(values))
	}
	return s
}

// deviation is the standard deviation, scaled so that no square overflows; 0 for a constant.
func deviation(sorted []float64) float64 {
	scale := math.Max(math.Abs(sorted[0]), math.Abs(sorted[len(sorted)-1]))
	if scale == 0 || sorted[0] == sorted[len(sorted)-1] {
		return 0
	}
	centre, s := mean(sorted)/scale, 0.0
	for _, x := range sorted {
		d := x/scale - centre
		s += float64(d*d) / float64(len(sorted))
	}
	return scale * math.Sqrt(s)
}
