package main

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/tests/simulation"
)

// document is docs/leak-rates.md.
func document(r result, sets counts) string {
	var b strings.Builder
	writeHead(&b, sets)
	for i, kind := range kinds {
		var columns []string
		for _, base := range bases {
			columns = append(columns, fmt.Sprintf("%g %% positive", 100*base))
		}
		simulation.Head(&b, kind.title(), columns...)
		for j, size := range sizes {
			var cells []string
			for k := range bases {
				cells = append(cells, simulation.Percent(r.honest[i][j][k].any, sets.honest, 1))
			}
			simulation.Row(&b, rowsOf(size), cells...)
		}
		b.WriteString("\n")
	}
	writeByRule(&b, r, sets)
	writeFound(&b, r, sets)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// The headings above the tables.
const honestSection, leaksSection = "Honest data", "Leaks"

// title heads the table of a kind.
func (k kind) title() string { return fmt.Sprintf("Vetoed of %s data, %%", k.name) }

// foundTitle heads the table of leaks at a base rate.
func foundTitle(base int) string {
	return fmt.Sprintf("Found at %g %% positive, %%", 100*leakBases[base])
}

func rowsOf(size int) string { return fmt.Sprintf("%d rows", size) }

// writeHead says what is simulated.
func writeHead(b *strings.Builder, sets counts) {
	fmt.Fprintf(b, `# How often the leakage veto errs

Written by %[1]sgo run ./tests/leakrates%[1]s, which takes some minutes; do not edit. It runs %[1]sleak.Features%[1]s and %[1]sleak.Split%[1]s, the ones that training calls, with their defaults on
simulated data: %[2]d honest data sets per cell and %[3]d with each leak, seed %[4]d. Where none of %[2]d is vetoed, at most %.1[5]f %% are, with 95 %% confidence; of all %[6]d honest ones, %.2[7]f %%.

## %[8]s

Aim: at most 1 %% of the data sets vetoed by any rule. In all of them the rate of positive labels grows fourfold over the rows, and with it over the identifiers.

Rich data have 17 features: numbers with AUCs up to 0.8, a score of few bands, rounded incomes, special codes with three times and a quarter of the odds, zeros, missing values
that tell something, a bad history with 20 times the odds and a security with a 20th, categories of a few, of 500 and of as many values as rows. Coarse data have 6 to 14 features of
2 to 30 values, so that different applicants are equal, among them one that another determines and one in three columns of 0 and 1. Both are shared at random into 60, 20 and 20 %%.

`, "`", sets.honest, sets.leaky, seed, 300/float64(sets.honest), sets.all(), 300/float64(sets.all()), honestSection)
}

// all is the number of honest data sets in all cells.
func (c counts) all() int { return c.honest * len(kinds) * len(sizes) * len(bases) }

// writeByRule says which rules vetoed honest data, over all cells.
func writeByRule(b *strings.Builder, r result, sets counts) {
	byRule := map[leak.Rule]int{}
	for _, kind := range r.honest {
		for _, size := range kind {
			for _, cell := range size {
				for rule, count := range cell.byRule {
					byRule[rule] += count
				}
			}
		}
	}
	fmt.Fprintf(b, "By rule, of all %d honest data sets:\n\n|", sets.all())
	for _, rule := range rules {
		fmt.Fprintf(b, " %s |", rule)
	}
	b.WriteString("\n|" + strings.Repeat("---:|", len(rules)) + "\n|")
	for _, rule := range rules {
		fmt.Fprintf(b, " %d |", byRule[rule])
	}
	b.WriteString("\n\n")
}

// writeFound says how often leaks are found.
func writeFound(b *strings.Builder, r result, sets counts) {
	b.WriteString("## " + leaksSection + `

How often the rule that is meant for a leak finds it. What is marked as accepted is within its bound, and here to show that it passes. Few rows prove little: of 600
rows, 30 are positive at 5 %. Pure values of a rare label need some 70 rows, those of a frequent one so many that 60 to 180 rows of the other label were due.

`)
	for k := range leakBases {
		fmt.Fprintf(b, "| %s | rule |", foundTitle(k))
		for _, size := range sizes {
			fmt.Fprintf(b, " %s |", rowsOf(size))
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---:|", len(sizes)) + "\n")
		for i, l := range leaks {
			cells := []string{l.told()}
			for j := range sizes {
				cells = append(cells, simulation.Percent(r.found[i][j][k], sets.leaky, 1))
			}
			simulation.Row(b, l.name, cells...)
		}
		b.WriteString("\n")
	}
}
