package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// kind is a way to make honest data.
type kind struct {
	name string
	draw func(rng *rand.Rand, rows int, base float64) *population
}

// kinds are the kinds that the table has.
var kinds = []kind{{"rich", rich}, {"coarse", coarse}}

// rich draws the columns that honest lending data have: strong and weak numbers, scores of few bands, special codes, zeros, missing values that
// tell something, flags of a bad history, categories of few and of thousands of values.
func rich(rng *rand.Rand, rows int, base float64) *population {
	p := populate(rng, rows, base)
	for _, auc := range []float64{0.8, 0.75, 0.7, 0.6, 0.5, 0.5} {
		p.number(fmt.Sprintf("number_%d", len(p.spec.Columns)), func(_ int, bad bool) float64 { return p.normal(bad, auc) })
	}
	p.number("bands", func(_ int, bad bool) float64 { return math.Round(2 * p.normal(bad, 0.8)) })
	p.number("rounded_income", func(_ int, bad bool) float64 { return 500 * math.Round(6*math.Exp(-p.normal(bad, 0.65)/2)) })
	p.number("special_codes", func(_ int, bad bool) float64 {
		switch at := rng.Float64(); {
		case at < p.odds(0.05, 3, bad):
			return -9
		case at > 1-p.odds(0.04, 0.25, bad):
			return -8
		}
		return math.Round(20 + 5*p.normal(bad, 0.7))
	})
	p.number("mostly_zero", func(_ int, bad bool) float64 {
		if rng.Float64() < p.odds(0.7, 0.3, bad) {
			return 0
		}
		return math.Round(100 * math.Exp(p.normal(bad, 0.6)))
	})
	p.number("missing_tells", func(_ int, bad bool) float64 {
		if rng.Float64() < p.odds(0.1, 2.5, bad) {
			return math.NaN()
		}
		return p.normal(bad, 0.6)
	})
	p.number("missing_by_half", func(_ int, bad bool) float64 {
		if rng.Float64() < p.odds(0.5, 0.5, bad) {
			return math.NaN()
		}
		return p.normal(bad, 0.75)
	})
	p.text("bad_history", func(_ int, bad bool) string { return fmt.Sprint(rng.Float64() < p.odds(0.05, 20, bad)) })
	p.text("secured", func(_ int, bad bool) string { return fmt.Sprint(rng.Float64() < p.odds(0.2, 0.05, bad)) })
	p.text("purpose", func(_ int, bad bool) string {
		if rng.Float64() < p.odds(0.25, 3, bad) {
			return "business"
		}
		return fmt.Sprint("purpose ", p.rough(5))
	})
	p.text("city", func(int, bool) string { return fmt.Sprint("city ", p.rough(500)) })
	p.text("employer", func(int, bool) string { return fmt.Sprint("employer ", rng.IntN(4*rows)) })
	return p
}

// odds is the probability of an event among the bad, with so many times its odds among the good.
func (p *population) odds(good, times float64, bad bool) float64 {
	if !bad {
		return good
	}
	return times * good / (1 - good + times*good)
}

// coarse draws columns of few values, so that different applicants are equal: 2 to 10 columns of 2 to 30 values, one column that another
// determines, and a category as three columns of 0 and 1. Some tell the classes apart.
func coarse(rng *rand.Rand, rows int, base float64) *population {
	p := populate(rng, rows, base)
	for range 2 + rng.IntN(9) {
		values := 2 + rng.IntN(29)
		tells := rng.Float64() < 0.3
		p.number(fmt.Sprintf("coarse_%d", len(p.spec.Columns)), func(_ int, bad bool) float64 {
			if tells && bad {
				return float64(max(p.rough(values), p.rough(values)))
			}
			return float64(p.rough(values))
		})
	}
	first := p.table.Columns[1].Floats
	p.number("determined", func(i int, _ bool) float64 { return 12 * first[i] })
	chosen := make([]int, rows)
	for i := range chosen {
		chosen[i] = rng.IntN(3)
	}
	for which := range 3 {
		p.number(fmt.Sprintf("one_hot_%d", which), func(i int, _ bool) float64 {
			if chosen[i] == which {
				return 1
			}
			return 0
		})
	}
	return p
}
