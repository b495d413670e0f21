package main

import (
	"math/rand/v2"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/tests/simulation"
)

// experiment is simulated over and over; it fills some cells of every table that it has a statistic for.
type experiment struct {
	stream uint64
	times  int
	cost   float64 // about how many milliseconds once takes
	once   once
	cells  []*cell
}

// once simulates something, and tells what was seen of each cell.
type once func(rng *rand.Rand, seen []tallies)

// cell is what was seen.
type cell struct{ all tallies }

// tallies are what was seen of each statistic.
type tallies map[drift.Name]tally

// tally is what happened to one statistic: how many were beyond the limit, how many p-values at most that of each level, and how many both, at the first.
type tally struct {
	tested, beyond, found int
	at                    [4]int
}

func (s tallies) see(name drift.Name, p float64, beyond bool) {
	t := tally{tested: 1, beyond: one(beyond), found: one(beyond && p <= levels[0].share)}
	for i, l := range levels {
		t.at[i] = one(p <= l.share)
	}
	s[name] = s[name].plus(t)
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (t tally) plus(o tally) tally {
	t.tested, t.beyond, t.found = t.tested+o.tested, t.beyond+o.beyond, t.found+o.found
	for i, n := range o.at {
		t.at[i] += n
	}
	return t
}

// plus is both together.
func (s tallies) plus(o tallies) tallies {
	sum := tallies{}
	for _, part := range []tallies{s, o} {
		for name, t := range part {
			sum[name] = sum[name].plus(t)
		}
	}
	return sum
}

// block is how often something is simulated with one stream of random numbers. Blocks are shared among the processors.
const block = 50

// run simulates all of them.
func run(seed uint64, experiments []*experiment) {
	var work []simulation.Work
	blocks := make([][][]tallies, len(experiments))
	for i, e := range experiments {
		blocks[i] = make([][]tallies, (e.times+block-1)/block)
		for k := range blocks[i] {
			n := min(block, e.times-k*block)
			work = append(work, simulation.Work{Cost: e.cost * float64(n), Do: func() { blocks[i][k] = e.play(seed, k*block, n) }})
		}
	}
	simulation.Run(work)
	for i, e := range experiments {
		for _, b := range blocks[i] {
			for k, seen := range b {
				e.cells[k].all = e.cells[k].all.plus(seen)
			}
		}
	}
}

// play simulates a block, that which begins at so many times.
func (e *experiment) play(seed uint64, at, times int) []tallies {
	rng := rand.New(rand.NewPCG(seed, e.stream<<32|uint64(at)))
	seen := make([]tallies, len(e.cells))
	for i := range seen {
		seen[i] = tallies{}
	}
	for range times {
		e.once(rng, seen)
	}
	return seen
}
