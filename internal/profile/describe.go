package profile

import (
	"math"

	"github.com/loanops/loanops/internal/dataset"
)

// Profile is the description of all rows.
func (a *Accumulator) Profile(name string) Profile {
	a.sample.cut()
	p := Profile{Name: name, Rows: a.rows, Columns: []Column{}, Observations: []Observation{}, Sample: len(a.sample.hashes)}
	all := tally{}
	for _, d := range a.calendar.periods {
		all.add(d.tally)
		if d.key != undated {
			p.Periods = append(p.Periods, Period{
				Name: a.calendar.name(d.key), Rows: d.tally.rows(), Labelled: d.tally[negative] + d.tally[positive], Positive: d.tally[positive],
			})
		}
	}
	p.Labelled, p.Positive = all[negative]+all[positive], all[positive]
	for i := range a.columns {
		p.Columns = append(p.Columns, a.describe(&a.columns[i]))
	}
	p.Associations = a.associations(p.Columns)
	p.Missing = a.missing(p.Columns)
	p.Observations = observe(&p)
	return p
}

func (a *Accumulator) describe(s *column) Column {
	c := Column{
		Name: s.name, Role: s.role, Type: s.kind, Numeric: s.kind != dataset.Text, Missing: s.missing.rows(),
		Distinct: min(int(s.distinct.Estimate()), a.rows-s.missing.rows()),
	}
	var bins []bin
	if !c.Numeric {
		if s.texts != nil {
			c.Distinct, c.Top = len(s.texts.names), s.texts.top()
			bins = s.texts.bins()
		}
	} else {
		values := s.numbers.values()
		if exact(values) {
			c.Distinct = len(values)
		}
		if len(values) > 0 {
			c.Numbers = s.numbers.describe(values)
		}
		bins = binned(values, c.Numbers)
	}
	if s.role != Label && (c.Numeric || s.texts != nil) {
		c.ByLabel = byLabel(append(bins, missingBin(s.missing)...))
	}
	if len(a.calendar.periods) > 1 {
		c.Stability = a.stability(s)
	}
	return c
}

// value is the numbers of one cell that has any.
type value struct {
	low, high float64
	tally     tally
}

// values are the cells with numbers, in order.
func (s *numbers) values() []value {
	var values []value
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		for i := range p.cells {
			if c := &p.cells[i]; !c.empty() {
				values = append(values, value{c.low, c.high, tally{int(c.rows[negative]), int(c.rows[positive]), int(c.rows[unlabelled])}})
			}
		}
	}
	return values
}

// exact says that every cell is one number.
func exact(values []value) bool {
	for _, v := range values {
		if v.low != v.high {
			return false
		}
	}
	return true
}

func (s *numbers) describe(values []value) *Numbers {
	n := &Numbers{Min: s.min, Max: s.max, Mean: s.mean}
	if s.n > 1 {
		n.SD = math.Sqrt(s.m2 / float64(s.n-1))
	}
	wanted := []struct {
		rank int // of the number, from 1
		into *float64
	}{
		{s.rank(0.01), &n.Q01}, {s.rank(0.05), &n.Q05}, {s.rank(0.25), &n.Q25}, {s.rank(0.5), &n.Median}, {s.rank(0.75), &n.Q75},
		{s.rank(0.95), &n.Q95}, {s.rank(0.99), &n.Q99},
	}
	seen, cubes := 0, 0.0
	for _, v := range values {
		rows := v.tally.rows()
		seen += rows
		for len(wanted) > 0 && seen >= wanted[0].rank {
			*wanted[0].into = v.low
			wanted = wanted[1:]
		}
		if v.low == 0 && v.high == 0 {
			n.Zeros = rows
		}
		if v.high < 0 {
			n.Negatives += rows
		}
		if n.SD > 0 {
			d := (v.low/2 + v.high/2 - n.Mean) / n.SD
			cubes += float64(float64(rows) * d * d * d)
		}
	}
	n.Skewness = cubes / float64(s.n)
	n.Codes = codes(values)
	n.Outliers = outliers(values, n)
	n.Histogram = histogram(values, n)
	return n
}

// rank of a quantile: the smallest number with at least that share at or below it.
func (s *numbers) rank(q float64) int { return max(int(math.Ceil(q*float64(s.n))), 1) }
