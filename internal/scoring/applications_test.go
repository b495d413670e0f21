package scoring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// Rows are clean, and requests are cleaned: a row that would be read as another one is not sent, for nobody has scored that.
func TestApplicationsAreReadAsTheirRows(t *testing.T) {
	t.Parallel()
	table := dataset.Table{Columns: []dataset.Column{
		{Name: "home", Kind: dataset.Text, Texts: []string{"own", "house", "rent", ""}, Valid: []bool{true, true, true, false}},
		{Name: "open", Kind: dataset.Float, Floats: []float64{1, 1, 0, 1}},
		{Name: "amount", Kind: dataset.Float, Floats: []float64{0.5, 1, 2.25, 3}},
	}}
	contract := request.Contract{Fields: []request.Field{
		{Name: "home", Type: pipeline.Category, Nullable: true, Clean: []pipeline.CleanStep{{Map: &pipeline.Map{Columns: []string{"home"}, Values: map[string]string{"house": "own"}}}}},
		{Name: "open", Type: pipeline.Boolean},
		{Name: "amount", Type: pipeline.Decimal, Clean: []pipeline.CleanStep{{Amount: &pipeline.Amount{Columns: []string{"amount"}, Thousands: ".", Decimal: ","}}}},
	}}
	sent, places, err := Applications(table, 5, contract)
	require.NoError(t, err)
	require.Equal(t, []int{0, 2, 3}, places)
	require.Equal(t, []map[string]any{
		{"home": "own", "open": true, "amount": 0.5}, {"home": "rent", "open": false, "amount": 2.25}, {"home": nil, "open": true, "amount": 3.0},
	}, sent)
}

// A field that is a number on one side and a category on the other is in no request that both take: left out where both may do without it, else there is
// none.
func TestApplicationsBetweenTwoTypes(t *testing.T) {
	t.Parallel()
	table := dataset.Table{Columns: []dataset.Column{
		{Name: "debt", Kind: dataset.Float, Floats: []float64{1, 2}},
		{Name: "term", Kind: dataset.Text, Texts: []string{"short", "long"}, Valid: []bool{true, true}},
	}}
	contract := func(of pipeline.ColumnType, nullable bool) request.Contract {
		return request.Contract{Fields: []request.Field{{Name: "debt", Type: pipeline.Number}, {Name: "term", Type: of, Nullable: nullable}}}
	}
	sent, places, err := Applications(table, 5, contract(pipeline.Number, true), contract(pipeline.Category, true))
	require.NoError(t, err)
	require.Equal(t, []map[string]any{{"debt": 1.0}, {"debt": 2.0}}, sent)
	require.Equal(t, []int{0, 1}, places)
	sent, _, err = Applications(table, 5, contract(pipeline.Number, true), contract(pipeline.Category, false))
	require.NoError(t, err)
	require.Empty(t, sent)
}
