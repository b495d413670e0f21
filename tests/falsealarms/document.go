package main

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/statistics"
	"github.com/loanops/loanops/tests/simulation"
)

// The headings above the tables, and what is in the first cells of these.
const (
	alarmSection = "False alarms"
	powerSection = "Power"
	limitSection = "At the limit"
	limitTitle   = "Beyond, %"
	newSection   = "Values never seen"
	newTitle     = "Found, %"
	jointSection = "All features together"
)

func (l level) section() string { return fmt.Sprintf("False alarms at %s, by kind of column", l) }

func (l level) title() string { return fmt.Sprintf("All kinds, at %s", l) }

func (l level) titleOf(name drift.Name) string { return fmt.Sprintf("%s, at %s", name, l) }

func powerTitle(name drift.Name) string { return fmt.Sprintf("%s, power %%", name) }

func (b border) title() string { return fmt.Sprintf("%s, %s", b.statistic, b.name) }

// cell is the share of false alarms in percent, and its 95 % interval.
func (l level) cell(t tally) string { return shareOf(t.at[l.number], t.tested, l.places()) }

// places of percent are as many as tell a tenth of the level.
func (l level) places() int { return max(2, l.number+1) }

func (t tally) power() string { return simulation.Percent(t.at[0], t.tested, 0) }

// foundToo is how often something is found: beyond its limit, and beyond chance.
func (t tally) foundToo() string { return shareOf(t.found, t.tested, 2) }

func (t tally) far() string { return shareOf(t.beyond, t.tested, 1) }

func shareOf(count, of, places int) string {
	lower, upper := statistics.Wilson(count, of)
	return fmt.Sprintf("%s (%.*f–%.*f)", simulation.Percent(count, of, places), places, 100*lower, places, 100*upper)
}

// document is docs/false-alarms.md.
func document(r result) string {
	var b strings.Builder
	writeHead(&b, r.settings)
	writeAlarms(&b, r)
	fmt.Fprintf(&b, "## %s\n\nHow often a drift of %g standard deviations of the number that a column is made of has a p-value of at most 5 %%. What is rare moves little, and what is missing less.\n\n", powerSection, shift)
	for _, name := range measures {
		writeKinds(&b, powerTitle(name), name, r.moved, tally.power)
	}
	fmt.Fprintf(&b, "## %s\n\nHow often a drift that is exactly at the limit of a statistic, PSI 0.1 and what goes with it, is called beyond it. Aim: at most 5 %%, which the PSI and the\ndistance of long tails miss by a little.\n\n", limitSection)
	simulation.Head(&b, limitTitle, titles(sizes)...)
	for i, border := range borders {
		simulation.Row(&b, border.title(), texts(r.borders[i], border.statistic, tally.far)...)
	}
	writeNew(&b, r)
	fmt.Fprintf(&b, "\n## %s\n\nThe classifier, of five numbers and a category. Required of it is what is required of the others; \"no drift\" is simulated as often as a kind of column, the others a tenth as often.\n", jointSection)
	for _, l := range byKind {
		b.WriteString("\n")
		simulation.Head(&b, l.titleOf(separate), titles(togetherSizes)...)
		for i, m := range movements {
			simulation.Row(&b, m.name, texts(r.joint[i], separate, l.cell)...)
		}
	}
	return b.String()
}

// writeAlarms tells false alarms, of all kinds together and of each.
func writeAlarms(b *strings.Builder, r result) {
	said, _ := r.verdict()
	b.WriteString(said + "\n\n")
	for _, l := range levels {
		simulation.Head(b, l.title(), titles(sizes)...)
		for _, name := range common {
			var row []string
			for s := range sizes {
				row = append(row, l.cell(r.together(name, s)))
			}
			simulation.Row(b, string(name), row...)
		}
		b.WriteString("\n")
	}
	for _, l := range byKind {
		fmt.Fprintf(b, "## %s\n\n", l.section())
		for _, name := range measures {
			writeKinds(b, l.titleOf(name), name, r.none, l.cell)
		}
	}
}

// newRow heads a row of a category, of which a share of the values is new, or none.
func newRow(kind int, new bool) string {
	if new {
		return fmt.Sprintf("%s, %g %% new", kinds[kind].name, 100*newShare)
	}
	return kinds[kind].name + ", nothing new"
}

// writeNew tells how often values that were never seen are found, where there are none that are new and where there are.
func writeNew(b *strings.Builder, r result) {
	fmt.Fprintf(b, "\n## %s\n\nHow often it is found that a category has values that no row of the reference has: that they are in more rows than chance brings and matter, by a lower bound that is beyond the limit, and\nby a p-value of at most 5 %%, as among the false alarms above (\"unseen\"). That p-value is a bound, and so conservative. \"Nothing new\" is no drift: rare values that happen not to be\namong the reference's rows are unseen too. Where there is something new, %g %% of the rows have one value that no other row has.\n\n", newSection, 100*newShare)
	simulation.Head(b, newTitle, titles(sizes)...)
	for row, kind := range categories {
		simulation.Row(b, newRow(kind, false), texts(r.none[kind], unseen, tally.foundToo)...)
		simulation.Row(b, newRow(kind, true), texts(r.novel[row], unseen, tally.foundToo)...)
	}
}

// writeKinds writes the kinds of columns that have the statistic.
func writeKinds(b *strings.Builder, title string, name drift.Name, of [][]*cell, text func(tally) string) {
	simulation.Head(b, title, titles(sizes)...)
	for k, kind := range kinds {
		if of[k][0].all[name].tested > 0 {
			simulation.Row(b, kind.name, texts(of[k], name, text)...)
		}
	}
	b.WriteString("\n")
}

func texts(cells []*cell, name drift.Name, text func(tally) string) []string {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = text(c.all[name])
	}
	return row
}

// String heads a column.
func (s size) String() string { return fmt.Sprintf("%d : %d", s.reference, s.window) }

func titles(sizes []size) []string {
	heads := make([]string, len(sizes))
	for i, s := range sizes {
		heads[i] = s.String()
	}
	return heads
}

// writeHead says what is simulated, and what is required.
func writeHead(b *strings.Builder, s settings) {
	fmt.Fprintf(b, `# How often drift is seen where there is none

Written by %[1]sgo run ./tests/falsealarms%[1]s, which takes some twenty minutes of two processors; do not edit. It runs %[1]sdrift.NewBins%[1]s, %[1]sdrift.Compare%[1]s, %[1]sdrift.FindUnseen%[1]s and
%[1]sdrift.Separate%[1]s with their defaults on simulated columns. The page is one run with one seed, %[2]d, by whose numbers nothing was chosen: no statistic, no limit, and nothing of what is simulated. Bins are decided by each reference, then counted, and every
window of a cell has a reference of its own, so that windows of a cell are independent; one reference serves a window of each size. Columns say reference : window. %[3]d windows of each kind of column and each size are simulated without drift, and %[4]d with it.

All kinds of columns are made of one normal number: incomes are log-normal, one of them rounded to 500 (ties), one column is 0 in 70 %% of the rows, one has 5 values, one is a flag of
10 %%, one has two special codes and 10 %% missing values, categories have 4, 500 and 50,000 values, of which nearly all are rare.

## %[5]s

How often, in percent, a p-value is at most 5 %%, 1 %%, and of all kinds of columns together 0.1 %% and 0.01 %%, with its 95 %% interval (Wilson), which is what so many windows can tell. Required: at most %[6]g times what is
asked for, 6 %%, 1.2 %% and 0.12 %%, by more than chance in no cell; the program and its tests fail where it is not so. Farther out it is told how far it is so. More than chance is a count that a binomial number of that share, %[6]g times what is asked for, exceeds once in %[7]g:
of %[3]d windows %[8]d at 5 %% and %[9]d at 1 %%. "All kinds" are those of each kind that has the statistic, where more than one has.
"feature" is the one p-value with which a feature
enters the control of false discoveries, by Bonferroni over up to three of the others, and so conservative.

`, "`", s.seed, s.windows, s.windows/10, alarmSection, allowed, 1/chance, levels[0].most(s.windows), levels[1].most(s.windows))
}
