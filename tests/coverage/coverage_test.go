package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is required of every cell, in percent, with what chance explains in one of a thousand of them.
const (
	leastHeld, mostHeld = 95 - 2.3, 95 + 2.3
	mostFalse           = 2.5
)

const documented = "../../docs/performance-estimates.md"

// readTables reads the cells of the documented tables: by the first cell of the head and of the row.
func readTables(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	tables := map[string][]string{}
	title := ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			title = ""
		case strings.HasPrefix(line, "|-"):
		case title == "":
			title = cells[0]
		default:
			tables[title+"; "+cells[0]] = cells[1:]
		}
	}
	return tables
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(cell, 64)
	require.NoError(t, err)
	return value
}

// Intervals hold as often as they say wherever the assumption holds, and findings where there is nothing to find are as rare as they are to be.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	for _, n := range freshSizes {
		for _, s := range situations {
			cells := tables[coverageTitle(n)+"; "+s.title()]
			require.Len(t, cells, len(metrics)+1)
			for i, name := range metrics {
				if held := number(t, cells[i]); !s.beyond {
					require.True(t, held >= leastHeld && held <= mostHeld, "%s, %d rows, %s: %v", s.name, n, name, held)
				}
			}
		}
	}
	for _, d := range decays {
		cells := tables[decayTitle+"; "+d.name]
		require.Len(t, cells, len(windowSizes), d.name)
		for i, cell := range cells {
			if d.none {
				require.LessOrEqual(t, number(t, cell), mostFalse+1.5, "%s, %d rows", d.name, windowSizes[i]) // of 500 windows
			}
		}
	}
	for _, c := range champions {
		cells := tables[betterTitle+"; "+c.name]
		require.Len(t, cells, len(windowSizes), c.name)
		for i, cell := range cells {
			if c.none {
				require.LessOrEqual(t, number(t, cell), mostFalse+2.5, "%s, %d rows", c.name, windowSizes[i]) // of 200 windows
			}
		}
	}
}

// The documented tables are what the program writes: a cell of each is computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	const small, decay, worse = 4, 5, 6 // a reference of 1,000 rows; a decay and a champion of which there are few windows
	held, _ := cover(small, 0, shipped.covered)
	for i := range metrics {
		require.Equal(t, tables[coverageTitle(freshSizes[0])+"; "+situations[small].title()][i], percent(held[i], shipped.covered), "run go run ./tests/coverage")
	}
	times := of(shipped.findings, false)
	require.Equal(t, tables[decayTitle+"; "+decays[decay].name][0], percent(findDecay(decay, 0, times), times), "run go run ./tests/coverage")
	times = of(shipped.versions, false)
	require.Equal(t, tables[betterTitle+"; "+champions[worse].name][0], percent(findBetter(worse, 0, times), times), "run go run ./tests/coverage")

	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	for _, write := range []func(*strings.Builder, counts){writeHead, writeFindings, writeVersions} {
		var part strings.Builder
		write(&part, shipped)
		require.Contains(t, string(text), part.String(), "run go run ./tests/coverage")
	}
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
