package model

import (
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Golden is a set of applications with the probabilities that the model gave them when it was evaluated. A deployed
// predictor must give the same.
type Golden struct {
	Rows []GoldenRow `json:"rows"`
}

// GoldenRow is one application as a lender would send it.
type GoldenRow struct {
	Application map[string]any `json:"application"` // number, boolean, text or null by field
	Probability float64        `json:"probability"`
}

// Applications are those of the rows, in order.
func (g Golden) Applications() []map[string]any {
	applications := make([]map[string]any, len(g.Rows))
	for i, row := range g.Rows {
		applications[i] = row.Application
	}
	return applications
}

// Values are the row's in the order of the signature. A value of another type than the signature's is fault.Invalid.
func (r GoldenRow) Values(signature []transform.Field) ([]transform.Value, error) {
	values := make([]transform.Value, len(signature))
	for i, f := range signature {
		sent, known := r.Application[f.Name]
		if !known || sent == nil {
			values[i].Missing = true
			continue
		}
		var ok bool
		switch f.Type {
		case pipeline.Category:
			values[i].Text, ok = sent.(string)
		case pipeline.Boolean:
			var yes bool
			if yes, ok = sent.(bool); yes {
				values[i].Number = 1
			}
		default:
			values[i].Number, ok = sent.(float64)
		}
		if !ok {
			return nil, fault.New(fault.Invalid, "field %q of a golden row is not %s", f.Name, f.Type.Noun())
		}
	}
	return values, nil
}
