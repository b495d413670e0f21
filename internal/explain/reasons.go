// Package explain says which fields moved a decision.
package explain

import (
	"slices"

	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// MaxReasons is how many principal reasons a decline names at most (comment 9(b)(2)-1 to Regulation B,
// https://www.consumerfinance.gov/rules-policy/regulations/1002/interp-9/).
const MaxReasons = 4

// Factor is one field that pushed towards a decline.
type Factor struct {
	Field string
	// Contribution is on the log-odds scale against the average of the training rows; its sign is the model's.
	Contribution float64
}

// Principal returns the fields that pushed the row most towards a decline, strongest first, at most MaxReasons; fields of
// equal strength keep the signature's order. Only fields that did push are named, so there may be fewer, or none.
func Principal(m *model.Model, row []transform.Value, meaning pipeline.Meaning) ([]Factor, error) {
	contributions, err := m.Contributions(row)
	if err != nil {
		return nil, err
	}
	towards := 1.0 // a high score declines
	if meaning == pipeline.MeaningApproval {
		towards = -1
	}
	var factors []Factor
	for i, f := range m.Signature() {
		if towards*contributions[i] > 0 {
			factors = append(factors, Factor{Field: f.Name, Contribution: contributions[i]})
		}
	}
	slices.SortStableFunc(factors, func(a, b Factor) int {
		switch d := towards * (b.Contribution - a.Contribution); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		default:
			return 0
		}
	})
	return factors[:min(len(factors), MaxReasons)], nil
}
