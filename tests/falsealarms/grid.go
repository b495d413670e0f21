package main

import (
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/drift"
)

// size is the rows of a reference and of a window, and about how many milliseconds it takes to hold one against the other.
type size struct {
	reference, window int
	cost              float64
}

var sizes = []size{{100, 100, 0.5}, {10_000, 100, 2}, {10_000, 1000, 3}, {10_000, 10_000, 4}}

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

// result is what was simulated: by kind, border or movement, and by size.
type result struct {
	settings
	none, moved    [][]*cell
	novel          [][]*cell // by category
	borders, joint [][]*cell
	experiments    []*experiment
}

// Streams of random numbers, one for every experiment.
const (
	ofNone = iota
	ofMoved
	ofBorders
	ofTogether
	ofNovel
)

// plan is what there is to simulate: so many windows without drift in each cell, and a tenth as many with it.
func plan(s settings) result {
	r := result{settings: s}
	columns := func(what, rows, times int, of func(row int, sizes []size) once) [][]*cell {
		grid := make([][]*cell, rows)
		for row := range grid {
			for _, sizes := range byReference() {
				grid[row] = append(grid[row], r.add(experiment{stream: stream(what, row, len(grid[row])), times: times, cost: costOf(sizes), once: of(row, sizes)}, len(sizes))...)
			}
		}
		return grid
	}
	r.none = columns(ofNone, len(kinds), s.windows, func(k int, sizes []size) once { return compared(kinds[k], kinds[k], sizes, nil) })
	r.moved = columns(ofMoved, len(kinds), s.windows/10, func(k int, sizes []size) once { return compared(kinds[k], kinds[k], sizes, by(shift)) })
	r.borders = columns(ofBorders, len(borders), s.windows/10, func(b int, sizes []size) once {
		return compared(borders[b].kind, borders[b].kind, sizes, by(borders[b].moved))
	})
	r.novel = columns(ofNovel, len(categories), s.windows/10, func(c int, sizes []size) once {
		k := kinds[categories[c]]
		return compared(k, k.withNew(newShare), sizes, nil)
	})
	r.joint = make([][]*cell, len(movements))
	for i, m := range movements {
		for column, size := range togetherSizes {
			times := s.windows
			if i > 0 {
				times /= 10
			}
			r.joint[i] = append(r.joint[i], r.add(experiment{stream: stream(ofTogether, i, column), times: times, cost: size.cost, once: separated(m, size)}, 1)...)
		}
	}
	return r
}

func stream(what, row, column int) uint64 {
	return uint64(what)<<16 | uint64(row)<<8 | uint64(column)
}

// add plans an experiment of so many cells.
func (r *result) add(e experiment, cells int) []*cell {
	for range cells {
		e.cells = append(e.cells, &cell{})
	}
	r.experiments = append(r.experiments, &e)
	return e.cells
}

// byReference are the sizes that share a reference.
func byReference() (shared [][]size) {
	for i, s := range sizes {
		if i == 0 || s.reference != sizes[i-1].reference {
			shared = append(shared, nil)
		}
		last := len(shared) - 1
		shared[last] = append(shared[last], s)
	}
	return shared
}

func costOf(sizes []size) (sum float64) {
	for _, s := range sizes {
		sum += s.cost
	}
	return sum
}

func by(moved float64) func(float64) float64 { return func(z float64) float64 { return z + moved } }

// simulate fills every cell.
func simulate(s settings) result {
	r := plan(s)
	run(s.seed, r.experiments)
	return r
}
