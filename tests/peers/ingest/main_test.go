package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/tests/peers/rows"
)

// generated are 100 rows; the same ones each time.
func generated(t *testing.T) []byte {
	t.Helper()
	var written [][]byte
	for _, name := range []string{"one.csv", "two.csv"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, rows.Write(path, 100, false))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		written = append(written, text)
	}
	require.Equal(t, written[0], written[1])
	return written[0]
}

// The profile counts what DuckDB counts in the parts, and what breaks a rule is not in these.
func TestRead(t *testing.T) {
	t.Parallel()
	text := generated(t)
	require.Equal(t, 101, bytes.Count(text, []byte("\n")))
	path, folder := filepath.Join(t.TempDir(), "rows.csv"), t.TempDir()
	const broken = 3
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte(",mortgage,"), []byte(",tent,"), broken), 0o600))
	made, err := read(path, folder, 2)
	require.NoError(t, err)
	require.EqualValues(t, broken, made.Checked.Failing)
	require.EqualValues(t, 100-broken, made.Dataset.Rows)

	var parts []string
	for _, p := range made.Dataset.Parts {
		parts = append(parts, filepath.Join(folder, p.SHA256))
	}
	var others []pipeline.Rule // which is broken by the rows to count
	var want []int64
	for _, c := range made.Profile.Columns {
		for _, v := range c.Top {
			others, want = append(others, pipeline.Rule{Name: c.Name, Expression: fmt.Sprintf("%q <> '%s'", c.Name, v.Text)}), append(want, int64(v.Count))
		}
	}
	require.Greater(t, len(want), 10)
	duck, err := warehouse.Open(t.TempDir())
	require.NoError(t, err)
	counted, err := duck.Broken(t.Context(), parts, others, "")
	require.NoError(t, err)
	require.Equal(t, want, countsOf(counted))
}

func countsOf(breaches []dataset.Breach) []int64 {
	counts := make([]int64, len(breaches))
	for i, b := range breaches {
		counts[i] = b.Count
	}
	return counts
}
