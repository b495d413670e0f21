package main

import (
	"math/rand/v2"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// seed of everything that is drawn.
const seed = 20261129

// statistics in the order in which they are told; the last is the one p-value of a feature.
var statistics = []drift.Name{drift.PSI, drift.ChiSquared, drift.JensenShannon, drift.KS, drift.Wasserstein, drift.Missingness, combined}

const combined drift.Name = "feature"

// tally is what happened to one statistic.
type tally struct{ tested, at5, at1, beyond int }

// cell is the tallies of all statistics.
type cell map[drift.Name]*tally

// sharing is how many windows are held against one reference where that has ten times their rows or more, as a monitor does. What these have in common
// is then little, and most of the work is the reference's.
const sharing = 5

// run simulates so many windows, moved where moved is not nil, each against a reference.
func run(k kind, s size, windows int, moved func(z float64) float64, stream uint64) cell {
	rng := rand.New(rand.NewPCG(seed, stream))
	c := cell{}
	for _, name := range statistics {
		c[name] = &tally{}
	}
	var reference reference
	for i := range windows {
		if i%sharing == 0 || s.reference < 10*s.window {
			reference = referenceOf(k.feature(), k.table(rng, s.reference, nil))
		}
		r := reference.compare(k.table(rng, s.window, moved))
		for _, s := range r.Statistics {
			c[s.Name].add(s.P, s.Beyond)
		}
		c[combined].add(r.P, r.Beyond())
	}
	return c
}

func (t *tally) add(p float64, beyond bool) {
	t.tested++
	if p <= 0.05 {
		t.at5++
	}
	if p <= 0.01 {
		t.at1++
	}
	if beyond {
		t.beyond++
	}
}

// reference is what a monitor keeps of the reference.
type reference struct {
	bins   drift.Bins
	counts drift.Counts
}

func referenceOf(feature drift.Feature, t dataset.Table) reference {
	bins, err := drift.NewBins([]drift.Feature{feature}, t)
	if err != nil {
		panic(err)
	}
	return reference{bins, counted(bins, t)}
}

func counted(bins drift.Bins, t dataset.Table) drift.Counts {
	c := drift.NewCounter(bins)
	if err := c.Add(t); err != nil {
		panic(err)
	}
	return c.Counts()
}

// compare holds a window against it.
func (r reference) compare(window dataset.Table) drift.Result {
	results, err := drift.Compare(r.bins, r.counts, counted(r.bins, window), drift.Limits{})
	if err != nil {
		panic(err)
	}
	return results[0]
}
