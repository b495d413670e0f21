package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/tests/simulation"
)

// result is what was simulated: held[situation][size][metric], width beside it, decayed[decay][size][look] and better[champion][size][look].
type result struct {
	held            [][][]int
	width           [][][]float64
	decayed, better [][][]int
}

// simulate fills every cell. A cell's random numbers are its own.
func simulate(times counts) result {
	r := result{make([][][]int, len(situations)), make([][][]float64, len(situations)), make([][][]int, len(decays)), make([][][]int, len(champions))}
	var work []simulation.Work
	do := func(times, rows int, do func()) {
		work = append(work, simulation.Work{Cost: float64(times * (reference + rows)), Do: do})
	}
	for at := range champions {
		r.better[at] = make([][]int, len(windowSizes))
		for size, n := range windowSizes {
			times := of(times.versions, champions[at].none)
			do(4*times, n, func() { r.better[at][size] = findBetter(at, size, times) })
		}
	}
	for at := range decays {
		r.decayed[at] = make([][]int, len(windowSizes))
		for size, n := range windowSizes {
			times := of(times.findings, decays[at].none)
			do(times, n, func() { r.decayed[at][size] = findDecay(at, size, times) })
		}
	}
	for at := range situations {
		r.held[at], r.width[at] = make([][]int, len(freshSizes)), make([][]float64, len(freshSizes))
		for size, n := range freshSizes {
			do(times.covered, n, func() { r.held[at][size], r.width[at][size] = cover(at, size, times.covered) })
		}
	}
	simulation.Run(work)
	return r
}

// document is docs/performance-estimates.md.
func document(r result, times counts) string {
	var b strings.Builder
	writeHead(&b, times)
	for size, n := range freshSizes {
		simulation.Head(&b, coverageTitle(n), append(slices.Clone(metrics), "width of auc")...)
		for at, s := range situations {
			simulation.Row(&b, s.title(), append(percents(r.held[at][size], times.covered), fmt.Sprintf("%.3f", r.width[at][size][0]))...)
		}
		b.WriteString("\n")
	}
	writeFindings(&b, times)
	writeSizes(&b, decayTitle)
	for at, d := range decays {
		simulation.Row(&b, d.name, percents(slices.Concat(r.decayed[at]...), of(times.findings, d.none))...)
	}
	b.WriteString("\n")
	writeVersions(&b, times)
	writeSizes(&b, betterTitle)
	for at, c := range champions {
		simulation.Row(&b, c.name, percents(slices.Concat(r.better[at]...), of(times.versions, c.none))...)
	}
	return b.String()
}

// The headings above the tables, and what is in the first cells of these.
const (
	estimateSection = "The estimate without labels"
	decaySection    = "Decay"
	decayTitle      = "Decay found, %"
	betterSection   = "An older version is better"
	betterTitle     = "An older version called better; the champion is …, %"
)

func coverageTitle(n int) string { return fmt.Sprintf("Held of windows of %d rows, %%", n) }

// title is the name, marked where no coverage is aimed at.
func (s situation) title() string {
	if s.beyond {
		return s.name + " (beyond)"
	}
	return s.name
}

func percents(counts []int, of int) []string {
	cells := make([]string, len(counts))
	for i, count := range counts {
		cells[i] = simulation.Percent(count, of, 1)
	}
	return cells
}

func writeSizes(b *strings.Builder, title string) {
	var columns []string
	for _, n := range windowSizes {
		for _, nth := range looks {
			columns = append(columns, fmt.Sprintf("%d rows, look %d", n, nth))
		}
	}
	simulation.Head(b, title, columns...)
}

// writeHead says what is simulated.
func writeHead(b *strings.Builder, times counts) {
	fmt.Fprintf(b, `# How well performance is estimated, and how often a finding errs

Written by %[1]sgo run ./tests/coverage%[1]s, which takes some minutes; do not edit. It runs %[1]sperformance.Estimate%[1]s, and %[1]smonitor.Measure%[1]s as a look does, with the
defaults of a spec, on simulated applicants, seed %[2]d. Three features have normal values; log-odds are linear in them, about 22 %% of the labels are positive, and the AUC is about 0.77. Every window has a model, a reference of
%[3]d rows and applicants of its own. A model's weights are off by 0.05 and its log-odds %[4]g times too large.

## %[7]s

How often the 95 %% interval holds what the labels then show, of %[5]d windows: aim 93 to 97 %%. One of them is known to about ±1.4 points. A model is mildly wrong where the true log-odds have a square and a product of features
that it has not, of a tenth of the weight. Where only the approved have labels, those with a score of %[8]g or more are declined, and the estimate is of the others.

An estimate is %[6]s. What is marked "(beyond)" is beyond what it can do, and here to show how it fails: the applicants' mix changed, and with it what became of those with a given score, either
because the model leaves out much of what matters or because its scores have noise that says nothing of the applicant. The more rows there are, the surer is the estimate of what is not so.

`, "`", seed, reference, sureness, times.covered, performance.NotUnderConceptChange, estimateSection, cutoff)
}

// writeFindings says what a decay is.
func writeFindings(b *strings.Builder, times counts) {
	fmt.Fprintf(b, `## %s

Of %d windows with matured labels, of a fifth as many where there is decay. Rows are of %d months, as many of each, so that the newest months are looked at by themselves. A loss of %g of AUC, or a calibration that is off by up to
0.06 standard deviations of an outcome, does not matter (`+"`monitor.max_auc_drop`"+`). All looks at a champion together find decay where there is none in at most 2.5 %%, of which the first has a half and the tenth 1/110. Applicants who are riskier, with
outcomes that their scores foretell, are no decay.

`, decaySection, times.findings, months, defaults.MaxAUCDrop)
}

// writeVersions says what the versions are.
func writeVersions(b *strings.Builder, times counts) {
	fmt.Fprintf(b, `## %s

How often a look would go back to an older version, of %d windows, of a fifth as many where one is better, of the same months. A champion is beside three older versions, whose log-odds have so much noise (deviation %g) that they are equally good. A version
is better by more than %g of AUC, or by 0.001 of the Brier score. Where none is, any of the three is called so in at most 2.5 %%, over all looks again. A champion is worse by more noise. Estimated: without a label of the window.

`, betterSection, times.versions, olderNoise, defaults.MaxAUCDrop)
}
