package source_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// Files that come later may add columns, and one may go away: rows have no value where their file has no column. The wanted rows are written by hand.
func TestLaterFilesAddColumnsAndLackOthers(t *testing.T) {
	t.Parallel()
	csvFiles := []source.File{
		written(t, "1.csv", "id,grade\n1,a\n2,b\n3,\n"),
		written(t, "2.csv", "age,id,grade\n30,4,c\n,5,d\n"),
		written(t, "3.csv", "id,age\n6,40\n"),
	}
	parquetFiles := []source.File{
		tabled(t, "1.parquet", []string{"id", "grade"}, [][]string{{"1", "a"}, {"2", "b"}, {"3", null}}),
		tabled(t, "2.parquet", []string{"age", "id", "grade"}, [][]string{{"30", "4", "c"}, {null, "5", "d"}}),
		tabled(t, "3.parquet", []string{"id", "age"}, [][]string{{"6", "40"}}),
	}
	want := [][]string{{"1", "a", null}, {"2", "b", null}, {"3", null, null}, {"4", "c", "30"}, {"5", "d", null}, {"6", null, "40"}}
	for kind, files := range map[string][]source.File{"CSV": csvFiles, "Parquet": parquetFiles} {
		for n := 1; n <= len(want)+1; n++ {
			relation := open(t, pipeline.Relation{}, source.Options{RowsPerSlice: n}, files...)
			require.Equal(t, []string{"id", "grade", "age"}, relation.Columns(), kind)
			require.Equal(t, want, all(t, relation, n), "%s, slices of %d", kind, n)
		}
		relation := open(t, pipeline.Relation{Select: []string{"age", "id"}, Rename: map[string]string{"age": "years"}}, source.Options{}, files...)
		require.Equal(t, []string{"years", "id"}, relation.Columns(), kind)
		require.Equal(t, []string{null, "1"}, all(t, relation, 131_072)[0], kind)
		_, err := read(pipeline.Relation{Select: []string{"agee"}}, source.Options{}, files...)
		require.ErrorContains(t, err, `there is no column "agee" to select`, kind)
	}
}

// What stands for names in a file without a header are values of an applicant.
func TestAFileOfAnotherTableIsNoPart(t *testing.T) {
	t.Parallel()
	first := written(t, "1.csv", "id,name,grade\n1,x,a\n")
	for name, test := range map[string]struct {
		r       pipeline.Relation
		content string
	}{
		"no header":            {pipeline.Relation{}, "2,Smith,b\n3,Miller,c\n"},
		"one of three":         {pipeline.Relation{}, "id,Smith,branch\n1,2,3\n"},
		"nothing selected":     {pipeline.Relation{Select: []string{"id", "grade"}}, "2,Smith,b\n3,Miller,c\n"},
		"differs by case":      {pipeline.Relation{}, "id,NAME,grade\n2,x,b\n"},
		"two of the same name": {pipeline.Relation{}, "id,id,grade\n2,x,b\n"},
	} {
		_, err := source.Open(t.Context(), test.r, []source.File{first, written(t, "2.csv", test.content)}, source.Options{})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
		require.NotContains(t, err.Error(), "Smith", name)
	}
	_, err := source.Open(t.Context(), pipeline.Relation{}, []source.File{
		tabled(t, "1.parquet", []string{"id", "grade"}, nil), tabled(t, "2.parquet", []string{"x", "y"}, nil),
	}, source.Options{})
	require.ErrorContains(t, err, "2.parquet: only 0 of its 2 columns are among the 2 of the files before it")
	for _, content := range []string{"id,age,grade,name,place,branch,x\n1,2,3,4,5,6,7\n", "id\n1\n"} {
		_, err := source.Open(t.Context(), pipeline.Relation{}, []source.File{first, written(t, "2.csv", content)}, source.Options{})
		require.NoError(t, err)
	}
}

// A union of files is, row by row and name by name, what each of them is alone.
func TestAUnionHoldsTheRowsOfItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		further := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"c", "d", "e", "f"}), 0, 2, rapid.ID)
		var files []source.File
		var alone []map[string]string
		var names []string
		for i := range rapid.IntRange(1, 4).Draw(rt, "files") {
			header := rapid.Permutation(append([]string{"a", "b"}, further.Draw(rt, "further")...)).Draw(rt, "header")
			var content bytes.Buffer
			w := csv.NewWriter(&content)
			require.NoError(rt, w.Write(header))
			for row := range rapid.IntRange(0, 40).Draw(rt, "rows") {
				values := map[string]string{}
				var record []string
				for _, name := range header {
					values[name] = fmt.Sprint(name, i, row)
					record = append(record, values[name])
				}
				alone = append(alone, values)
				require.NoError(rt, w.Write(record))
			}
			w.Flush()
			for _, name := range header {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			files = append(files, rewritten(rt, dir, fmt.Sprint(i, ".csv"), content.String()))
		}
		want := [][]string{}
		for _, values := range alone {
			row := make([]string, len(names))
			for i, name := range names {
				if row[i] = null; values[name] != "" {
					row[i] = values[name]
				}
			}
			want = append(want, row)
		}
		n := rapid.IntRange(1, 50).Draw(rt, "rows of a slice")
		relation, err := source.Open(t.Context(), pipeline.Relation{}, files, source.Options{RowsPerSlice: n})
		require.NoError(rt, err)
		defer relation.Close()
		require.Equal(rt, names, relation.Columns())
		require.Equal(rt, want, append([][]string{}, all(rt, relation, n)...))
	})
}

// tabled is a Parquet file of texts.
func tabled(t *testing.T, name string, header []string, rows [][]string) source.File {
	t.Helper()
	var fields []arrow.Field
	for _, column := range header {
		fields = append(fields, arrow.Field{Name: column, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, row := range rows {
		for i, value := range row {
			if value == null {
				b.Field(i).AppendNull()
				continue
			}
			b.Field(i).(*array.StringBuilder).Append(value)
		}
	}
	var content bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &content, nil, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(b.NewRecordBatch()))
	require.NoError(t, w.Close())
	return written(t, name, content.String())
}
