package scoring

import (
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
)

// Both decides the rows that are good requests to either of two deciders, as each of them would, and returns these rows. What one would refuse says
// nothing of how both decide and is left out: every row, where a column that one of them asks for is not in the table or of another type.
func Both(t dataset.Table, a, b decision.Decider) (rows dataset.Table, byA, byB []decision.Decision, err error) {
	places, err := Admitted(t, a.Model.Contract, b.Model.Contract)
	if err != nil && fault.CodeOf(err) != fault.Invalid {
		return rows, nil, nil, err
	}
	rows = t.Select(places)
	if len(places) == 0 {
		return rows, nil, nil, nil
	}
	if byA, err = Decisions(a, rows); err != nil {
		return rows, nil, nil, err
	}
	byB, err = Decisions(b, rows)
	return rows, byA, byB, err
}
