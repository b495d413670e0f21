package scoring

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Wanted by hand.
func TestTextThatIsAllNumbersIsReadAsNumbers(t *testing.T) {
	t.Parallel()
	read := func(valid bool, texts ...string) (Rows, error) {
		column := dataset.Column{Name: "inquiries", Kind: dataset.Text, Texts: texts, Valid: make([]bool, len(texts))}
		for i := range texts {
			column.Valid[i] = valid || i > 0
		}
		return newRows(dataset.Table{Columns: []dataset.Column{column}}, []transform.Field{{Name: "inquiries", Type: pipeline.Number}})
	}
	rows, err := read(false, "", "2", "-0.5", "1e3", "7.0", "1 ")
	require.NoError(t, err)
	require.True(t, rows.Value(0, 0).Missing)
	for i, want := range []float64{2, -0.5, 1000, 7, 1} {
		require.Equal(t, math.Float64bits(want), math.Float64bits(rows.Value(i+1, 0).Number))
	}
	_, err = newRows(dataset.Table{Columns: []dataset.Column{{Name: "open", Kind: dataset.Text, Texts: []string{"0.5"}, Valid: []bool{true}}}}, []transform.Field{{Name: "open", Type: pipeline.Integer}})
	require.ErrorContains(t, err, `column "open" is not an integer`)
	inquiries := request.Contract{Fields: []request.Field{{Name: "inquiries", Type: pipeline.Number, Nullable: true}}}
	for _, text := range []string{"", "two", "NaN", "inf", "1e999", "1,5"} {
		column := dataset.Column{Name: "inquiries", Kind: dataset.Text, Texts: []string{"1", text, "", "2"}, Valid: []bool{true, true, false, true}}
		places, err := Admitted(dataset.Table{Columns: []dataset.Column{column}}, inquiries)
		require.NoError(t, err)
		require.Equal(t, []int{0, 2, 3}, places, "%q alone is refused", text)
		_, err = Column(&column, "inquiries", pipeline.Number)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
		require.ErrorContains(t, err, `column "inquiries" is not a number`)
		_, err = read(true, text, text)
		require.ErrorContains(t, err, `column "inquiries" is not a number`, "none of its texts is one")
	}
}
