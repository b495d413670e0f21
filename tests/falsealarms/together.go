package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// together is a way in which features move that the test of all of them is held against.
type together struct {
	name        string
	moved       float64 // the first number
	correlation float64 // of the first two, 0.6 in the reference
}

var movements = []together{
	{name: "no drift", correlation: 0.6},
	{name: "one of five moved by 0.2", correlation: 0.6, moved: shift},
	{name: "a correlation of 0.6 gone, no feature moved"},
}

// togetherSizes are rows of either side.
var togetherSizes = []size{{100, 100, 0.4}, {1000, 1000, 3}, {10_000, 10_000, 37}}

// separate is the test of all features together.
const separate drift.Name = "separate"

// separated simulates a reference and a window in which features moved, and tells them apart.
func separated(m together, s size) once {
	return func(rng *rand.Rand, seen []tallies) {
		before, after := correlated(rng, s.reference, 0, 0.6), correlated(rng, s.window, m.moved, m.correlation)
		r, err := drift.Separate(featuresTogether, before, after, drift.Limits{})
		if err != nil {
			panic(err)
		}
		seen[0].see(separate, r.P, r.Beyond)
	}
}

var featuresTogether = []drift.Feature{{Name: "n0"}, {Name: "n1"}, {Name: "n2"}, {Name: "n3"}, {Name: "n4"}, {Name: "level", Category: true}}

// correlated are five normal numbers and a category of four.
func correlated(rng *rand.Rand, rows int, moved, correlation float64) dataset.Table {
	var t dataset.Table
	for j := range 5 {
		t.Columns = append(t.Columns, dataset.Column{Name: fmt.Sprint("n", j), Floats: make([]float64, rows)})
	}
	t.Columns = append(t.Columns, dataset.Column{Name: "level", Kind: dataset.Text, Texts: make([]string, rows), Valid: make([]bool, rows)})
	for i := range rows {
		for j := range 5 {
			t.Columns[j].Floats[i] = rng.NormFloat64()
		}
		first, second := &t.Columns[0].Floats[i], &t.Columns[1].Floats[i]
		*second = correlation**first + math.Sqrt(1-correlation*correlation)**second
		*first += moved
		t.Columns[5].Texts[i], t.Columns[5].Valid[i] = names[rng.IntN(4)], true
	}
	return t
}
