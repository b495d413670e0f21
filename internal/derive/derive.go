// Package derive makes the columns of an application that no source and no request has: features of the store take their default where nothing is known, and
// expressions are computed. One code path serves a batch of rows and a single request, so training and serving cannot disagree.
package derive

import (
	"slices"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Deriver derives columns. It is immutable and safe for concurrent use.
type Deriver struct {
	columns  []pipeline.Column
	defaults map[int]transform.Value
	computed []computed // in an order in which each has its inputs
}

// computed is a column that is computed.
type computed struct {
	column     int
	expression *expression.Expression
	inputs     []int // the columns of its names
}

// New compiles what the columns say of themselves. An expression over what is no column, or over itself, and a default that is none of its type's are
// fault.Invalid.
func New(columns []pipeline.Column) (*Deriver, error) {
	d := &Deriver{columns: columns, defaults: map[int]transform.Value{}}
	types := map[string]pipeline.ColumnType{}
	for i := range columns {
		types[columns[i].Name] = columns[i].Type
		if columns[i].Default == "" {
			continue
		}
		value, err := valueOf(&columns[i])
		if err != nil {
			return nil, err
		}
		d.defaults[i] = value
	}
	ready := make([]bool, len(columns))
	var waiting []computed
	for i := range columns {
		if ready[i] = columns[i].Expression == ""; ready[i] {
			continue
		}
		compiled, err := expression.Compile(columns[i].Expression, types, columns[i].Type)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the expression of %s", columns[i].Name)
		}
		c := computed{column: i, expression: compiled}
		for _, name := range compiled.Names() {
			c.inputs = append(c.inputs, slices.IndexFunc(columns, func(of pipeline.Column) bool { return of.Name == name }))
		}
		waiting = append(waiting, c)
	}
	for len(waiting) > 0 {
		next := slices.IndexFunc(waiting, func(c computed) bool {
			return !slices.ContainsFunc(c.inputs, func(input int) bool { return !ready[input] })
		})
		if next < 0 {
			return nil, fault.New(fault.Invalid, "the expression of %s is made of itself", columns[waiting[0].column].Name)
		}
		ready[waiting[next].column] = true
		d.computed = append(d.computed, waiting[next])
		waiting = slices.Delete(waiting, next, next+1)
	}
	return d, nil
}

// valueOf reads a column's default.
func valueOf(c *pipeline.Column) (transform.Value, error) {
	cleaner, err := clean.New(nil, c.Name, c.Type)
	if err != nil {
		return transform.Value{}, err
	}
	v, wrong := cleaner.Clean(c.Default)
	if wrong != clean.None || v.Missing {
		return transform.Value{}, fault.New(fault.Invalid, "the default of %s is no %s", c.Name, c.Type)
	}
	value := transform.Value{Number: v.Number, Text: v.Text}
	if !admits(c, value) {
		return transform.Value{}, fault.New(fault.Invalid, "the default of %s is outside of what it can be", c.Name)
	}
	return value, nil
}

// Row completes the values of a row, in the order of the columns: a missing one takes its column's default, and those that are computed are overwritten. What is
// computed outside of what its column can be is missing.
func (d *Deriver) Row(values []transform.Value) {
	for i, value := range d.defaults {
		if values[i].Missing {
			values[i] = value
		}
	}
	var inputs []transform.Value
	for _, c := range d.computed {
		inputs = inputs[:0]
		for _, i := range c.inputs {
			inputs = append(inputs, values[i])
		}
		values[c.column] = d.compute(&c, inputs)
	}
}

func (d *Deriver) compute(c *computed, inputs []transform.Value) transform.Value {
	value := c.expression.Eval(inputs)
	if value.Missing || !admits(&d.columns[c.column], value) {
		return transform.Value{Missing: true}
	}
	return value
}

// admits says that a value that is not missing can be one of the column.
func admits(c *pipeline.Column, v transform.Value) bool {
	if c.Type == pipeline.Category {
		return len(c.Domain) == 0 || slices.Contains(c.Domain, v.Text)
	}
	return (c.Min == nil || v.Number >= *c.Min) && (c.Max == nil || v.Number <= *c.Max)
}
