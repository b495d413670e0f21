package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
)

// Common scores by two models the rows that both take, and returns these rows: all of them, or where one of the two does not know a value those that are
// good requests to both, which may be none. A column that one asks for and the table does not have, or has as another type, is fault.Invalid.
func Common(t dataset.Table, a, b *model.Model) (rows dataset.Table, byA, byB []float64, err error) {
	byA, byB, err = each(t, a, b)
	if fault.CodeOf(err) != fault.Invalid {
		return t, byA, byB, err
	}
	places, err := Admitted(t, a.Contract, b.Contract)
	if err != nil {
		return rows, nil, nil, err
	}
	rows = t.Select(places)
	byA, byB, err = each(rows, a, b)
	return rows, byA, byB, err
}

// each scores every row by either model.
func each(t dataset.Table, a, b *model.Model) (byA, byB []float64, err error) {
	if byA, err = Table(a, t); err != nil {
		return nil, nil, err
	}
	byB, err = Table(b, t)
	return byA, byB, err
}
