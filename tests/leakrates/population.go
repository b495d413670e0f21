package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// entity is the column that identifies an application.
const entity = "application"

// population is one simulated data set and what its columns are drawn with.
type population struct {
	rng   *rand.Rand
	y     []float64
	spec  pipeline.Spec
	table dataset.Table
}

// populate draws labels and identifiers. The rows are in the order of time, over which the rate of positive labels grows fourfold around the base rate.
func populate(rng *rand.Rand, rows int, base float64) *population {
	const first, last = 0.4, 1.6
	p := &population{rng: rng, spec: pipeline.Spec{Entity: entity}}
	for i := range rows {
		rate := base * (first + (last-first)*float64(i)/float64(rows))
		p.y = append(p.y, p.event(rate))
	}
	p.identify(func(i int) string { return fmt.Sprintf("A%07d", 1000+3*i) })
	return p
}

// identify gives the rows their identifiers.
func (p *population) identify(name func(i int) string) {
	c := dataset.Column{Name: entity, Kind: dataset.Text}
	for i := range p.y {
		c.Texts, c.Valid = append(c.Texts, name(i)), append(c.Valid, true)
	}
	if len(p.table.Columns) == 0 {
		p.table.Columns = append(p.table.Columns, c)
		return
	}
	p.table.Columns[0] = c
}

// event is 1 with a probability, else 0.
func (p *population) event(probability float64) float64 {
	if p.rng.Float64() < probability {
		return 1
	}
	return 0
}

// number adds a feature. NaN is missing.
func (p *population) number(name string, draw func(i int, bad bool) float64) {
	c := dataset.Column{Name: name, Kind: dataset.Float}
	for i, label := range p.y {
		c.Floats = append(c.Floats, draw(i, label == 1))
	}
	p.add(c)
}

// text adds a feature. An empty text is missing.
func (p *population) text(name string, draw func(i int, bad bool) string) {
	c := dataset.Column{Name: name, Kind: dataset.Text}
	for i, label := range p.y {
		value := draw(i, label == 1)
		c.Texts, c.Valid = append(c.Texts, value), append(c.Valid, value != "")
	}
	p.add(c)
}

func (p *population) add(c dataset.Column) {
	p.spec.Columns = append(p.spec.Columns, pipeline.Column{Name: c.Name})
	p.table.Columns = append(p.table.Columns, c)
}

// apart is how many standard deviations apart two normal classes are for an AUC: sqrt(2) times its quantile.
func apart(auc float64) float64 { return math.Sqrt2 * distuv.UnitNormal.Quantile(auc) }

// normal draws of two classes with that AUC.
func (p *population) normal(bad bool, auc float64) float64 {
	value := p.rng.NormFloat64()
	if bad {
		value += apart(auc)
	}
	return value
}

// rough draws one of so many values, the k-th with a weight of 1/k.
func (p *population) rough(values int) int {
	total := 0.
	for k := 1; k <= values; k++ {
		total += 1 / float64(k)
	}
	at := p.rng.Float64() * total
	for k := 1; k < values; k++ {
		if at -= 1 / float64(k); at < 0 {
			return k
		}
	}
	return values
}

// split shares the rows at random: 60, 20 and 20 %.
func (p *population) split() (train, validation, test []int) {
	for i := range p.y {
		switch at := p.rng.Float64(); {
		case at < 0.6:
			train = append(train, i)
		case at < 0.8:
			validation = append(validation, i)
		default:
			test = append(test, i)
		}
	}
	return train, validation, test
}

// features are the vetoes of the rows.
func (p *population) features() []leak.Veto {
	vetoes, _ := leak.Features(context.Background(), p.spec, dataset.ColumnsOf(p.table), p.y, leak.Options{}) // a table in memory has no faults
	return vetoes
}

// across are the vetoes of parts of the rows.
func (p *population) across(train, validation, test []int) []leak.Veto {
	part := func(rows []int) dataset.Batches { return dataset.BatchesOf(p.table.Select(rows)) }
	vetoes, _ := leak.Split(context.Background(), p.spec, part(train), part(validation), part(test)) // as above
	return vetoes
}
