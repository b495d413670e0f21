package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/transform"
)

// MeanContributions are, by field of the model's signature, how much it moves the log-odds of the rows on average, see model.Contributions. There must be
// rows, and the model must take each.
func MeanContributions(m *model.Model, t dataset.Table) ([]float64, error) {
	rows, err := newRows(t, m.Signature())
	if err != nil {
		return nil, err
	}
	means := make([]float64, len(m.Signature()))
	values := make([]transform.Value, len(means))
	for i := range rows.Len() {
		for field := range values {
			values[field] = rows.Value(i, field)
		}
		contributions, err := m.Contributions(values)
		if err != nil {
			return nil, err
		}
		for field, c := range contributions {
			means[field] += c / float64(rows.Len())
		}
	}
	return means, nil
}
