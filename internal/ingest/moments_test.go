package ingest_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// opened is a CSV file as a relation.
func opened(t *testing.T, spec pipeline.Spec, text string) source.Relation {
	t.Helper()
	path := written(t, "rows.csv", text)
	rows, err := source.Open(t.Context(), spec.Source.Relation, []source.File{{Name: "rows.csv", Path: path}}, source.Options{RowsPerSlice: 2})
	require.NoError(t, err)
	t.Cleanup(func() { _ = rows.Close() })
	return rows
}

// The moment of a row is when its application was made, as the one cleaning reads it: that of a day is its beginning. Wanted by hand.
func TestMomentsOfRows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec, rows string
		want       []any
	}{
		"days in a format of their own": {loans, "id,approved\na,2/28/1997\nb,12/1/05\nc,soon\nd,\n", []any{
			time.Date(1997, 2, 28, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2005, 12, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), nil, nil,
		}},
		"instants": {"name: loans\nsource: {uri: loans.csv}\nlabel: {column: y, positive: a, negative: b}\ntime: at\ntypes: {at: timestamp}\ncolumns: [{name: x, type: number}]\n",
			"at\n2026-03-31T09:30:00.000001+02:00\n", []any{time.Date(2026, 3, 31, 7, 30, 0, 1000, time.UTC).UnixMicro()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := parsed(t, test.spec)
			paths, err := ingest.StageMoments(t.Context(), spec, opened(t, spec, test.rows), t.TempDir())
			require.NoError(t, err)
			var got []any
			var ordinals []int64
			for i, path := range paths {
				rows, err := source.Open(t.Context(), pipeline.Relation{Parquet: &pipeline.Files{}}, []source.File{{Name: filepath.Base(path), Path: path}}, source.Options{})
				require.NoError(t, err, i)
				slice, err := rows.Next(t.Context())
				require.NoError(t, err)
				batch, err := slice.Decode(t.Context())
				require.NoError(t, err)
				require.Equal(t, dataset.RowColumn, batch.ColumnName(0))
				last := int(batch.NumCols()) - 1
				require.Equal(t, ingest.MomentColumn, batch.ColumnName(last))
				for row := range int(batch.NumRows()) {
					ordinals = append(ordinals, batch.Column(0).(*array.Int64).Value(row))
					if at := batch.Column(last).(*array.Timestamp); at.IsNull(row) {
						got = append(got, nil)
					} else {
						got = append(got, int64(at.Value(row)))
					}
				}
				require.NoError(t, rows.Close())
			}
			require.Equal(t, test.want, got)
			for i, ordinal := range ordinals {
				require.EqualValues(t, i+1, ordinal)
			}
		})
	}
}

func TestMomentsNeedTheColumnOfTime(t *testing.T) {
	t.Parallel()
	spec := parsed(t, loans)
	_, err := ingest.StageMoments(t.Context(), spec, opened(t, spec, "id\na\n"), t.TempDir())
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, `the rows have no column "approved" (time)`)
	_, err = ingest.StageMoments(t.Context(), spec, opened(t, spec, "approved,Loanops_Moment\n2/28/1997,x\n"), t.TempDir())
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Columns of features that the rows bring take their default where there is none, and what is computed of them is a column of the dataset, before rules look at it.
func TestColumnsThatAreDerived(t *testing.T) {
	t.Parallel()
	high := 2.0
	spec := parsed(t, loans)
	spec.Look([]pipeline.Column{
		{Name: "late", Type: pipeline.Integer, Feature: "payments@1:late", Default: "1"},
		{Name: "rate", Type: pipeline.Number, Feature: "payments@1:rate", MissingMax: 1, Unused: true},
		{Name: "burden", Type: pipeline.Number, Max: &high, MissingMax: 1, Expression: "score * rate / 1000 + late"},
	})
	path := written(t, "loans.csv", "id,approved,gross,score,home,status,note,late,rate\na1,2/28/1997,$1,700,own,P I F,x,0,2\na2,12/1/05,$5,-9,rent,CHGOFF,,,2\na3,12/2/05,$5,500,rent,CHGOFF,,2,1\n")
	out, k, err := run(t, spec, 2, 1, time.Time{}, path)
	require.NoError(t, err)
	require.Zero(t, out.Checked.Failing)
	table := k.read(t, out.Dataset)
	require.Equal(t, []float64{0, 1, 2}, table.Column("late").Floats)
	burden := table.Column("burden").Floats
	require.InDelta(t, 1.4, burden[0], 1e-12)
	require.True(t, math.IsNaN(burden[1]), "the score is missing")
	require.True(t, math.IsNaN(burden[2]), "beyond what it can be")

	none, _, err := run(t, spec, 2, 1, time.Time{}, written(t, "none.csv", "id,approved,gross,score,home,status,note,late,rate\n"))
	require.NoError(t, err)
	require.Equal(t, out.Dataset.Columns, none.Dataset.Columns, "without rows there are the same columns")
}
