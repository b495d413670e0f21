package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loanops/loanops/internal/leak"
)

// leaky is a leak and the rule that is meant for it.
type leaky struct {
	name string
	rule leak.Rule
	// accepted says that it is within its bound.
	accepted bool
	// column is added to a population, nil for a leak of rows.
	column func(p *population) func(i int, bad bool) float64
	// rows changes the population's rows or identifiers.
	rows func(p *population)
	// copied is the share of the test part that is put there from training.
	copied float64
}

// told is the rule, and whether the leak is accepted.
func (l leaky) told() string {
	if l.accepted {
		return string(l.rule) + ", accepted"
	}
	return string(l.rule)
}

// planted is the name of the column that leaks.
const planted = "planted"

// leaks are the leaks, from weak to strong.
var leaks = slices.Concat(
	graded([]float64{0.85, 0.93, 0.96, 0.99}, func(auc float64) leaky {
		return leaky{name: fmt.Sprintf("a feature with an AUC of %.2f", auc), rule: leak.AUC, accepted: auc <= 0.9,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 { return p.normal(bad, auc) }
			}}
	}),
	graded([]float64{0.05, 0.01}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("a middle range that is bad, %g %% errors", 100*share), rule: leak.AUC,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 {
					value := p.rng.Float64() - 0.5
					if bad != (p.rng.Float64() < share) {
						return value / 5
					}
					return value + math.Copysign(0.1, value)
				}
			}}
	}),
	graded([]float64{0.02, 0.05, 0.1, 0.3}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("%g %% of the values filled in with their class's mean", 100*share), rule: leak.PureValues,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 {
					switch {
					case p.rng.Float64() >= share:
						return math.Round(40 + 15*p.normal(bad, 0.6))
					case bad:
						return 45.36
					default:
						return 40.12
					}
				}
			}}
	}),
	graded([]float64{0.05, 0.2, 0.5}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("a code that %g %% of the bad have, and nobody else", 100*share), rule: leak.PureValues,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 {
					if bad && p.rng.Float64() < share {
						return -1
					}
					return math.Round(10 * p.rng.Float64())
				}
			}}
	}),
	graded([]float64{0.2, 0.4, 0.6}, func(more float64) leaky {
		return leaky{name: fmt.Sprintf("missing in 10 %% of the good and in %g %% of the bad", 10+100*more), rule: leak.Missingness, accepted: more <= 0.3,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 {
					share := 0.1
					if bad {
						share += more
					}
					return p.missing(share)
				}
			}}
	}),
	graded([]float64{0.2}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("missing in %g %% of the bad, in none of the good", 100*share), rule: leak.Missingness,
			column: func(p *population) func(int, bool) float64 {
				return func(_ int, bad bool) float64 {
					if !bad {
						return p.missing(0)
					}
					return p.missing(share)
				}
			}}
	}),
	graded([]float64{0.7, 0.9, 1}, func(auc float64) leaky {
		return leaky{name: fmt.Sprintf("rows sorted by a score with an AUC of %.2f", auc), rule: leak.RowOrder, accepted: auc <= 0.8, rows: func(p *population) { p.sort(auc) }}
	}),
	graded([]float64{10, 100}, func(run float64) leaky {
		return leaky{name: fmt.Sprintf("rows in runs of %g of one label", run), rule: leak.RowOrder, rows: func(p *population) { p.run(int(run)) }}
	}),
	graded([]float64{0.9, 1}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("%g %% of the identifiers of the bad end with a letter of their own", 100*share), rule: leak.Identifier, rows: func(p *population) {
			p.identify(func(i int) string {
				if p.y[i] == 1 && p.rng.Float64() < share {
					return fmt.Sprintf("%07dC", i)
				}
				return fmt.Sprintf("%07dA", i)
			})
		}}
	}),
	graded([]float64{0.005, 0.03, 0.1}, func(share float64) leaky {
		return leaky{name: fmt.Sprintf("%g %% of the test part copied from training", 100*share), rule: leak.Duplicates, accepted: share <= 0.01, copied: share}
	}),
)

// graded makes a leak of every strength.
func graded(strengths []float64, of func(strength float64) leaky) []leaky {
	made := make([]leaky, len(strengths))
	for i, strength := range strengths {
		made[i] = of(strength)
	}
	return made
}

// plant draws a population with the leak and little else.
func (l leaky) plant(rng *rand.Rand, rows int, base float64) *population {
	p := populate(rng, rows, base)
	if l.rule != leak.Identifier {
		p.spec.Entity = "" // looking at identifiers takes the longest
	}
	if l.rows != nil {
		l.rows(p)
	}
	if l.column != nil {
		p.number(planted, l.column(p))
	}
	if l.copied > 0 {
		for _, auc := range []float64{0.75, 0.6} {
			p.number(fmt.Sprint("honest ", auc), func(_ int, bad bool) float64 { return p.normal(bad, auc) })
		}
		p.text("purpose", func(int, bool) string { return fmt.Sprint("purpose ", p.rough(5)) })
	}
	return p
}

// missing is a number that is missing with a probability.
func (p *population) missing(share float64) float64 {
	if p.rng.Float64() < share {
		return math.NaN()
	}
	return p.rng.NormFloat64()
}

// sort brings the labels in the order of a score with an AUC.
func (p *population) sort(auc float64) {
	if auc == 1 {
		slices.Sort(p.y)
		return
	}
	type scored struct{ y, score float64 }
	var rows []scored
	for _, label := range p.y {
		rows = append(rows, scored{label, p.normal(label == 1, auc)})
	}
	slices.SortFunc(rows, func(a, b scored) int {
		if a.score < b.score {
			return -1
		}
		return 1
	})
	for i, row := range rows {
		p.y[i] = row.y
	}
}

// run brings the labels in runs of one label each, in an order at random.
func (p *population) run(length int) {
	slices.Sort(p.y)
	var runs [][]float64
	for run := range slices.Chunk(slices.Clone(p.y), length) {
		runs = append(runs, run)
	}
	p.rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	p.y = slices.Concat(runs...)
}
