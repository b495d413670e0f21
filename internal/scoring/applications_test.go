package scoring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

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
