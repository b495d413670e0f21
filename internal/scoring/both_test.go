package scoring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

// Of a version that has given up a column that may be missing the rows are without it, and both decide them: the earlier one as it decides requests that
// leave it out. A column that must be there leaves no row. Wanted by hand: z of the earlier one is -1 + 0.25, and 1 of an owner or -1 of a tenant; of the later
// one it is 0.5 less.
func TestBothDecideRowsWithoutAColumnThatMayBeMissing(t *testing.T) {
	t.Parallel()
	later := loans()
	later.Contract.Fields, later.Encoder.Fields, later.Encoder.Scales = later.Contract.Fields[1:], later.Encoder.Fields[1:], []transform.Scale{{SD: 1}}
	later.Coefficients, later.Background = []float64{1, -1}, []float64{0.5, 0.5}
	later.Intercept = -1.25
	policy := decision.Policy{Cutoff: 0.5}
	earlier := decision.Decider{Model: loans(), Meaning: pipeline.MeaningDefault, Policy: policy}
	candidate := decision.Decider{Model: later, Meaning: pipeline.MeaningDefault, Policy: policy}
	rows := table(texts("home", "own", "castle", "rent"))
	decided, before, after, err := scoring.Both(rows, earlier, candidate)
	require.NoError(t, err)
	require.Equal(t, []string{"own", "rent"}, decided.Column("home").Texts)
	for i, want := range []float64{0.25, -1.75} {
		require.InDelta(t, sigmoid(want), before[i].Probability, 1e-15)
		require.InDelta(t, sigmoid(want-0.5), after[i].Probability, 1e-15)
	}
	require.Equal(t, decision.Decline, before[0].Verdict)
	require.Equal(t, decision.Approve, after[0].Verdict)
	earlier.Model.Contract = request.Contract{Fields: []request.Field{{Name: "income", Type: pipeline.Number}}}
	decided, before, after, err = scoring.Both(rows, earlier, candidate)
	require.NoError(t, err)
	require.Zero(t, decided.Rows()+len(before)+len(after))
}
