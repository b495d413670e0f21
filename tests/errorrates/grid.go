package main

import (
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/tests/simulation"
)

// volume is how much clients ask.
type volume struct {
	name string
	rate float64 // requests per second
}

const day = 86400.

var volumes = []volume{
	{"50 a day", 50 / day}, {"500 a day", 500 / day}, {"5,000 a day", 5000 / day}, {"1 a second", 1}, {"10 a second", 10}, {"100 a second", 100}, {"1,000 a second", 1000},
}

// row is one kind of challenger at every volume.
type row struct {
	*challenger
	rates []rates
}

// table is all kinds of challengers, with the mirror or without.
type table struct {
	mirror bool
	rows   []row
}

// simulate runs so many canaries of each kind at each volume. A cell's random numbers are its own, so that they do not depend on what else is run.
func simulate(cfg pipeline.Canary, canaries int, at []volume) []table {
	kinds := challengers()
	var tables []table
	var work []simulation.Work
	for _, mirror := range []bool{true, false} {
		cfg.Mirror = mirror
		t := table{mirror: mirror}
		for kind, c := range kinds {
			r := row{challenger: c, rates: make([]rates, len(at))}
			for i, v := range at {
				cfg := cfg
				work = append(work, simulation.Work{Cost: 1, Do: func() { r.rates[i] = run(cfg, c, v.rate, canaries, stream(mirror, kind, v)) }})
			}
			t.rows = append(t.rows, r)
		}
		tables = append(tables, t)
	}
	simulation.Run(work)
	return tables
}

// stream numbers a cell's random numbers.
func stream(mirror bool, kind int, v volume) uint64 {
	number := uint64(kind) * 1000
	for i := range volumes {
		if volumes[i] == v {
			number += uint64(i)
		}
	}
	if mirror {
		number += 500
	}
	return number
}
