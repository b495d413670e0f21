package main

import (
	"math/rand/v2"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// measures in the order in which they are told; the last is the one p-value of a feature.
var measures = []drift.Name{drift.PSI, drift.ChiSquared, drift.JensenShannon, drift.KS, drift.Wasserstein, drift.Missingness, unseen, combined}

// unseen is the rows with values that the reference does not have.
const unseen, combined drift.Name = "unseen", "feature"

// common are those that more than one kind of column has.
var common = slices.DeleteFunc(slices.Clone(measures), func(name drift.Name) bool { return name == drift.Missingness })

// compared simulates a reference of a kind and a window, of a kind that may be another, of each of some sizes, moved where moved is not nil, and holds them
// against it. So no two windows of a size have the same reference, and all of a cell are independent.
func compared(k, then kind, sizes []size, moved func(z float64) float64) once {
	return func(rng *rand.Rand, seen []tallies) {
		reference := k.table(rng, sizes[0].reference, nil)
		bins, err := drift.NewBins([]drift.Feature{k.feature()}, reference)
		if err != nil {
			panic(err)
		}
		counts := counted(bins, reference)
		for i, s := range sizes {
			window := counted(bins, then.table(rng, s.window, moved))
			results, err := drift.Compare(bins, counts, window, drift.Limits{})
			if err != nil {
				panic(err)
			}
			values, err := drift.FindUnseen(bins, counts, window)
			if err != nil {
				panic(err)
			}
			for _, u := range values {
				seen[i].see(unseen, u.P, u.Beyond)
			}
			for _, s := range results[0].Statistics {
				seen[i].see(s.Name, s.P, s.Beyond)
			}
			seen[i].see(combined, results[0].P, results[0].Beyond())
		}
	}
}

func counted(bins drift.Bins, t dataset.Table) drift.Counts {
	c := drift.NewCounter(bins)
	if err := c.Add(t); err != nil {
		panic(err)
	}
	return c.Counts()
}
