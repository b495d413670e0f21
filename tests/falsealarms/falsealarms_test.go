package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

const documented = "../../docs/false-alarms.md"

// allowed is by how much false alarms may exceed what was asked for.
const allowed = 1.2

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

// most is the largest count that is not beyond a share by more than chance brings once in 1,000.
func most(times int, share float64) int {
	count := 0
	for 1-(distuv.Binomial{N: float64(times), P: share}).CDF(float64(count)) > 0.001 {
		count++
	}
	return count
}

// In every documented cell false alarms are at most 1.2 times what was asked for, as far as its windows can tell.
func TestTheDocumentedAlarmsAreAsRequired(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	seen := 0
	check := func(cell string, s size, name string) {
		for i, level := range []float64{0.05, 0.01} {
			at := strings.Split(cell, " / ")[i]
			percent, err := strconv.ParseFloat(at, 64)
			require.NoError(t, err, name)
			bound := 100 * float64(most(s.none, level)) / float64(s.none)
			require.LessOrEqual(t, percent, max(bound, 100*allowed*level), "%s, %s", name, s)
			seen++
		}
	}
	for _, name := range statistics {
		for _, k := range kinds {
			for s, cell := range tables[alarmTitle(name)+"; "+k.name] {
				check(cell, sizes[s], string(name)+", "+k.name)
			}
		}
	}
	for s, cell := range tables["Separate, %; "+movements[0].name] {
		check(cell, togetherSizes[s], "together")
	}
	require.Greater(t, seen, 300)
}

// The documented tables are what the program writes: some of their cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	tables := readTables(t)
	for _, k := range []int{3, 8} {
		moved := withDrift(k, 0)
		for _, name := range statistics {
			if got := *moved[name]; got.tested > 0 {
				require.Equal(t, tables[powerTitle(name)+"; "+kinds[k].name][0], percent(got.at5, got.tested, 0), "%s: run go run ./tests/falsealarms", name)
			}
		}
	}
	for _, b := range []int{1, 7} {
		got := atBorder(b, 0)
		require.Equal(t, tables["Beyond, %; "+borders[b].title()][0], percent(got.beyond, got.tested, 1), "run go run ./tests/falsealarms")
	}
	got := separated(1, 0)
	require.Equal(t, tables["Separate, %; "+movements[1].name][0], percent(got.at5, got.tested, 2)+" / "+percent(got.at1, got.tested, 2), "run go run ./tests/falsealarms")
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	var head strings.Builder
	writeHead(&head)
	require.True(t, strings.HasPrefix(string(text), head.String()), "run go run ./tests/falsealarms")
}

// A smaller simulation than the documented one: no kind of column brings more false alarms than chance explains (1 of 1,000 per cell).
func TestFalseAlarmsAreSeldom(t *testing.T) {
	t.Parallel()
	for k, kind := range kinds {
		for name, got := range run(kind, size{reference: 200, window: 100}, 120, nil, uint64(1000+k)) {
			require.LessOrEqual(t, got.at5, most(got.tested, 0.05), "%s, %s", name, kind.name)
		}
	}
}
