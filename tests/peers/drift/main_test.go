package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/warehouse"
)

// The same rows are written each time, and both sides are counted as DuckDB counts them: a number of as many values as rows, one of fewer, and a category.
func TestCount(t *testing.T) {
	t.Parallel()
	folder, again := t.TempDir(), t.TempDir()
	require.NoError(t, write(folder, 100))
	require.NoError(t, write(again, 100))
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Len(t, names, 4, "a part and a manifest a side")
	for _, name := range names {
		one, err := os.ReadFile(name)
		require.NoError(t, err)
		two, err := os.ReadFile(filepath.Join(again, filepath.Base(name)))
		require.NoError(t, err)
		require.Equal(t, one, two, filepath.Base(name))
	}
	first, err := countReference(t.Context(), folder)
	require.NoError(t, err)
	later, err := found(folder)
	require.NoError(t, err)
	require.Equal(t, first, later, "what is kept is what was counted")
	bins, before := first.Bins, first.Counts
	m, paths, err := side(folder, "window")
	require.NoError(t, err)
	after, err := count(t.Context(), bins, m, paths)
	require.NoError(t, err)
	require.EqualValues(t, 100, before.Rows)
	require.EqualValues(t, 100, after.Rows)
	duck, err := warehouse.Open(t.TempDir())
	require.NoError(t, err)
	seen, parts := 0, map[string]string{"reference": numbered(t, folder, "reference"), "window": numbered(t, folder, "window")}
	for i, f := range bins.Features {
		if !slices.Contains([]string{"f0", "i0", "c0"}, f.Name) {
			continue
		}
		var others []pipeline.Rule // which is broken by the rows to count
		from := 0
		if f.Numbers == nil {
			for _, level := range f.Levels {
				others = append(others, pipeline.Rule{Name: f.Name, Expression: fmt.Sprintf("%q <> '%s'", f.Name, level)})
			}
		} else {
			from = (len(before.Features[i])-1-len(f.Numbers.Means))/2 + 1 // of those out of range as many are below; the first within has one cut alone
			for k, cut := range f.Numbers.Cuts[1:] {
				others = append(others, pipeline.Rule{Name: f.Name, Expression: fmt.Sprintf("NOT (%q > '%v'::DOUBLE AND %q <= '%v'::DOUBLE)", f.Name, f.Numbers.Cuts[k], f.Name, cut)})
			}
		}
		for name, counts := range map[string][]int64{"reference": before.Features[i], "window": after.Features[i]} {
			counted, err := duck.Broken(t.Context(), []string{parts[name]}, others, "")
			require.NoError(t, err)
			for k, c := range counted {
				require.Equal(t, c.Count, counts[from+k], "%s, %s, bin %d", name, f.Name, k)
				seen += int(c.Count)
			}
		}
	}
	require.Greater(t, seen, 2*3*90, "most rows are between the first cut and the last one")
	require.NoError(t, compare(folder, false))
	require.NoError(t, compare(folder, true))
}

// numbered is a file of a side's rows with their numbers, which the warehouse asks for.
func numbered(t *testing.T, folder, name string) string {
	t.Helper()
	m, paths, err := side(folder, name)
	require.NoError(t, err)
	rows, err := dataset.Read(t.Context(), m, paths, nil)
	require.NoError(t, err)
	numbers := dataset.Column{Name: dataset.RowColumn, Kind: dataset.Integer}
	for i := range rows.Rows() {
		numbers.Floats = append(numbers.Floats, float64(i))
	}
	rows.Columns = append(rows.Columns, numbers)
	path := filepath.Join(t.TempDir(), name+".parquet")
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, dataset.WriteParquet(out, rows))
	require.NoError(t, out.Close())
	return path
}
