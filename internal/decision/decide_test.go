package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// loans is a model of two numbers whose contributions are their values.
func loans() *model.Model {
	m := &model.Model{Name: "loans", Coefficients: []float64{1, 1}, Background: []float64{0, 0}}
	for _, name := range []string{"debt_to_income", "inquiries"} {
		m.Encoder.Fields = append(m.Encoder.Fields, transform.Field{Name: name, Type: pipeline.Number})
		m.Encoder.Scales = append(m.Encoder.Scales, transform.Scale{SD: 1})
	}
	return m
}

func row(debt, inquiries float64) []transform.Value {
	return []transform.Value{{Number: debt}, {Number: inquiries}}
}

// Wanted by hand: at the cutoff a default probability declines, an approval probability approves.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		meaning     pipeline.Meaning
		probability float64
		want        string
	}{
		{pipeline.MeaningDefault, 0.49, "approve"}, {pipeline.MeaningDefault, 0.5, "decline"}, {pipeline.MeaningDefault, 0.51, "decline"},
		{pipeline.MeaningApproval, 0.49, "decline"}, {pipeline.MeaningApproval, 0.5, "approve"}, {pipeline.MeaningApproval, 0.51, "approve"},
	} {
		decided, err := decision.Decider{Model: loans(), Meaning: test.meaning, Policy: decision.Policy{Cutoff: 0.5}}.Of(test.probability, row(0, 0))
		require.NoError(t, err)
		require.Equal(t, test.want, decided.Verdict, "%s %v", test.meaning, test.probability)
	}
}

// An applicant reads the policy's text, or the field's name without its underscores. An approval has no reasons, and none is never nil.
func TestReasonsAreInThePolicysWords(t *testing.T) {
	t.Parallel()
	d := decision.Decider{Model: loans(), Meaning: pipeline.MeaningDefault, Policy: decision.Policy{Cutoff: 0.5, Reasons: map[string]string{"inquiries": "many recent inquiries"}}}
	decided, err := d.Decide(row(1, 2))
	require.NoError(t, err)
	require.Equal(t, []decision.Reason{
		{Field: "inquiries", Text: "many recent inquiries", Contribution: 2}, {Field: "debt_to_income", Text: "debt to income", Contribution: 1},
	}, decided.Reasons)
	decided, err = d.Decide(row(1, -2))
	require.NoError(t, err)
	require.Equal(t, decision.Approve, decided.Verdict)
	require.Equal(t, []decision.Reason{}, decided.Reasons)
	_, err = d.Decide(row(1, 2)[:1])
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Whatever the model: the probability is the model's, the verdict its side of the cutoff, and the reasons of a decline what pushed towards it.
func TestADecisionIsOfModelAndPolicy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := loans()
		m.Intercept = rapid.Float64Range(-2, 2).Draw(t, "intercept")
		d := decision.Decider{
			Model: m, Meaning: rapid.SampledFrom([]pipeline.Meaning{pipeline.MeaningDefault, pipeline.MeaningApproval}).Draw(t, "meaning"),
			Policy: decision.Policy{Cutoff: rapid.Float64Range(0.01, 0.99).Draw(t, "cutoff")},
		}
		x := row(rapid.Float64Range(-3, 3).Draw(t, "debt"), rapid.Float64Range(-3, 3).Draw(t, "inquiries"))
		decided, err := d.Decide(x)
		require.NoError(t, err)
		p, err := m.Score(x)
		require.NoError(t, err)
		require.InDelta(t, p, decided.Probability, 0)
		bad := p >= d.Policy.Cutoff
		if d.Meaning == pipeline.MeaningApproval {
			bad = p < d.Policy.Cutoff
		}
		require.Equal(t, bad, decided.Verdict == decision.Decline)
		factors, err := explain.Principal(m, x, d.Meaning)
		require.NoError(t, err)
		if !bad {
			factors = nil
		}
		require.Len(t, decided.Reasons, len(factors))
		for i, factor := range factors {
			require.Equal(t, factor.Field, decided.Reasons[i].Field)
			require.InDelta(t, factor.Contribution, decided.Reasons[i].Contribution, 0)
		}
	})
}
