package scoring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/scoring"
)

// Wanted by hand: z of loans is -1 + 0.5·(income-10)/2, plus 1 of an owner and minus 1 of a tenant; home moves nothing in the other model.
func TestCommon(t *testing.T) {
	t.Parallel()
	open := loans()
	open.Contract.Fields[1].Domain = nil
	open.Encoder.Fields[1].Levels, open.Encoder.Fields[1].Open = []string{"own"}, true
	open.Coefficients, open.Background = []float64{0.5, 0.25, 0}, []float64{0, 0.1, 0.5}
	all := table(floats("income", 14, 1, 8), texts("home", "own", "rent", "own"))
	one := table(floats("income", 14, 1, 8), texts("home", "own", "castle", "own"))
	none := table(floats("income", 14, 1), texts("home", "castle", "castle"))
	for _, test := range []struct {
		name            string
		table           dataset.Table
		incomes, byA, b []float64
	}{
		{"both take all", all, []float64{14, 1, 8}, []float64{1, -4.25, -0.5}, []float64{0, -3.25, -1.5}},
		{"one does not know a value", one, []float64{14, 8}, []float64{1, -0.5}, []float64{0, -1.5}},
		{"none is taken by both", none, nil, nil, nil},
	} {
		for _, swapped := range []bool{false, true} {
			a, b, byA, byB := loans(), open, test.byA, test.b
			if swapped {
				a, b, byA, byB = b, a, byB, byA
			}
			rows, scoresA, scoresB, err := scoring.Common(test.table, a, b)
			require.NoError(t, err, test.name)
			require.Equal(t, len(test.incomes), rows.Rows(), test.name)
			require.Len(t, scoresA, len(byA), test.name)
			for i, income := range test.incomes {
				require.InDelta(t, income, rows.Column("income").Floats[i], 0, test.name)
				require.InDelta(t, sigmoid(byA[i]), scoresA[i], 1e-15, test.name)
				require.InDelta(t, sigmoid(byB[i]), scoresB[i], 1e-15, test.name)
			}
		}
	}
	_, _, _, err := scoring.Common(table(floats("income", 14)), open, loans())
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "a column is gone")
}
