package main

import (
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/tests/simulation"
)

// size is the rows of a reference and of a window, and how many windows without drift and with it are simulated.
type size struct{ reference, window, none, moved int }

var sizes = []size{{100, 100, 5000, 400}, {10_000, 100, 1000, 200}, {10_000, 1000, 300, 60}, {10_000, 10_000, 200, 40}}

// shift is the drift whose power is told, in standard deviations.
const shift = 0.2

// border is a drift that is exactly at the limit of a statistic: to call it beyond is wrong.
type border struct {
	name      string
	kind      kind
	statistic drift.Name
	moved     float64
}

// borders' distances were found with scipy 1.17: of normal tenths, of the shares of the category and the flag, of the means of log-normal numbers.
var borders = []border{
	{"normal", kinds[0], drift.PSI, 0.323474},
	{"flag, 10 %", kinds[5], drift.PSI, 0.484177},
	{"category of 4", kinds[7], drift.PSI, 0.340853},
	{"normal", kinds[0], drift.JensenShannon, 0.325087},
	{"normal", kinds[0], drift.KS, 0.316228},
	{"normal", kinds[0], drift.Wasserstein, 0.316228},
	{"income, log-normal", kinds[1], drift.Wasserstein, 0.346828},
	{"5 to 10 % missing", kind{name: "5 to 10 % missing", value: missingBelow}, drift.Missingness, -0.363302},
}

// missingBelow is missing for the lowest 5 %.
func missingBelow(z float64, _ *rand.Rand) float64 {
	if z < -1.644854 {
		return math.NaN()
	}
	return z
}

// result is what was simulated: none[kind][size] and moved[kind][size] by statistic, borders[border][size], together[movement][size].
type result struct {
	none, moved       [][]cell
	borders, together [][]tally
}

// Streams of random numbers, one for every cell.
const (
	ofNone = iota
	ofMoved
	ofBorders
	ofTogether
)

// simulate fills every cell.
func simulate() result {
	r := result{none: grid[cell](len(kinds), len(sizes)), moved: grid[cell](len(kinds), len(sizes)), borders: grid[tally](len(borders), len(sizes)), together: grid[tally](len(movements), len(togetherSizes))}
	var work []simulation.Work
	do := func(times, rows int, do func()) {
		work = append(work, simulation.Work{Cost: float64(times * rows), Do: do})
	}
	for s, size := range togetherSizes {
		for m := range movements {
			do(size.times(m), 10*size.window, func() { r.together[m][s] = separated(m, s) })
		}
	}
	for s, size := range sizes {
		for k := range kinds {
			do(size.none, size.window, func() { r.none[k][s] = withoutDrift(k, s) })
			do(size.moved, size.window, func() { r.moved[k][s] = withDrift(k, s) })
		}
		for b := range borders {
			do(size.moved, size.window, func() { r.borders[b][s] = atBorder(b, s) })
		}
	}
	simulation.Run(work)
	return r
}

func grid[T any](rows, columns int) [][]T {
	g := make([][]T, rows)
	for i := range g {
		g[i] = make([]T, columns)
	}
	return g
}

func withoutDrift(k, s int) cell {
	return run(kinds[k], sizes[s], sizes[s].none, nil, stream(ofNone, k, s))
}

func withDrift(k, s int) cell {
	return run(kinds[k], sizes[s], sizes[s].moved, by(shift), stream(ofMoved, k, s))
}

func atBorder(b, s int) tally {
	return *run(borders[b].kind, sizes[s], sizes[s].moved, by(borders[b].moved), stream(ofBorders, b, s))[borders[b].statistic]
}

func stream(what, row, size int) uint64 { return uint64(what)<<16 | uint64(row)<<8 | uint64(size) }

func by(moved float64) func(float64) float64 { return func(z float64) float64 { return z + moved } }
