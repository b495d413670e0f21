package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// byLate declines who was late, by so much for each time; of whom nothing is known it takes one time.
func byLate(weight float64) side {
	m := &model.Model{
		Encoder: transform.Encoder{
			Fields: []transform.Field{{Name: "income", Type: pipeline.Number}, {Name: "late", Type: pipeline.Integer}}, Scales: []transform.Scale{{SD: 1}, {SD: 1}},
		},
		Intercept: -2, Coefficients: []float64{0, weight}, Background: []float64{0, 0},
		Contract: request.Contract{
			Fields: []request.Field{{Name: "income", Type: pipeline.Number}},
			Added:  []pipeline.Column{{Name: "late", Type: pipeline.Integer, Feature: "payments@1:late_90d", Keys: map[string]string{"applicant_id": "applicant_id"}, Default: "1"}},
		},
	}
	return side{decider: decision.Decider{Model: m, Meaning: pipeline.MeaningDefault, Policy: decision.Policy{Cutoff: 0.5}}}
}

// Whom the store knows nothing of is decided by defaults, whatever the rows of the past say.
func TestThePlatformsOwnRequestsAreOfNobody(t *testing.T) {
	t.Parallel()
	rows := dataset.Table{Columns: []dataset.Column{
		{Name: "income", Kind: dataset.Decimal, Floats: []float64{1, 2, 3}}, {Name: "late", Kind: dataset.Integer, Floats: []float64{0, 9, 0}},
	}}
	p, err := ofNobody(rows, byLate(1), byLate(3))
	require.NoError(t, err)
	var flips, all int64
	for _, b := range p.Buckets {
		flips, all = flips+b.ToDecline, all+b.Rows
	}
	require.Equal(t, []int64{3, 3}, []int64{flips, all}, "-2 + 1 is approved, -2 + 3 declined; of the rows only one was late")

	var none *canary.Prediction
	of := byLate(1)
	of.decider.Model.Contract.Added = nil
	p, err = ofNobody(rows, of, of)
	require.NoError(t, err)
	require.Equal(t, none, p, "nothing is looked up")
}
