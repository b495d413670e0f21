package main

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/tests/simulation"
)

// document is docs/false-alarms.md.
func document(r result) string {
	var b strings.Builder
	writeHead(&b)
	for _, name := range statistics {
		writeTable(&b, alarmTitle(name), name, r.none, tally.alarms)
	}
	fmt.Fprintf(&b, "## "+powerSection+"\n\nHow often a drift of %g standard deviations of the number that a column is made of has a p-value of at most 5 %%. What is rare moves little, and what is missing less.\n\n", shift)
	for _, name := range statistics {
		writeTable(&b, powerTitle(name), name, r.moved, tally.power)
	}
	b.WriteString("## " + limitSection + "\n\nHow often a drift that is exactly at the limit of a statistic, PSI 0.1 and what goes with it, is called beyond it. Aim: at most 5 %, which the PSI and the\ndistance of long tails miss by a little. One standard error of 400 windows is 1.1, of 40 it is 3.4.\n\n")
	simulation.Head(&b, limitTitle, titles(sizes)...)
	for i, border := range borders {
		simulation.Row(&b, border.title(), cellsOf(r.borders[i], tally.far)...)
	}
	b.WriteString("\n## " + togetherSection + "\n\nThe classifier, of five numbers and a category: p-values of at most 5 % / 1 %.\n\n")
	simulation.Head(&b, togetherTitle, titles(togetherSizes)...)
	for i, m := range movements {
		simulation.Row(&b, m.name, cellsOf(r.together[i], tally.alarms)...)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// The headings above the tables, and what is in the first cells of these.
const (
	alarmSection    = "False alarms"
	powerSection    = "Power"
	limitSection    = "At the limit"
	limitTitle      = "Beyond, %"
	togetherSection = "All features together"
	togetherTitle   = "Separate, %"
)

func (b border) title() string { return fmt.Sprintf("%s, %s", b.statistic, b.name) }

func alarmTitle(name drift.Name) string { return fmt.Sprintf("%s, false alarms %%", name) }

func powerTitle(name drift.Name) string { return fmt.Sprintf("%s, power %%", name) }

// alarms are the shares of p-values of at most 5 % / 1 %.
func (t tally) alarms() string {
	return fmt.Sprintf("%s / %s", simulation.Percent(t.at5, t.tested, 2), simulation.Percent(t.at1, t.tested, 2))
}

func (t tally) power() string { return simulation.Percent(t.at5, t.tested, 0) }

func (t tally) far() string { return simulation.Percent(t.beyond, t.tested, 1) }

func cellsOf(tallies []tally, text func(tally) string) []string {
	cells := make([]string, len(tallies))
	for i, t := range tallies {
		cells[i] = text(t)
	}
	return cells
}

func titles(sizes []size) []string {
	heads := make([]string, len(sizes))
	for i, s := range sizes {
		heads[i] = s.String()
	}
	return heads
}

// String heads a column.
func (s size) String() string { return fmt.Sprintf("%d : %d", s.reference, s.window) }

// writeTable writes the kinds of columns that have the statistic.
func writeTable(b *strings.Builder, title string, name drift.Name, cells [][]cell, text func(tally) string) {
	simulation.Head(b, title, titles(sizes)...)
	for k, kind := range kinds {
		tallies := make([]tally, len(sizes))
		for s := range sizes {
			tallies[s] = *cells[k][s][name]
		}
		if tallies[0].tested > 0 {
			simulation.Row(b, kind.name, cellsOf(tallies, text)...)
		}
	}
	b.WriteString("\n")
}

// writeHead says what is simulated.
func writeHead(b *strings.Builder) {
	fmt.Fprintf(b, `# How often drift is seen where there is none

Written by %[1]sgo run ./tests/falsealarms%[1]s; do not edit. It runs %[1]sdrift.NewBins%[1]s, %[1]sdrift.Compare%[1]s and %[1]sdrift.Separate%[1]s with their defaults on simulated
columns, seed %[2]d: bins are decided by each reference, then counted. A reference that has ten times the rows of a window is held against %[3]d windows. Columns say
reference : window; so many windows are simulated without drift, and with it:

| rows | without | with |
|---|---:|---:|
`, "`", seed, sharing)
	for _, s := range sizes {
		fmt.Fprintf(b, "| %s | %d | %d |\n", s, s.none, s.moved)
	}
	fmt.Fprintf(b, `
All kinds of columns are made of one normal number: incomes are log-normal, one of them rounded to 500 (ties), one column is 0 in 70 %% of the rows, one has 5 values, one is a flag of
10 %%, one has two special codes and 10 %% missing values, categories have 4, 500 and 50,000 values, of which nearly all are rare.

## %s

How often a p-value is at most 5 %% / 1 %%. Aim: at most 6 / 1.2. One standard error of 5000 windows is 0.31 / 0.14, of 1000 it is 0.69 / 0.31, of 200 1.5 / 0.70: columns
of fewer than 5000 windows would show a gross fault, and prove nothing finer. "feature" is the one p-value with which a
feature enters the control of false discoveries, by Bonferroni over up to three of the others, and so conservative.

`, alarmSection)
}
