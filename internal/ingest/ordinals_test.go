package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

const numbered = `name: numbered
source: {uri: rows.csv}
label: {column: y, positive: "1", negative: "0"}
columns:
  - {name: x, type: number}
`

// A dataset's rows can be read again, with their ordinals; what does not number rows is told of, in one slice and across two.
func TestOrdinalsOfASource(t *testing.T) {
	t.Parallel()
	spec := parsed(t, numbered)
	for name, test := range map[string]struct {
		ordinals string
		at       int // the row that is told of; 0 is none
	}{
		"a dataset's":         {"1 2 3 5 8 13 14 1000000", 0},
		"twice":               {"1 2 2 3", 3},
		"not in order":        {"1 3 2 4", 3},
		"twice across slices": {"1 2 3 4 4 5", 5},
		"back across slices":  {"5 6 7 8 1 2 3 4", 5},
		"from nought":         {"0 1 2", 1},
		"broken":              {"1 2.5 3", 2},
		"missing":             {"1 NA 3", 2},
		"a text":              {"1 2 Ann", 3},
		"too large":           {"1 2 9007199254740994", 3},
	} {
		var text strings.Builder
		text.WriteString("x,loanops_row,y\n")
		for i, ordinal := range strings.Fields(test.ordinals) {
			fmt.Fprintf(&text, "%d,%s,%d\n", i, strings.TrimPrefix(ordinal, "NA"), i%2)
		}
		out, _, err := run(t, spec, 4, 2, time.Time{}, written(t, "rows.csv", text.String()))
		if test.at == 0 {
			require.NoError(t, err, name)
			require.EqualValues(t, 8, out.Dataset.Rows)
			continue
		}
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, fmt.Sprintf("and row %d has none", test.at), name)
		require.NotContains(t, err.Error(), "Ann")
	}
}

// Names of LoanOps' own columns are not a source's, in any case of their letters; before rows are joined the ordinals are not either.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	spec := parsed(t, numbered)
	for _, name := range []string{"loanops_rules", "LoanOps_Rules", "LOANOPS_ROW"} {
		_, _, err := run(t, spec, 4, 2, time.Time{}, written(t, "rows.csv", "x,y,"+name+"\n1,1,1\n"))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, fmt.Sprintf("the source has a column %q, and that name is taken", name))
	}
	path := written(t, "rows.csv", "x,loanops_row\n1,1\n")
	relation, err := source.Open(t.Context(), pipeline.Relation{}, []source.File{{Name: path, Path: path}}, source.Options{})
	require.NoError(t, err)
	defer relation.Close()
	_, err = ingest.Stage(t.Context(), relation, t.TempDir(), true)
	require.ErrorContains(t, err, `the source has a column "loanops_row", and that name is taken`)
}
