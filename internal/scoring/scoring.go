// Package scoring applies models to tables. It is apart from package model so that the predictor, which scores single
// applications, does not carry the table formats.
package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Rows reads a table's columns as the fields of a signature.
type Rows struct {
	columns []*dataset.Column
	rows    int
}

// newRows finds the named columns in the table, see Column.
func newRows(t dataset.Table, names []string, types []pipeline.ColumnType) (Rows, error) {
	r := Rows{rows: t.Rows()}
	for i, name := range names {
		c, err := Column(t.Column(name), name, types[i])
		if err != nil {
			return Rows{}, err
		}
		r.columns = append(r.columns, c)
	}
	return r, nil
}

// Column is a table's column (nil where it has none) as values of a type. A missing one, or one of another type, is fault.Invalid. Text that is all values of a numeric type is
// read as such: a table has the columns as text that its own spec does not declare, those for instance that a later version has given up and an
// earlier one reads.
func Column(c *dataset.Column, name string, of pipeline.ColumnType) (*dataset.Column, error) {
	if c == nil {
		return nil, fault.New(fault.Invalid, "column %q is missing", name)
	}
	if of.Numeric() && c.Kind == dataset.Text {
		c = numbers(c, of)
	}
	number := c.Kind == dataset.Float || c.Kind == dataset.Integer || c.Kind == dataset.Boolean || c.Kind == dataset.Decimal
	if of.Numeric() != number || !number && c.Kind != dataset.Text {
		return nil, fault.New(fault.Invalid, "column %q is not %s", name, of.Noun())
	}
	return c, nil
}

// Len is the number of rows.
func (r Rows) Len() int { return r.rows }

// Value is one field of one row.
func (r Rows) Value(row, field int) transform.Value {
	c := r.columns[field]
	if c.Missing(row) {
		return transform.Value{Missing: true}
	}
	if c.Kind == dataset.Text {
		return transform.Value{Text: c.Texts[row]}
	}
	return transform.Value{Number: c.Floats[row]}
}

// signature reads the table as the model's fields.
func signature(m *model.Model, t dataset.Table) (Rows, error) {
	var names []string
	var types []pipeline.ColumnType
	for _, f := range m.Signature() {
		names = append(names, f.Name)
		types = append(types, f.Type)
	}
	return newRows(t, names, types)
}

// Table scores every row with the model's Score.
func Table(m *model.Model, t dataset.Table) ([]float64, error) {
	rows, err := signature(m, t)
	if err != nil {
		return nil, err
	}
	p := make([]float64, rows.Len())
	err = inBlocks(len(p), func(from, to int) error {
		values := make([]transform.Value, len(m.Signature()))
		for i := from; i < to; i++ {
			for field := range values {
				values[field] = rows.Value(i, field)
			}
			var err error
			if p[i], err = m.Score(values); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Golden takes n rows that are good requests, evenly spaced, with their probabilities.
func Golden(m *model.Model, t dataset.Table, n int) (model.Golden, error) {
	applications, picked, err := Applications(t, n, m.Contract)
	if err != nil {
		return model.Golden{}, err
	}
	p, err := Table(m, t.Select(picked))
	if err != nil {
		return model.Golden{}, err
	}
	golden := model.Golden{Rows: make([]model.GoldenRow, len(p))}
	for i := range golden.Rows {
		golden.Rows[i] = model.GoldenRow{Application: applications[i], Probability: p[i]}
	}
	return golden, nil
}
