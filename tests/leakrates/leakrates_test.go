package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/simulation"
)

// mostFalse is the largest share of honest data sets that may be vetoed.
const mostFalse = 0.01

// readPage reads the documented tables.
func readPage(t *testing.T) simulation.Page {
	t.Helper()
	page, err := simulation.ReadPage("../../docs/leak-rates.md")
	require.NoError(t, err)
	return page
}

// A smaller simulation than the documented one: no more honest data sets are vetoed than chance explains (1 of 1,000 per cell).
func TestHonestDataAreVetoedSeldom(t *testing.T) {
	t.Parallel()
	for size, sets := range []int{60, 30, 8} {
		for kind := range kinds {
			for base := range bases {
				result := vetoHonest(kind, size, base, sets)
				require.LessOrEqual(t, result.any, simulation.Most(sets, mostFalse), "%s, %d rows, %g: %v", kinds[kind].name, sizes[size], bases[base], result.byRule)
			}
		}
	}
}

// In every documented cell at most one honest data set in a hundred is vetoed.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	for _, kind := range kinds {
		for _, size := range sizes {
			cells, err := page.Numbers(honestSection, kind.title(), rowsOf(size), len(bases))
			require.NoError(t, err)
			for i, vetoed := range cells {
				require.LessOrEqual(t, vetoed, 100*mostFalse, "%s, %d rows, %g", kind.name, size, bases[i])
			}
		}
	}
	for base := range leakBases {
		for _, l := range leaks {
			cells := page.Row(leaksSection, foundTitle(base), l.name)
			require.Len(t, cells, len(sizes)+1, l.name)
			if l.accepted {
				found, err := strconv.ParseFloat(cells[len(sizes)], 64)
				require.NoError(t, err)
				require.LessOrEqual(t, found, 100*mostFalse, l.name)
			}
		}
	}
}

// The documented tables are what the program writes: some of their cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	var cells []simulation.Cell
	for _, cell := range [][2]int{{0, 2}, {1, 3}} {
		kind, base := cell[0], cell[1]
		result := vetoHonest(kind, 0, base, shipped.honest)
		cells = append(cells, simulation.Cell{Section: honestSection, Title: kinds[kind].title(), Row: rowsOf(sizes[0]), Column: base, Text: simulation.Percent(result.any, shipped.honest, 1)})
	}
	for which, l := range leaks {
		base, size := which%len(leakBases), which/2%2
		found := find(which, size, base, shipped.leaky)
		cells = append(cells, simulation.Cell{Section: leaksSection, Title: foundTitle(base), Row: l.name, Column: 1 + size, Text: simulation.Percent(found, shipped.leaky, 1)})
	}
	var head strings.Builder
	writeHead(&head, shipped)
	require.Empty(t, readPage(t).Stale([]string{head.String()}, cells), "run go run ./tests/leakrates")
}
