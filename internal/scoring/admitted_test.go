package scoring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// Wanted by hand, row by row.
func TestAdmitted(t *testing.T) {
	t.Parallel()
	most := 10.0
	table := dataset.Table{Columns: []dataset.Column{
		{Name: "debt", Kind: dataset.Float, Floats: []float64{1, 11, 3, 4}},
		{Name: "kind", Kind: dataset.Text, Texts: []string{"a", "a", "b", ""}, Valid: []bool{true, true, true, false}},
	}}
	bounded := request.Contract{Fields: []request.Field{{Name: "debt", Type: pipeline.Number, Max: &most}}}
	onlyA := request.Contract{Fields: []request.Field{{Name: "kind", Type: pipeline.Category, Nullable: true, Domain: []string{"a"}}}}
	required := request.Contract{Fields: []request.Field{{Name: "kind", Type: pipeline.Category}}}
	leftOut := request.Contract{Fields: []request.Field{{Name: "gone", Type: pipeline.Number, Nullable: true}}}
	for _, test := range []struct {
		name      string
		contracts []request.Contract
		want      []int
	}{
		{"no contract", nil, []int{0, 1, 2, 3}},
		{"a bound", []request.Contract{bounded}, []int{0, 2, 3}},
		{"a domain, or nothing", []request.Contract{onlyA}, []int{0, 1, 3}},
		{"each by itself", []request.Contract{bounded, onlyA}, []int{0, 3}},
		{"required", []request.Contract{required}, []int{0, 1, 2}},
		{"a column that requests may leave out", []request.Contract{leftOut}, []int{0, 1, 2, 3}},
	} {
		got, err := Admitted(table, test.contracts...)
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, got, test.name)
	}
	gone := request.Contract{Fields: []request.Field{{Name: "gone", Type: pipeline.Number}}}
	_, err := Admitted(table, gone)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
