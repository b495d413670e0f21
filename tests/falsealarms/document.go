package main

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/drift"
)

// document is docs/false-alarms.md.
func document(r result) string {
	var b strings.Builder
	writeHead(&b)
	for _, name := range statistics {
		fmt.Fprintf(&b, "| %s |", alarmTitle(name))
		writeRows(&b, name, r.none, func(t tally) string {
			return fmt.Sprintf("%s / %s", percent(t.at5, t.tested, 2), percent(t.at1, t.tested, 2))
		})
	}
	fmt.Fprintf(&b, "## Power\n\nHow often a drift of %g standard deviations of the number that a column is made of has a p-value of at most 5 %%. What is rare moves little, and what is missing less.\n\n", shift)
	for _, name := range statistics {
		fmt.Fprintf(&b, "| %s |", powerTitle(name))
		writeRows(&b, name, r.moved, func(t tally) string { return percent(t.at5, t.tested, 0) })
	}
	b.WriteString("## At the limit\n\nHow often a drift that is exactly at the limit of a statistic, PSI 0.1 and what goes with it, is called beyond it. Aim: at most 5 %, which the PSI and the\ndistance of long tails miss by a little. One standard error of 400 windows is 1.1, of 40 it is 3.4.\n\n| Beyond, % |")
	writeSizes(&b, sizes)
	for i, border := range borders {
		fmt.Fprintf(&b, "| %s |", border.title())
		for _, t := range r.borders[i] {
			fmt.Fprintf(&b, " %s |", percent(t.beyond, t.tested, 1))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## All features together\n\nThe classifier, of five numbers and a category: p-values of at most 5 % / 1 %.\n\n| Separate, % |")
	writeSizes(&b, togetherSizes)
	for i, m := range movements {
		fmt.Fprintf(&b, "| %s |", m.name)
		for _, t := range r.together[i] {
			fmt.Fprintf(&b, " %s / %s |", percent(t.at5, t.tested, 2), percent(t.at1, t.tested, 2))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (b border) title() string { return fmt.Sprintf("%s, %s", b.statistic, b.name) }

func alarmTitle(name drift.Name) string { return fmt.Sprintf("%s, false alarms %%", name) }

func powerTitle(name drift.Name) string { return fmt.Sprintf("%s, power %%", name) }

// percent is empty where nothing was tested.
func percent(count, of, places int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", places, 100*float64(count)/float64(of))
}

func writeSizes(b *strings.Builder, sizes []size) {
	for _, s := range sizes {
		fmt.Fprintf(b, " %s |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(sizes)) + "\n")
}

// String heads a column.
func (s size) String() string { return fmt.Sprintf("%d : %d", s.reference, s.window) }

// writeRows writes the kinds of columns that have the statistic.
func writeRows(b *strings.Builder, name drift.Name, cells [][]cell, text func(tally) string) {
	writeSizes(b, sizes)
	for k, kind := range kinds {
		if cells[k][0][name].tested == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s |", kind.name)
		for s := range sizes {
			fmt.Fprintf(b, " %s |", text(*cells[k][s][name]))
		}
		b.WriteString("\n")
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
	b.WriteString(`
All kinds of columns are made of one normal number: incomes are log-normal, one of them rounded to 500 (ties), one column is 0 in 70 % of the rows, one has 5 values, one is a flag of
10 %, one has two special codes and 10 % missing values, categories have 4, 500 and 50,000 values, of which nearly all are rare.

## False alarms

How often a p-value is at most 5 % / 1 %. Aim: at most 6 / 1.2. One standard error of 5000 windows is 0.31 / 0.14, of 1000 it is 0.69 / 0.31, of 200 1.5 / 0.70: columns
of fewer than 5000 windows would show a gross fault, and prove nothing finer. "feature" is the one p-value with which a
feature enters the control of false discoveries, by Bonferroni over up to three of the others, and so conservative.

`)
}
