package source_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// parquetFile has rows of an id and a grade in groups of a size.
func parquetFile(t testing.TB, name string, from, rows, group int) source.File {
	t.Helper()
	var content bytes.Buffer
	batch := rowsOf(from, rows)
	w, err := pqarrow.NewFileWriter(batch.Schema(), &content, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(int64(group))), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	for at := 0; at < rows; at += group {
		part := batch.NewSlice(int64(at), int64(min(rows, at+group)))
		require.NoError(t, w.Write(part))
	}
	require.NoError(t, w.Close())
	return written(t, name, content.String())
}

func TestParquetIsCutAcrossRowGroupsAndFiles(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 7, 10, 64, 1000} {
		first, second := parquetFile(t, "a.parquet", 0, 50, 7), parquetFile(t, "b.parquet", 50, 41, 100)
		relation := open(t, pipeline.Relation{Parquet: &pipeline.Files{}}, source.Options{RowsPerSlice: n}, first, second)
		rows := all(t, relation, n)
		require.Len(t, rows, 91)
		for i, row := range rows {
			require.Equal(t, []string{fmt.Sprint(i), grade(i)}, row)
		}
	}
}

func grade(i int) string {
	if i%5 == 0 {
		return null
	}
	return fmt.Sprint("grade ", i%3, i/20)
}

func rowsOf(from, rows int) arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "grade", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := from; i < from+rows; i++ {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%5 == 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(grade(i))
		}
	}
	return b.NewRecordBatch()
}

// A file that an Arrow program wrote may ask for dictionaries, whose indices the codec confuses where there are nulls.
func TestParquetOfADictionaryIsReadAsItsTexts(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "grade", Nullable: true, Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	var want [][]string
	for i := range 500 {
		want = append(want, []string{grade(i)})
		if i%5 == 0 {
			b.Field(0).AppendNull()
		} else {
			require.NoError(t, b.Field(0).(*array.BinaryDictionaryBuilder).AppendString(grade(i)))
		}
	}
	var content bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &content, nil, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	require.NoError(t, err)
	require.NoError(t, w.Write(b.NewRecordBatch()))
	require.NoError(t, w.Close())
	rows, err := read(pipeline.Relation{Parquet: &pipeline.Files{}}, source.Options{RowsPerSlice: 64}, written(t, "x.parquet", content.String()))
	require.NoError(t, err)
	require.Equal(t, want, rows)
}

func TestParquetSelectsRenamesAndMisses(t *testing.T) {
	t.Parallel()
	r := pipeline.Relation{Parquet: &pipeline.Files{}, Select: []string{"grade", "id"}, Rename: map[string]string{"grade": "g"}, Missing: []string{"grade 1 0"}}
	relation := open(t, r, source.Options{}, parquetFile(t, "x.parquet", 0, 4, 2))
	require.Equal(t, []string{"g", "id"}, relation.Columns())
	require.Equal(t, [][]string{{null, "0"}, {null, "1"}, {"grade 2 0", "2"}, {"grade 0 0", "3"}}, all(t, relation, 131_072))
}

func TestParquetDecodedInAnyOrder(t *testing.T) {
	t.Parallel()
	relation := open(t, pipeline.Relation{Parquet: &pipeline.Files{}}, source.Options{RowsPerSlice: 100}, parquetFile(t, "x.parquet", 0, 1000, 300))
	var slices []source.Slice
	for range 10 {
		slice, err := relation.Next(t.Context())
		require.NoError(t, err)
		slices = append(slices, slice)
	}
	for i := 9; i >= 0; i -= 2 { // the others never
		batch, err := slices[i].Decode(t.Context())
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(slices[i].First), texts(batch)[0][0])
	}
}

func TestFaultsOfParquet(t *testing.T) {
	t.Parallel()
	parquetOf := pipeline.Relation{Parquet: &pipeline.Files{}}
	good := parquetFile(t, "good.parquet", 0, 100, 50)
	content, err := os.ReadFile(good.Path)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		content string
		options source.Options
		want    string
	}{
		"empty":         {"", source.Options{}, "x.parquet: not a readable Parquet file"},
		"text":          {"a,b\n1,2\n", source.Options{}, "x.parquet: not a readable Parquet file"},
		"cut off":       {string(content[:len(content)-10]), source.Options{}, "x.parquet: not a readable Parquet file"},
		"many rows":     {string(content), source.Options{MaxRows: 99}, "x.parquet: the relation has more than 99 rows"},
		"many bytes":    {string(content), source.Options{MaxBytes: 500}, "x.parquet: the relation has more than 500 bytes"},
		"bytes at last": {string(content), source.Options{MaxBytes: 1700}, "x.parquet: the relation has more than 1700 bytes"},
	} {
		_, err := read(parquetOf, test.options, written(t, "x.parquet", test.content))
		require.ErrorContains(t, err, test.want, name)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
	}
	nested := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "loans", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}}, nil)
	other := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "grade", Type: arrow.BinaryTypes.String}}, nil)
	_, err = read(parquetOf, source.Options{}, noRows(t, "x.parquet", nested))
	require.ErrorContains(t, err, `x.parquet: column "loans" is of type list`)
	_, err = read(pipeline.Relation{Parquet: &pipeline.Files{}, Select: []string{"id"}}, source.Options{}, noRows(t, "x.parquet", nested))
	require.NoError(t, err)
	_, err = read(parquetOf, source.Options{}, good, noRows(t, "x.parquet", other))
	require.ErrorContains(t, err, `x.parquet: column "id" is of type utf8, in good.parquet of type int64`)
}

func noRows(t *testing.T, name string, schema *arrow.Schema) source.File {
	t.Helper()
	var content bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &content, nil, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return written(t, name, content.String())
}

// No damage ends the program: the codec panics on some.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	good := parquetFile(t, "good.parquet", 0, 100, 50)
	content, err := os.ReadFile(good.Path)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.parquet")
	for i := 0; i < len(content); i += 3 {
		damaged := bytes.Clone(content)
		damaged[i] ^= []byte{0x01, 0x80, 0xff}[i/3%3]
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		if _, err := read(pipeline.Relation{Parquet: &pipeline.Files{}}, source.Options{MaxRows: 1000, MaxBytes: 1 << 20}, source.File{Name: "x.parquet", Path: path}); err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		}
	}
}
