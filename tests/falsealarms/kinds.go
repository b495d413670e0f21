package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// kind is a way to make a column of a normal number: what drifts is that number, so that drift of so many standard deviations is alike for all kinds.
type kind struct {
	name     string
	category bool
	value    func(z float64, rng *rand.Rand) float64 // NaN for a missing one; of a category the number of its level
}

// kinds are the kinds that the tables have. Those of few values and of many rows with one value are hard for statistics of ranks, those of long tails
// for distances, those of rare values for chi-squared.
var kinds = []kind{
	{name: "normal", value: func(z float64, _ *rand.Rand) float64 { return z }},
	{name: "income, log-normal", value: func(z float64, _ *rand.Rand) float64 { return 40_000 * math.Exp(z) }},
	{name: "income, to 500", value: func(z float64, _ *rand.Rand) float64 { return 500 * math.Round(80*math.Exp(z/2)) }},
	{name: "70 % zeros", value: func(z float64, _ *rand.Rand) float64 { return math.Max(0, 1000*(z-0.5244)) }},
	{name: "5 values", value: func(z float64, _ *rand.Rand) float64 { return math.Min(2, math.Max(-2, math.Round(z))) }},
	{name: "flag, 10 %", value: func(z float64, _ *rand.Rand) float64 { return above(z, 1.2816) }},
	{name: "score with codes, 10 % missing", value: coded},
	{name: "category of 4", category: true, value: func(z float64, _ *rand.Rand) float64 { return above(z, -0.5) + above(z, 0.7) + above(z, 1.5) }},
	{name: "category of 500", category: true, value: func(z float64, _ *rand.Rand) float64 { return math.Floor(500 * math.Pow(share(z), 3)) }},
	{name: "category of 50,000", category: true, value: func(z float64, _ *rand.Rand) float64 { return math.Floor(50_000 * share(z)) }},
}

// above is 1 or 0.
func above(z, border float64) float64 {
	if z > border {
		return 1
	}
	return 0
}

// share is the part of the standard normal distribution that is below z.
func share(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// coded is a whole score with two special codes, missing where the number is low or for no reason.
func coded(z float64, rng *rand.Rand) float64 {
	switch u := rng.Float64(); {
	case u < 0.05 || z < -1.6449:
		return math.NaN()
	case u < 0.09:
		return -9
	case u < 0.11:
		return -8
	}
	return math.Round(600 + 50*z)
}

// categories are the kinds that are.
var categories = func() (all []int) {
	for i, k := range kinds {
		if k.category {
			all = append(all, i)
		}
	}
	return all
}()

// newShare is the share of rows whose value no row had before; newLevel is that value.
const (
	newShare = 0.05
	newLevel = 50_001
)

// withNew is a category of which a share of the rows has a value that is new.
func (k kind) withNew(share float64) kind {
	before := k.value
	k.value = func(z float64, rng *rand.Rand) float64 {
		if rng.Float64() < share {
			return newLevel
		}
		return before(z, rng)
	}
	return k
}

// names are texts of levels.
var names = func() []string {
	all := make([]string, newLevel+1)
	for i := range all {
		all[i] = fmt.Sprint("level ", i)
	}
	return all
}()

// table is rows of a kind , moved where moved is not nil.
func (k kind) table(rng *rand.Rand, rows int, moved func(float64) float64) dataset.Table {
	values := make([]float64, rows)
	for i := range values {
		z := rng.NormFloat64()
		if moved != nil {
			z = moved(z)
		}
		values[i] = k.value(z, rng)
	}
	c := dataset.Column{Name: k.name, Floats: values}
	if k.category {
		c = dataset.Column{Name: k.name, Kind: dataset.Text, Texts: make([]string, rows), Valid: make([]bool, rows)}
		for i, level := range values {
			c.Texts[i], c.Valid[i] = names[int(level)], true
		}
	}
	return dataset.Table{Columns: []dataset.Column{c}}
}

func (k kind) feature() drift.Feature { return drift.Feature{Name: k.name, Category: k.category} }
