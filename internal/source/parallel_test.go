package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// inParallel decodes slices in goroutines while others are cut.
func inParallel(t *testing.T, relation source.Relation) (rows [][]string) {
	t.Helper()
	var mu sync.Mutex
	var wait sync.WaitGroup
	parts := map[int64][][]string{}
	for {
		slice, err := relation.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		wait.Go(func() {
			batch, err := slice.Decode(context.Background())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			parts[slice.First] = texts(batch)
		})
	}
	wait.Wait()
	for range parts {
		rows = append(rows, parts[int64(len(rows))]...)
	}
	return rows
}

func TestDecodingInParallel(t *testing.T) {
	t.Parallel()
	const rows = 5_000
	var csv, jsonl strings.Builder
	csv.WriteString("id,grade\n")
	var want [][]string
	for i := range rows {
		want = append(want, []string{fmt.Sprint(i), grade(i)})
		fmt.Fprintf(&csv, "%d,%q\n", i, strings.TrimPrefix(grade(i), null))
		fmt.Fprintf(&jsonl, "{\"grade\":%q,\"id\":%d}\n", strings.TrimPrefix(grade(i), null), i)
	}
	for name, files := range map[string][]source.File{
		"csv":     {written(t, "a.csv", csv.String())},
		"jsonl":   {written(t, "a.jsonl", jsonl.String())},
		"parquet": {parquetFile(t, "a.parquet", 0, 2_000, 700), parquetFile(t, "b.parquet", 2_000, 3_000, 1_000)},
	} {
		r := pipeline.Relation{URI: name, Select: []string{"id", "grade"}}
		require.Equal(t, want, inParallel(t, open(t, r, source.Options{RowsPerSlice: 256}, files...)), name)
	}
}

// Rows in parts are the rows in one file, in every dialect, wherever parts and slices end.
func TestPartsAndDialectsAreOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		field := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"'|;\n é")))
		rows := rapid.SliceOfN(rapid.SliceOfN(field, 2, 2), 0, 30).Draw(rt, "rows")
		dialect := pipeline.CSV{
			Delimiter: rapid.SampledFrom([]string{"", ";", "|", `\t`}).Draw(rt, "delimiter"),
			Quote:     rapid.SampledFrom([]string{"", "'"}).Draw(rt, "quote"),
		}
		separator, quote := string(dialect.Separator()), string(dialect.QuoteMark())
		var files []source.File
		rest := rows
		for i := 0; i == 0 || len(rest) > 0; i++ {
			n := rapid.IntRange(0, len(rest)).Draw(rt, "rows of a part")
			if i == 4 {
				n = len(rest)
			}
			content := "a" + separator + "b\n"
			for _, row := range rest[:n] {
				for j, value := range row {
					row := quote + strings.ReplaceAll(value, quote, quote+quote) + quote
					content += row + []string{separator, "\n"}[j]
				}
			}
			rest = rest[n:]
			files = append(files, rewritten(rt, dir, fmt.Sprintf("%d.csv", i), content))
		}
		n := rapid.IntRange(1, 12).Draw(rt, "rows of a slice")
		relation, err := source.Open(context.Background(), pipeline.Relation{CSV: &dialect}, files, source.Options{RowsPerSlice: n})
		require.NoError(rt, err)
		defer relation.Close()
		for _, row := range rows {
			for j := range row {
				if row[j] == "" {
					row[j] = null
				}
			}
		}
		require.Equal(rt, append([][]string{}, rows...), append([][]string{}, all(rt, relation, n)...))
	})
}

func TestRowsPerSlice(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]int{0: 131_072, 1: 131_072, 20: 131_072, 26: 131_072, 30: 65_536, 100: 32_768, 300: 8_192, 2000: 1024, 10_000: 1024} {
		require.Equal(t, want, source.RowsPerSlice(columns), columns)
	}
}
