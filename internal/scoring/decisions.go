package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/transform"
)

// Decisions decides every row, as a predictor of the decider's track would.
func Decisions(d decision.Decider, t dataset.Table) ([]decision.Decision, error) {
	rows, err := newRows(t, d.Model.Signature())
	if err != nil {
		return nil, err
	}
	decisions := make([]decision.Decision, rows.Len())
	values := make([]transform.Value, len(d.Model.Signature()))
	for i := range decisions {
		for field := range values {
			values[field] = rows.Value(i, field)
		}
		if decisions[i], err = d.Decide(values); err != nil {
			return nil, err
		}
	}
	return decisions, nil
}
