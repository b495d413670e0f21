package drift

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/parallel"
)

const (
	// contrastLevels is how many levels of a category the classifier knows, those of a hundredth of the rows at least.
	contrastLevels = 20
	// contrastPairs is how many products of two numbers it takes: where there are more, those whose means differ most in the rows that it learns from.
	contrastPairs = 200
)

// contrast is the rows of both samples, the reference's first, by feature.
type contrast struct {
	inputs      []input
	train, held half
}

// half is some of the rows.
type half struct {
	rows      []int
	reference int // how many of them, the first ones, are the reference's
}

// input is a feature as the classifier takes it.
type input struct {
	scores  []float64 // normal scores of a number, 0 where it is missing
	missing []bool    // nil where none is
	square  bool      // whether its square says more than it does
	level   []int32   // of a category, -1 for any other
	levels  int
}

func newContrast(features []Feature, reference, window dataset.Table) (*contrast, error) {
	d := &contrast{inputs: make([]input, len(features))}
	m := reference.Rows()
	for row := range m + window.Rows() {
		at := row
		if row >= m {
			at = row - m
		}
		if to := d.halfOf(at); row < m {
			to.rows, to.reference = append(to.rows, row), to.reference+1
		} else {
			to.rows = append(to.rows, row)
		}
	}
	failed := parallel.Each(len(features), func(i int) error {
		a, err := columnOf(features[i], reference)
		if err != nil {
			return err
		}
		b, err := columnOf(features[i], window)
		if err != nil {
			return err
		}
		if features[i].Category {
			d.inputs[i] = categoryInput(slices.Concat(a.Texts, b.Texts), slices.Concat(a.Valid, b.Valid), d.train.rows)
		} else {
			d.inputs[i] = numberInput(slices.Concat(a.Floats, b.Floats), d.train.rows)
		}
		return nil
	})
	return d, cmp.Or(failed...)
}

// halfOf is the half of a row, as if by chance: the mixing of Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195.
func (d *contrast) halfOf(row int) *half {
	x := (uint64(row) + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	if (x^x>>31)&1 == 0 {
		return &d.train
	}
	return &d.held
}

// numberInput gives a number the normal quantile of its rank among the rows to learn from (Blom 1958), so that no tail outweighs all other rows.
func numberInput(values []float64, train []int) input {
	in := input{scores: make([]float64, len(values)), square: true}
	var sorted []float64
	for _, row := range train {
		if !math.IsNaN(values[row]) {
			sorted = append(sorted, values[row])
		}
	}
	slices.Sort(sorted)
	in.square = distinct(sorted) > 2
	for i, x := range values {
		if math.IsNaN(x) {
			if in.missing == nil {
				in.missing = make([]bool, len(values))
			}
			in.missing[i] = true
			continue
		}
		from, _ := slices.BinarySearch(sorted, x)
		to := from
		if from < len(sorted) && sorted[from] == x {
			to, _ = slices.BinarySearchFunc(sorted[from:], x, func(a, b float64) int {
				if a <= b {
					return -1
				}
				return 1
			})
			to += from
		}
		share := (float64(from+to)/2 + 0.5) / float64(len(sorted)+1)
		in.scores[i] = distuv.UnitNormal.Quantile(share)
	}
	return in
}

// categoryInput numbers the frequent levels of the rows to learn from; a missing value is one of them.
func categoryInput(texts []string, valid []bool, train []int) input {
	type value struct {
		text  string
		there bool
	}
	of := func(row int) value {
		if !valid[row] {
			return value{}
		}
		return value{texts[row], true}
	}
	counts := map[value]int{}
	for _, row := range train {
		counts[of(row)]++
	}
	var frequent []value
	for v, n := range counts {
		if 100*n >= len(train) {
			frequent = append(frequent, v)
		}
	}
	slices.SortFunc(frequent, func(a, b value) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.text, b.text)) })
	frequent = frequent[:min(len(frequent), contrastLevels)]
	numbers := make(map[value]int32, len(frequent))
	for i, v := range frequent {
		numbers[v] = int32(i)
	}
	in := input{level: make([]int32, len(texts)), levels: len(frequent)}
	for row := range texts {
		number, known := numbers[of(row)]
		if !known {
			number = -1
		}
		in.level[row] = number
	}
	return in
}
