package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/tests/simulation"
)

// What the table of synthetic requests has: how often clients ask, and what share of their requests a challenger refuses that answers all synthetic
// ones.
var (
	clientRates = []volume{{"1 in 50 s", 0.02}, {"1 in 20 s", 0.05}, {"1 in 10 s", 0.1}, {"1 in 4 s", 0.25}, {"1 in 2 s", 0.5}, {"2 a second", 2}}
	refusals    = []float64{1, 0.5, 0.05, 0}
)

// beside is how many of so many challengers are promoted beside synthetic requests, by refusals and clientRates.
func beside(cfg pipeline.Canary, canaries int) [][]int {
	promoted := make([][]int, len(refusals))
	var work []simulation.Work
	for i := range refusals {
		promoted[i] = make([]int, len(clientRates))
		for j := range clientRates {
			work = append(work, simulation.Work{Cost: 1, Do: func() { promoted[i][j] = besideCell(cfg, i, j, canaries) }})
		}
	}
	simulation.Run(work)
	return promoted
}

// besideCell is one of them.
func besideCell(cfg pipeline.Canary, i, j, canaries int) int {
	return promotedBeside(cfg, clientRates[j].rate, refusals[i], canaries, rand.New(rand.NewPCG(seed, uint64(1e6+100*i+j))))
}

func promotedBeside(cfg pipeline.Canary, rate, refused float64, canaries int, rng *rand.Rand) (promoted int) {
	similar, synthetic := challengers()[2], syntheticRate()
	for range canaries {
		prediction := similar.predicted.predict(rng, predictionRows)
		clients := &traffic{rng: rng, rate: rate, served: similar.served, faults: faults{refused: refused}}
		platform := &traffic{rng: rng, rate: synthetic, served: similar.served}
		status := canary.Start(cfg)
		for status.Observing() {
			seconds := float64(canary.Window(cfg, prediction, status))
			seen := clients.window(status, seconds)
			seen.Synthetic = platform.window(status, seconds).Clients
			if status, _, _ = canary.Decide(cfg, prediction, status, seen); status.Phase == canary.Promoting {
				status = status.Bake(cfg)
			}
		}
		if status.Phase == canary.Passed {
			promoted++
		}
	}
	return promoted
}

// writeBeside is the table of synthetic requests.
func writeBeside(b *strings.Builder, promoted [][]int, canaries int) {
	fmt.Fprintf(b, `## %[3]s

With %[1]srate: %[2]d%[1]s, as shipped, a canary takes a minute where no clients ask. Synthetic requests show what the platform itself can ask, not what clients do: here a challenger refuses
clients' requests alone. It is found where clients ask often enough to be seen in the twelve seconds that the mirror lasts at least; where they do not, %[1]srate: 0%[1]s waits for them.

`, "`", int(syntheticRate()), besideSection)
	simulation.Head(b, besideTitle, namesOf(clientRates)...)
	for i, row := range promoted {
		var cells []string
		for _, n := range row {
			cells = append(cells, simulation.Percent(n, canaries, 1))
		}
		simulation.Row(b, refusesTitle(refusals[i]), cells...)
	}
}

const (
	besideSection = "Beside synthetic requests"
	besideTitle   = "Promoted, %, where clients ask"
)

func refusesTitle(share float64) string { return fmt.Sprintf("refuses %g %% of them", 100*share) }
