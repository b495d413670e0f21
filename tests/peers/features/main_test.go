package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
)

// The same rows are written each time, and what is joined is what nested loops find: the newest row that was known by then and is no older than 90 days.
func TestJoin(t *testing.T) {
	t.Parallel()
	folder, again := t.TempDir(), t.TempDir()
	require.NoError(t, write(folder, 500))
	require.NoError(t, write(again, 500))
	for _, pattern := range []string{"labels-*", "rows-*", "days/rows-*"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			within, err := filepath.Rel(folder, name)
			require.NoError(t, err)
			one, err := os.ReadFile(name)
			require.NoError(t, err)
			two, err := os.ReadFile(filepath.Join(again, within))
			require.NoError(t, err)
			require.Equal(t, one, two, within)
		}
	}
	to := filepath.Join(folder, "joined.parquet")
	require.NoError(t, join(folder, to))
	require.NoError(t, join(folder, to), "a result that is there is written anew")
	labels, rows, joined := read(t, filepath.Join(folder, "labels-000.parquet")), read(t, filepath.Join(folder, "rows-000.parquet")), read(t, to)
	require.Equal(t, labels.Column(dataset.RowColumn).Floats, joined.Column(dataset.RowColumn).Floats)
	found := 0
	for i, id := range labels.Column("applicant_id").Texts {
		moment, newest := labels.Column("event_timestamp").Floats[i], -1
		for k, of := range rows.Column("applicant_id").Texts {
			event, created := rows.Column("event_timestamp").Floats[k], rows.Column("created_timestamp").Floats[k]
			if of == id && event <= moment && created <= moment && (newest < 0 || event > rows.Column("event_timestamp").Floats[newest]) {
				newest = k
			}
		}
		if newest < 0 || rows.Column("event_timestamp").Floats[newest] <= moment-float64(90*day) {
			require.True(t, joined.Column("f3").Missing(i))
			continue
		}
		require.Equal(t, rows.Column("f3").Floats[newest], joined.Column("f3").Floats[i])
		found++
	}
	require.Greater(t, found, 50)
	require.Less(t, found, 450)
}

func read(t *testing.T, path string) *dataset.Table {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	table, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	return &table
}
