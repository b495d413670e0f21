package model

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Golden is a set of applications with the probabilities that the model gave them when it was evaluated. A deployed
// predictor must give the same.
type Golden struct {
	Rows []GoldenRow `json:"rows"`
}

// GoldenRow is one application as a lender would send it who names nobody of whom the feature store knows anything.
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

// Asked is the row that a model reads of an application that is asked of a predictor, where the feature store knows nothing. What its contract does not take is
// fault.Invalid.
func Asked(of *request.Applications, application map[string]any) ([]transform.Value, error) {
	data, err := json.Marshal(application)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encoding an application")
	}
	read, wrong, err := of.Read(data)
	if err != nil {
		return nil, err
	}
	for _, w := range wrong {
		return nil, fault.New(fault.Invalid, "field %q of an application: %s", w.Field, w.Text)
	}
	return of.Row(read, nil), nil
}
