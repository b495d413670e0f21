package leak

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
)

// levels are the distinct values of a column, each with the labels of its rows: all that the rules of columns look at.
type levels struct {
	values  []tally // ascending where ordered, else as they first come
	missing tally
	present tally
	ordered bool
}

// levelsOf counts a column. A Date is a number.
func levelsOf(c *dataset.Column, s sample) levels {
	if c.Kind == dataset.Text {
		return categories(s, func(row int32) (string, bool) { return c.Texts[row], c.Valid[row] })
	}
	return numbers(s, func(k int) float64 { return c.Floats[s.rows[k]] })
}

// numbers counts the values of the sample's k-th rows. NaN is missing.
func numbers(s sample, value func(k int) float64) levels {
	l := levels{ordered: true}
	present := make([]keyed, 0, len(s.rows))
	for k := range s.rows {
		if v := value(k); v == v {
			present = append(present, keyed{ascendingBits(v), int32(k)})
		} else {
			l.missing.add(s.fold[k], s.positive[k])
		}
	}
	sortKeyed(present)
	starts := func(i int) bool { return i == 0 || present[i].key != present[i-1].key }
	distinct := 0
	for i := range present {
		if starts(i) {
			distinct++
		}
	}
	l.values = make([]tally, 0, distinct)
	for i, o := range present {
		if starts(i) {
			l.values = append(l.values, tally{})
		}
		l.values[len(l.values)-1].add(s.fold[o.row], s.positive[o.row])
	}
	return l.sum()
}

// ascendingBits are bits that are in the order of the numbers, equal where they are.
func ascendingBits(v float64) uint64 {
	bits := math.Float64bits(v + 0) // -0 + 0 is 0
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// categories counts texts.
func categories(s sample, text func(row int32) (string, bool)) levels {
	var l levels
	index := map[string]int{}
	for k, row := range s.rows {
		value, valid := text(row)
		if !valid {
			l.missing.add(s.fold[k], s.positive[k])
			continue
		}
		i, seen := index[value]
		if !seen {
			i = len(l.values)
			index[value] = i
			l.values = append(l.values, tally{})
		}
		l.values[i].add(s.fold[k], s.positive[k])
	}
	return l.sum()
}

// sum adds up the values to what is present.
func (l *levels) sum() levels {
	for i := range l.values {
		l.present = l.present.with(l.values[i])
	}
	return *l
}

// all are all rows of the sample.
func (l *levels) all() tally { return l.present.with(l.missing) }

// identifies reports whether a column of texts names rows rather than describes them: most of its values come once.
func (l *levels) identifies() bool {
	rows, _ := l.present.total()
	return !l.ordered && 10*len(l.values) > 9*rows
}

// bins joins neighbouring numbers so that each bin holds a hundredth of the rows, and at least fewest; a value that alone holds as many is a
// bin of its own. Categories are joined with nobody. What is missing is the last bin.
func (l *levels) bins() []tally {
	const most, fewest = 100, 50
	rows, _ := l.present.total()
	if !l.ordered {
		return append(slices.Clone(l.values), l.missing)
	}
	full := max(fewest, rows/most)
	var bins []tally
	var open tally
	held := 0
	closeBin := func() {
		if held > 0 {
			bins, open, held = append(bins, open), tally{}, 0
		}
	}
	for _, value := range l.values {
		n, _ := value.total()
		if n >= full {
			closeBin()
		}
		open, held = open.with(value), held+n
		if held >= full {
			closeBin()
		}
	}
	closeBin()
	return append(bins, l.missing)
}
