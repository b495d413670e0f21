package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/tests/simulation"
)

// document is docs/error-rates.md.
func document(cfg pipeline.Canary, tables []table, promoted [][]int, canaries int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# How often a canary errs

Written by %[1]sgo run ./tests/errorrates%[1]s, which takes some minutes; do not edit. It runs %[1]scanary.Decide%[1]s, the one that workflows call, on simulated traffic: %[2]d
canaries per cell, seed %[3]d, the canary of %[1]spipelines/loan-eligibility.yaml%[1]s with %[1]srate: 0%[1]s, no synthetic requests. A share of 1 %% is known to about ±%.1[4]f points.

A good challenger is to be aborted in at most 1 %%, without a mirror where there are enough requests for it in a week, a bad one before any client met it in at least 95 %% with the mirror on, and before it had half of
the traffic in at least 95 %% with it off. Aborted by a check is also what a check could not tell within a week, at 50 decisions a day most of it. A bad one may be aborted for whatever reason:
without a mirror, at small volumes, for want of requests like every other.

## What is simulated

Requests arrive at random at the volume of the column and are shared by the step's weight; at most %[5]d a second are mirrored. On both tracks alike %[6]g %% are rubbish (4xx),
%[7]g %% of the answers are slow, %[8]g %% are batches, and an answer takes %[9]g ms. What hangs ends after %.0[10]f s. Counts of a window are drawn from binomials.
Windows are those of the product, but that none ends early when clients have brought enough, nor is one watched for an outage while it lasts. The champion's log-odds are normal (mean %[12]g, deviation %[13]g) and it declines from %[14]g. A prediction is drawn anew for every canary from
%[11]d rows. Other applicants have log-odds %[15]g higher than those of the prediction. A retrained model has %[16]g times the champion's log-odds, plus noise of %[17]g. The bad challengers are retrained models with a fault of serving, or verdicts other than those
predicted.

`, "`", canaries, seed, 19.6/math.Sqrt(float64(canaries)), contract.CopiesPerSecond, 100*rubbish, 100*slowShare, 100*batchShare, 1000*latency, timeout, predictionRows,
		meanLogOdds, deviationLogOdds, shipped().Policy.Cutoff, otherLogOdds, retrainedSlope, retrainedNoise)
	needs(&b, cfg)
	for _, t := range tables {
		t.write(&b)
	}
	if promoted != nil {
		writeBeside(&b, promoted, canaries)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// needs says how many requests a pass needs.
func needs(b *strings.Builder, cfg pipeline.Canary) {
	b.WriteString(`## What a pass needs

Enough requests that a rate of three times its limit passes in at most 1 of 100, and an approval share five points off the prediction in at most 1 of 20. A
pass is tried when they are there, and when twice, four times … as many are; failures are looked for at an eighth of them, a quarter, a half and so on. All looks of a
whole canary together find a challenger beyond a limit that it keeps in at most 1 %.

| | requests | decisions |
|---|---|---|
`)
	cfg.Mirror = true
	mirror := canary.Needs(cfg, nil, canary.Start(cfg))
	fmt.Fprintf(b, "| mirror (pairs), the same model and policy | %d | %d |\n", mirror.Requests, mirror.Decisions)
	step := canary.Needs(cfg, nil, canary.Status{Phase: canary.Progressing, Weight: cfg.Steps[0]})
	fmt.Fprintf(b, "| each step after it | %d | |\n", step.Requests)
	cfg.Mirror = false
	for _, weight := range cfg.Steps {
		step := canary.Needs(cfg, nil, canary.Status{Phase: canary.Progressing, Weight: weight})
		fmt.Fprintf(b, "| step of %d %%, without a mirror | %d | %d |\n", weight, step.Requests, step.Decisions)
	}
	b.WriteString("\n")
}

// grid is one figure of the good or of the bad challengers.
type grid struct {
	title string
	good  bool
	cell  func(rates) string
}

// gridsOf are the figures that are told.
func gridsOf(mirror bool) []grid {
	found, intime := "Bad ones aborted before any client met them, %", func(r rates) int { return r.unmet }
	if !mirror {
		found, intime = "Bad ones aborted before they had half of the traffic, %", func(r rates) int { return r.early }
	}
	percent := func(of func(rates) int) func(rates) string {
		return func(r rates) string { return simulation.Percent(of(r), r.canaries, 1) }
	}
	seconds := func(r rates) string { return duration(r.seconds) }
	return []grid{
		{"Good ones aborted by a check, %", true, percent(func(r rates) int { return r.failed })},
		{"Good ones aborted for want of requests, %", true, percent(func(r rates) int { return r.wanting })},
		{found, false, percent(intime)},
		{"Median time until a good one is promoted or aborted", true, seconds},
		{"Median time until a bad one is aborted or promoted", false, seconds},
	}
}

func (t table) write(b *strings.Builder) {
	fmt.Fprintf(b, "## %s\n\n", mirrorSection(t.mirror))
	for _, g := range gridsOf(t.mirror) {
		simulation.Head(b, g.title, namesOf(volumes)...)
		for _, r := range t.rows {
			if r.good != g.good {
				continue
			}
			var cells []string
			for _, rates := range r.rates {
				cells = append(cells, g.cell(rates))
			}
			simulation.Row(b, r.name, cells...)
		}
		b.WriteString("\n")
	}
}

func mirrorSection(mirror bool) string {
	if mirror {
		return "Mirror on"
	}
	return "Mirror off"
}

func namesOf(volumes []volume) []string {
	names := make([]string, len(volumes))
	for i, v := range volumes {
		names[i] = v.name
	}
	return names
}

// duration in the unit that people would use.
func duration(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%.0f min", seconds/60)
	case seconds < 2*day:
		return fmt.Sprintf("%.1f h", seconds/3600)
	default:
		return fmt.Sprintf("%.1f days", seconds/day)
	}
}
