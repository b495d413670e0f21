package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/simulation"
)

// What is required of every cell, in percent, with what chance explains in one of a thousand of them.
const (
	leastHeld, mostHeld = 95 - 2.3, 95 + 2.3
)

// mostFalse is of so many windows the largest count that chance explains in one of a thousand cells: a look's share of 2.5 % for all looks.
func mostFalse(windows, nth int) int {
	return simulation.Most(windows, 0.025/float64(nth*(nth+1)))
}

// readPage reads the documented tables.
func readPage(t *testing.T) simulation.Page {
	t.Helper()
	page, err := simulation.ReadPage("../../docs/performance-estimates.md")
	require.NoError(t, err)
	return page
}

// Intervals hold as often as they say wherever the assumption holds, and findings where there is nothing to find are as rare as they are to be.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	numbers := func(section, title, row string, wanted int) []float64 {
		found, err := page.Numbers(section, title, row, wanted)
		require.NoError(t, err)
		return found
	}
	for _, n := range freshSizes {
		for _, s := range situations {
			cells := numbers(estimateSection, coverageTitle(n), s.title(), len(metrics)+1)
			for i, name := range metrics {
				if !s.beyond {
					require.True(t, cells[i] >= leastHeld && cells[i] <= mostHeld, "%s, %d rows, %s: %v", s.name, n, name, cells[i])
				}
			}
		}
	}
	for _, d := range decays {
		for i, found := range numbers(decaySection, decayTitle, d.name, len(windowSizes)*len(looks)) {
			if d.none {
				require.LessOrEqual(t, int(math.Round(found*float64(shipped.findings)/100)), mostFalse(shipped.findings, looks[i%len(looks)]), "%s, column %d", d.name, i)
			}
		}
	}
	for _, c := range champions {
		for i, found := range numbers(betterSection, betterTitle, c.name, len(windowSizes)*len(looks)) {
			if c.none {
				require.LessOrEqual(t, int(math.Round(found*float64(shipped.versions)/100)), mostFalse(shipped.versions, looks[i%len(looks)]), "%s, column %d", c.name, i)
			}
		}
	}
}

// The documented tables are what the program writes: a cell of each is computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	const small, decay, worse = 4, 5, 6 // a reference of 1,000 rows; a decay that is recent, and a champion, of which there are few windows
	var cells []simulation.Cell
	held, _ := cover(small, 0, shipped.covered)
	for i, text := range percents(held, shipped.covered) {
		cells = append(cells, simulation.Cell{Section: estimateSection, Title: coverageTitle(freshSizes[0]), Row: situations[small].title(), Column: i, Text: text})
	}
	times := of(shipped.findings, false)
	for i, text := range percents(findDecay(decay, 1, times), times) {
		cells = append(cells, simulation.Cell{Section: decaySection, Title: decayTitle, Row: decays[decay].name, Column: len(looks) + i, Text: text})
	}
	times = of(shipped.versions, false)
	for i, text := range percents(findBetter(worse, 0, times), times) {
		cells = append(cells, simulation.Cell{Section: betterSection, Title: betterTitle, Row: champions[worse].name, Column: i, Text: text})
	}
	var parts []string
	for _, write := range []func(*strings.Builder, counts){writeHead, writeFindings, writeVersions} {
		var part strings.Builder
		write(&part, shipped)
		parts = append(parts, part.String())
	}
	require.Empty(t, readPage(t).Stale(parts, cells), "run go run ./tests/coverage")
}

// The applicants are as documented: 100,000 of them, known to a few thousandths.
func TestApplicants(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	d := applicants{rng: rng, spread: 1}.draw(100_000)
	shown := realised(d.y, train(rng).scores(d))
	require.InDelta(t, 0.22, shown["positive_rate"], 0.01)
	require.InDelta(t, 0.77, shown["auc"], 0.01)
	losses := func(change applicants) (auc, rate float64) {
		change.rng, change.spread = rng, 1
		d := change.draw(100_000)
		after := realised(d.y, train(rng).scores(d))
		return shown["auc"] - after["auc"], after["positive_rate"] - shown["positive_rate"]
	}
	auc, _ := losses(applicants{weaker: 0.2})
	require.InDelta(t, 0.04, auc, 0.01)
	auc, _ = losses(applicants{weaker: 0.4})
	require.InDelta(t, 0.09, auc, 0.01)
	auc, rate := losses(applicants{riskier: 0.5})
	require.InDelta(t, 0, auc, 0.01)
	require.Greater(t, rate, 0.05)
	quality := func(noise float64) float64 { return realised(d.y, noisy(rng, d, noise, 1))["auc"] }
	older := quality(olderNoise)
	require.InDelta(t, 0.03, quality(0)-older, 0.01)
	require.InDelta(t, 0.025, older-quality(0.9), 0.01)
	require.InDelta(t, 0.07, older-quality(1.5), 0.01)
}
