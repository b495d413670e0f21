package source_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// null stands for a missing value in what tests compare.
const null = "∅"

// texts are a batch's rows with null for what is missing.
func texts(batch arrow.RecordBatch) [][]string {
	rows := make([][]string, batch.NumRows())
	for r := range rows {
		for _, column := range batch.Columns() {
			value := null
			if column.IsValid(r) {
				value = column.ValueStr(r)
			}
			rows[r] = append(rows[r], value)
		}
	}
	return rows
}

// all reads a relation to its end. Every slice but the last must have n rows.
func all(t require.TestingT, r source.Relation, n int) [][]string {
	var rows [][]string
	ended := false
	for {
		slice, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return rows
		}
		require.NoError(t, err)
		require.False(t, ended, "a slice that is not full is the last one")
		require.Equal(t, int64(len(rows)), slice.First)
		batch, err := slice.Decode(context.Background())
		require.NoError(t, err)
		for i, column := range batch.Columns() {
			require.Equal(t, r.Columns()[i], batch.ColumnName(i))
			if checked, can := column.(interface{ ValidateFull() error }); can {
				require.NoError(t, checked.ValidateFull())
			}
		}
		require.LessOrEqual(t, batch.NumRows(), int64(n))
		ended = batch.NumRows() < int64(n)
		rows = append(rows, texts(batch)...)
	}
}

// written is a file of the content.
func written(t testing.TB, name, content string) source.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return source.File{Name: name, Path: path}
}

// rewritten is a file of the content in a folder that many runs of a test share.
func rewritten(t require.TestingT, dir, name, content string) source.File {
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return source.File{Name: name, Path: path}
}

// open opens a relation that is closed after the test.
func open(t testing.TB, r pipeline.Relation, o source.Options, files ...source.File) source.Relation {
	t.Helper()
	relation, err := source.Open(t.Context(), r, files, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, relation.Close()) })
	return relation
}

func TestCSVIsReadAsEncodingCSVDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(rt, "width")
		field := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n\r é;")))
		var content bytes.Buffer
		w := csv.NewWriter(&content)
		w.UseCRLF = rapid.Bool().Draw(rt, "crlf")
		header := make([]string, width)
		for i := range header {
			header[i] = fmt.Sprint("c", i)
		}
		require.NoError(rt, w.Write(header))
		for range rapid.IntRange(0, 40).Draw(rt, "rows") {
			require.NoError(rt, w.Write(rapid.SliceOfN(field, width, width).Draw(rt, "row")))
		}
		w.Flush()
		text := content.Bytes()
		if rapid.Bool().Draw(rt, "without the last line's end") {
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
		want, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		require.NoError(rt, err)
		for _, row := range want {
			for i := range row {
				if row[i] == "" {
					row[i] = null
				}
			}
		}
		path := filepath.Join(dir, "x.csv")
		require.NoError(rt, os.WriteFile(path, text, 0o600))
		n := rapid.IntRange(1, 50).Draw(rt, "rows of a slice")
		relation, err := source.Open(context.Background(), pipeline.Relation{URI: path}, []source.File{{Name: "x.csv", Path: path}}, source.Options{RowsPerSlice: n})
		require.NoError(rt, err)
		defer relation.Close()
		require.Equal(rt, want[1:], append([][]string{}, all(rt, relation, n)...))
	})
}
