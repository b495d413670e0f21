package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

// mostFalse is the largest share of honest data sets that may be vetoed.
const mostFalse = 0.01

const documented = "../../docs/leak-rates.md"

// readTables reads the numbers of the documented tables: by the first cell of the head and of the row.
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

func percents(t *testing.T, cells []string) []float64 {
	t.Helper()
	values := make([]float64, len(cells))
	for i, cell := range cells {
		var err error
		values[i], err = strconv.ParseFloat(cell, 64)
		require.NoError(t, err)
	}
	return values
}

// A smaller simulation than the documented one: no more honest data sets are vetoed than chance explains (1 of 1,000 per cell).
func TestHonestDataAreVetoedSeldom(t *testing.T) {
	t.Parallel()
	for size, sets := range []int{60, 30, 8} {
		for kind := range kinds {
			for base := range bases {
				most := 0
				for 1-(distuv.Binomial{N: float64(sets), P: mostFalse}).CDF(float64(most)) > 0.001 {
					most++
				}
				result := vetoHonest(kind, size, base, sets)
				require.LessOrEqual(t, result.any, most, "%s, %d rows, %g: %v", kinds[kind].name, sizes[size], bases[base], result.byRule)
			}
		}
	}
}

// In every documented cell at most one honest data set in a hundred is vetoed.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	for _, kind := range kinds {
		for _, size := range sizes {
			cells := percents(t, tables[kind.title()+"; "+rowsOf(size)])
			require.Len(t, cells, len(bases))
			for i, vetoed := range cells {
				require.LessOrEqual(t, vetoed, 100*mostFalse, "%s, %d rows, %g", kind.name, size, bases[i])
			}
		}
	}
	for base := range leakBases {
		for _, l := range leaks {
			cells := tables[foundTitle(base)+"; "+l.name]
			require.Len(t, cells, len(sizes)+1, l.name)
			found := percents(t, cells[1:])
			if l.accepted {
				require.LessOrEqual(t, found[len(found)-1], 100*mostFalse, l.name)
			}
		}
	}
}

// The documented tables are what the program writes: some of their cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	for _, cell := range [][2]int{{0, 2}, {1, 3}} {
		kind, base := cell[0], cell[1]
		result := vetoHonest(kind, 0, base, shipped.honest)
		require.Equal(t, tables[kinds[kind].title()+"; "+rowsOf(sizes[0])][base], percent(result.any, shipped.honest), "run go run ./tests/leakrates")
	}
	for which, l := range leaks {
		base, size := which%len(leakBases), which/2%2
		found := find(which, size, base, shipped.leaky)
		require.Equal(t, tables[foundTitle(base)+"; "+l.name][size+1], percent(found, shipped.leaky), "%s: run go run ./tests/leakrates", l.name)
	}
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	var head strings.Builder
	writeHead(&head, shipped)
	require.True(t, strings.HasPrefix(string(text), head.String()), "run go run ./tests/leakrates")
}
