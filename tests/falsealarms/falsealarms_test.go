package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/simulation"
)

// allowed is by how much false alarms may exceed what was asked for.
const allowed = 1.2

// readPage reads the documented tables.
func readPage(t *testing.T) simulation.Page {
	t.Helper()
	page, err := simulation.ReadPage("../../docs/false-alarms.md")
	require.NoError(t, err)
	return page
}

// In every documented cell false alarms are at most 1.2 times what was asked for, as far as its windows can tell.
func TestTheDocumentedAlarmsAreAsRequired(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	seen := 0
	check := func(cell string, s size, name string) {
		for i, level := range []float64{0.05, 0.01} {
			at := strings.Split(cell, " / ")[i]
			percent, err := strconv.ParseFloat(at, 64)
			require.NoError(t, err, name)
			bound := 100 * float64(simulation.Most(s.none, level)) / float64(s.none)
			require.LessOrEqual(t, percent, max(bound, 100*allowed*level), "%s, %s", name, s)
			seen++
		}
	}
	for _, name := range statistics {
		for _, k := range kinds {
			for s, cell := range page.Row(alarmSection, alarmTitle(name), k.name) {
				check(cell, sizes[s], string(name)+", "+k.name)
			}
		}
	}
	for s, cell := range page.Row(togetherSection, togetherTitle, movements[0].name) {
		check(cell, togetherSizes[s], "together")
	}
	require.Greater(t, seen, 300)
}

// The documented tables are what the program writes: some of their cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	var cells []simulation.Cell
	for _, k := range []int{3, 8} {
		for name, got := range withDrift(k, 0) {
			if got.tested > 0 {
				cells = append(cells, simulation.Cell{Section: powerSection, Title: powerTitle(name), Row: kinds[k].name, Text: got.power()})
			}
		}
	}
	for _, b := range []int{1, 7} {
		cells = append(cells, simulation.Cell{Section: limitSection, Title: limitTitle, Row: borders[b].title(), Text: atBorder(b, 0).far()})
	}
	cells = append(cells, simulation.Cell{Section: togetherSection, Title: togetherTitle, Row: movements[1].name, Text: separated(1, 0).alarms()})
	var head strings.Builder
	writeHead(&head)
	require.Empty(t, readPage(t).Stale([]string{head.String()}, cells), "run go run ./tests/falsealarms")
}

// A smaller simulation than the documented one: no kind of column brings more false alarms than chance explains (1 of 1,000 per cell).
func TestFalseAlarmsAreSeldom(t *testing.T) {
	t.Parallel()
	for k, kind := range kinds {
		for name, got := range run(kind, size{reference: 200, window: 100}, 120, nil, uint64(1000+k)) {
			require.LessOrEqual(t, got.at5, simulation.Most(got.tested, 0.05), "%s, %s", name, kind.name)
		}
	}
}
