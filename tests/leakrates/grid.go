package main

import (
	"math/rand/v2"
	"slices"

	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/tests/simulation"
)

// seed of everything that is drawn: one on which no bound was chosen.
const seed = 20261128

var (
	sizes = []int{600, 2000, 10_000, 30_000}
	bases = []float64{0.01, 0.05, 0.2, 0.5}
	// leakBases are the base rates at which leaks are looked for.
	leakBases = []float64{0.05, 0.2}
)

// rules in the order in which they are told.
var rules = []leak.Rule{leak.AUC, leak.PureValues, leak.Missingness, leak.Identifier, leak.RowOrder, leak.Duplicates}

// vetoed is how many data sets were vetoed, and by which rules.
type vetoed struct {
	any    int
	byRule map[leak.Rule]int
}

// result is what was simulated: honest[kind][size][base], found[leak][size][base].
type result struct {
	honest [][][]vetoed
	found  [][][]int
}

// simulate fills every cell. A cell's random numbers are its own.
func simulate(sets counts) result {
	var r result
	var work []simulation.Work
	for kind := range kinds {
		bySize := make([][]vetoed, len(sizes))
		for size := range sizes {
			bySize[size] = make([]vetoed, len(bases))
			for base := range bases {
				work = append(work, simulation.Work{Cost: float64(sets.honest * sizes[size]), Do: func() { bySize[size][base] = vetoHonest(kind, size, base, sets.honest) }})
			}
		}
		r.honest = append(r.honest, bySize)
	}
	for which := range leaks {
		bySize := make([][]int, len(sizes))
		for size := range sizes {
			bySize[size] = make([]int, len(leakBases))
			for base := range leakBases {
				work = append(work, simulation.Work{Cost: float64(sets.leaky * sizes[size]), Do: func() { bySize[size][base] = find(which, size, base, sets.leaky) }})
			}
		}
		r.found = append(r.found, bySize)
	}
	simulation.Run(work)
	return r
}

// vetoHonest counts the honest data sets of a kind that are vetoed.
func vetoHonest(kind, size, base, sets int) vetoed {
	rng := rand.New(rand.NewPCG(seed, uint64(kind)<<16|uint64(size)<<8|uint64(base)))
	result := vetoed{byRule: map[leak.Rule]int{}}
	for range sets {
		p := kinds[kind].draw(rng, sizes[size], bases[base])
		train, validation, test := p.split()
		vetoes := p.features()
		vetoes = append(vetoes, p.across(train, validation, test)...)
		fired := map[leak.Rule]bool{}
		for _, v := range vetoes {
			fired[v.Rule] = true
		}
		for rule := range fired {
			result.byRule[rule]++
		}
		if len(fired) > 0 {
			result.any++
		}
	}
	return result
}

// find counts the data sets with a leak in which the rule that is meant for it finds it.
func find(which, size, base, sets int) int {
	rng := rand.New(rand.NewPCG(seed, uint64(which+len(kinds))<<16|uint64(size)<<8|uint64(base)))
	l := leaks[which]
	found := 0
	for range sets {
		p := l.plant(rng, sizes[size], leakBases[base])
		var vetoes []leak.Veto
		if l.copied > 0 {
			train, validation, test := p.split()
			test = append(test, train[:int(l.copied*float64(len(test)))]...)
			vetoes = p.across(train, validation, test)
		} else {
			vetoes = p.features()
		}
		if slices.ContainsFunc(vetoes, func(v leak.Veto) bool { return v.Rule == l.rule && (l.column == nil || v.Column == planted) }) {
			found++
		}
	}
	return found
}
