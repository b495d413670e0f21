package dataset_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// Files of others have several groups of rows, columns without missing values, texts in a dictionary or not, and infinities. Texts that the memory of
// texts takes for each other, by length and ends, are not mixed up.
func TestParquetOfOthers(t *testing.T) {
	t.Parallel()
	for _, nullable := range []bool{true, false} {
		for _, dictionary := range []bool{true, false} {
			fields := []arrow.Field{
				{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: nullable}, {Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: nullable},
				{Name: "t", Type: arrow.BinaryTypes.String, Nullable: nullable},
			}
			b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
			defer b.Release()
			want := dataset.Table{Columns: []dataset.Column{{Name: "x"}, {Name: "n", Kind: dataset.Integer}, {Name: "t", Kind: dataset.Text}}}
			for i := range 20_000 {
				x, n, text, valid := float64(i)/4, float64(i), fmt.Sprintf("a%db", i%1000), true
				switch {
				case nullable && i%7 == 0:
					x, n, text, valid = math.NaN(), math.NaN(), "", false
					for _, column := range b.Fields() {
						column.AppendNull()
					}
				case i%11 == 0:
					x, text = math.NaN(), ""
					b.Field(0).(*array.Float64Builder).Append(math.Inf(1))
					b.Field(1).(*array.Int64Builder).Append(int64(n))
					b.Field(2).(*array.StringBuilder).Append(text)
				default:
					b.Field(0).(*array.Float64Builder).Append(x)
					b.Field(1).(*array.Int64Builder).Append(int64(n))
					b.Field(2).(*array.StringBuilder).Append(text)
				}
				want.Columns[0].Floats, want.Columns[1].Floats = append(want.Columns[0].Floats, x), append(want.Columns[1].Floats, n)
				want.Columns[2].Texts, want.Columns[2].Valid = append(want.Columns[2].Texts, text), append(want.Columns[2].Valid, valid)
			}
			record := b.NewRecordBatch()
			defer record.Release()
			var out bytes.Buffer
			w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(3000), parquet.WithDictionaryDefault(dictionary)), pqarrow.DefaultWriterProps())
			require.NoError(t, err)
			require.NoError(t, w.Write(record))
			require.NoError(t, w.Close())
			got, err := dataset.ReadParquet(out.Bytes())
			require.NoError(t, err)
			require.Len(t, got.Columns, 3)
			for i := range want.Columns {
				require.Equal(t, fmt.Sprint(want.Columns[i]), fmt.Sprint(got.Columns[i]), "nullable %v, dictionary %v", nullable, dictionary)
			}
		}
	}
}

// parts writes tables as the parts of a dataset.
func parts(t *testing.T, tables ...dataset.Table) (m dataset.Manifest, paths []string) {
	t.Helper()
	folder := t.TempDir()
	for i, table := range tables {
		data, err := encoded(table)
		require.NoError(t, err)
		paths = append(paths, filepath.Join(folder, fmt.Sprint(i)))
		require.NoError(t, os.WriteFile(paths[i], data, 0o600))
		m.Columns, m.Rows = table.Fields(), m.Rows+int64(table.Rows())
		m.Parts = append(m.Parts, dataset.Part{Rows: int64(table.Rows())})
	}
	return m, paths
}

func TestReadSomeColumnsOfParts(t *testing.T) {
	t.Parallel()
	first, second := tableOf(loan{id: "a", amount: 1}, loan{id: "b", branch: "n"}), tableOf(loan{id: "c", amount: 3})
	m, paths := parts(t, first, second)
	got, err := dataset.Read(t.Context(), m, paths, []string{"amount", "absent", "id"})
	require.NoError(t, err)
	require.Equal(t, dataset.Table{Columns: []dataset.Column{
		{Name: "id", Kind: dataset.Text, Texts: []string{"a", "b", "c"}, Valid: []bool{true, true, true}}, {Name: "amount", Floats: []float64{1, 0, 3}},
	}}, got)
	column, err := dataset.ColumnsIn(m, paths)(t.Context(), "amount")
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0, 3}, column.Floats)
	column, err = dataset.ColumnsIn(m, paths)(t.Context(), "absent")
	require.NoError(t, err)
	require.Nil(t, column)
	whole, err := dataset.Read(t.Context(), m, paths, nil)
	require.NoError(t, err)
	require.Equal(t, 3, whole.Rows())
	require.Len(t, whole.Columns, 5)
}

func TestPartsThatAreNotWhatTheirManifestSays(t *testing.T) {
	t.Parallel()
	rows := tableOf(loan{id: "secret"}, loan{id: "b"})
	m, paths := parts(t, rows, rows)
	for _, test := range []struct {
		says  string
		spoil func(m *dataset.Manifest, paths []string)
	}{
		{`has 2 rows, its manifest says 3`, func(m *dataset.Manifest, _ []string) { m.Parts[1].Rows, m.Rows = 3, 5 }},
		{`has a column "id" (text), its manifest "id" (number)`, func(m *dataset.Manifest, _ []string) { m.Columns[0].Kind = dataset.Float }},
		{`has 5 of the columns that are wanted, its manifest 4`, func(m *dataset.Manifest, _ []string) { m.Columns = m.Columns[:4] }},
		{`reading a part`, func(_ *dataset.Manifest, paths []string) { paths[1] += ".gone" }},
	} {
		broken, at := m, append([]string{}, paths...)
		broken.Columns, broken.Parts = append([]dataset.Field{}, m.Columns...), append([]dataset.Part{}, m.Parts...)
		test.spoil(&broken, at)
		_, err := dataset.Read(t.Context(), broken, at, nil)
		require.ErrorContains(t, err, test.says)
		require.NotEqual(t, fault.Internal, fault.CodeOf(err))
		require.NotContains(t, err.Error(), "secret")
	}
}

// A sample is the drawn rows of the whole, wherever the borders of parts are.
func TestSample(t *testing.T) {
	t.Parallel()
	var tables []dataset.Table
	for first, rows := range map[int]int{0: 1, 1: 7, 8: 2, 10: 1, 11: 13} {
		var loans []loan
		for i := range rows {
			loans = append(loans, loan{id: fmt.Sprint(first + i), amount: float64(first + i)})
		}
		tables = append(tables, tableOf(loans...))
	}
	m, paths := parts(t, tables...)
	whole, err := dataset.Read(t.Context(), m, paths, nil)
	require.NoError(t, err)
	for n := 1; n <= 30; n++ {
		got, err := dataset.Sample(t.Context(), m, paths, []string{"id", "amount"}, n)
		require.NoError(t, err)
		var want []float64
		for _, row := range dataset.Drawn(24, n) {
			want = append(want, whole.Column("amount").Floats[row])
		}
		require.Equal(t, want, got.Column("amount").Floats, "%d of 24", n)
	}
}
