package scoring

import (
	"math"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
)

// Taken scores the rows that are good requests to a model; the others have NaN, and so have all where a column that it asks for is not there.
func Taken(m *model.Model, t dataset.Table) ([]float64, error) {
	p := make([]float64, t.Rows())
	for i := range p {
		p[i] = math.NaN()
	}
	places, err := Admitted(t, m.Contract)
	if fault.CodeOf(err) == fault.Invalid {
		return p, nil
	}
	if err != nil || len(places) == 0 {
		return p, err
	}
	scores, err := Table(m, t.Select(places))
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		p[place] = scores[i]
	}
	return p, nil
}
