// Package scoring applies models to tables. It is apart from package model so that the predictor, which scores single
// applications, does not carry the table formats.
package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Rows reads a table's columns as the fields of a signature.
type Rows struct {
	columns []*dataset.Column // nil is missing in every row
	rows    int
}

// newRows finds the fields in the table, see column. One that may be missing and that the table does not have is missing in every row, as a request may leave
// it out.
func newRows(t dataset.Table, fields []transform.Field) (Rows, error) {
	r := Rows{rows: t.Rows(), columns: make([]*dataset.Column, len(fields))}
	for i, f := range fields {
		c := t.Column(f.Name)
		if c == nil && f.Nullable {
			continue
		}
		var err error
		if r.columns[i], _, err = column(c, f.Name, f.Type); err != nil {
			return Rows{}, err
		}
	}
	return r, nil
}

// Column is a table's column (nil where it has none) as values of a type. A missing one, or one of another type, is fault.Invalid. Text that is all values of a numeric type is
// read as such: a table has the columns as text that its own spec does not declare, those for instance that a later version has given up and an
// earlier one reads.
func Column(c *dataset.Column, name string, of pipeline.ColumnType) (*dataset.Column, error) {
	as, none, err := column(c, name, of)
	if err == nil && none > 0 {
		err = another(name, of)
	}
	return as, err
}

// column is Column of rows that are taken one by one: so many texts are no value of a numeric type, but not all of them. What a row is does not depend on others.
func column(c *dataset.Column, name string, of pipeline.ColumnType) (as *dataset.Column, none int, err error) {
	if c == nil {
		return nil, 0, fault.New(fault.Invalid, "column %q is missing", name)
	}
	if of.Numeric() && c.Kind == dataset.Text {
		as, readable, none, err := numbers(c, of)
		if err == nil && none > 0 && readable == 0 {
			err = another(name, of)
		}
		return as, none, err
	}
	number := c.Kind == dataset.Float || c.Kind == dataset.Integer || c.Kind == dataset.Boolean || c.Kind == dataset.Decimal
	if of.Numeric() != number || !number && c.Kind != dataset.Text {
		return nil, 0, another(name, of)
	}
	return c, 0, nil
}

func another(name string, of pipeline.ColumnType) error {
	return fault.New(fault.Invalid, "column %q is not %s", name, of.Noun())
}

// Len is the number of rows.
func (r Rows) Len() int { return r.rows }

// Value is one field of one row.
func (r Rows) Value(row, field int) transform.Value {
	c := r.columns[field]
	if c == nil || c.Missing(row) {
		return transform.Value{Missing: true}
	}
	if c.Kind == dataset.Text {
		return transform.Value{Text: c.Texts[row]}
	}
	return transform.Value{Number: c.Floats[row]}
}

// Table scores every row with the model's Score.
func Table(m *model.Model, t dataset.Table) ([]float64, error) {
	rows, err := newRows(t, m.Signature())
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

// Golden takes n rows that are good requests, evenly spaced, with the probabilities that they have where the feature store knows nothing of whom they are of: it is another
// one at the time of a test than it was at theirs.
func Golden(m *model.Model, t dataset.Table, n int) (model.Golden, error) {
	applications, _, err := Applications(t, n, m.Contract)
	if err != nil {
		return model.Golden{}, err
	}
	reads, err := request.NewApplications(m.Contract, m.Signature())
	if err != nil {
		return model.Golden{}, err
	}
	golden := model.Golden{Rows: make([]model.GoldenRow, len(applications))}
	for i, application := range applications {
		row, err := model.Asked(reads, application)
		if err != nil {
			return model.Golden{}, err
		}
		golden.Rows[i].Application = application
		if golden.Rows[i].Probability, err = m.Score(row); err != nil {
			return model.Golden{}, err
		}
	}
	return golden, nil
}
