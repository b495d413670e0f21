package warehouse_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// Rows are counted where they are, by the days on which they were true.
func TestDaysOfFiles(t *testing.T) {
	t.Parallel()
	w, v, folder := open(t), bureau(), t.TempDir()
	var files []string
	for i, rows := range [][]said{
		{{keys: []string{"a"}, event: day - 1, created: 9 * day, values: []any{nil, nil}}, {keys: []string{"a"}, event: -1, values: []any{nil, nil}}, {keys: []string{"b"}, event: day - 2, values: []any{nil, nil}}},
		{},
		{{keys: []string{"a"}, event: day, values: []any{nil, nil}}},
	} {
		files = append(files, filepath.Join(folder, []string{"it's.parquet", "none.parquet", "b.parquet"}[i]))
		writeTable(t, files[i], history{v, nil}.table(rows))
	}
	days, err := w.Days(t.Context(), v, files)
	require.NoError(t, err)
	require.Equal(t, []map[feature.Day]int64{{-1: 1, 0: 2}, {}, {1: 1}}, days)
	days, err = w.Days(t.Context(), v, nil)
	require.NoError(t, err)
	require.Empty(t, days)
	writeTable(t, files[0], dataset.Table{Columns: []dataset.Column{texts("reported_at", "yesterday")}})
	_, err = w.Days(t.Context(), v, files[:1])
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
}

// Of files that are others than before, only whom their rows are about is asked, and not whom they share: also where a month has become days.
func TestStatesOfWhomAnythingIsNew(t *testing.T) {
	t.Parallel()
	w, v := open(t), bureau()
	row := func(key string, event, created int64, origin int, score float64) said {
		return said{keys: []string{key}, event: event, created: created, origin: origin, values: []any{score, nil}}
	}
	rows := []said{row("ann", 1, 5, 0, 1), row("bob", day, day, 0, 2), row("cid", day, 7*day, 0, 3), row("dan", 2*day, 2*day, 0, 4), row("eve", 2, 2, 1, 5)}
	whole, apart := []feature.Period{{First: 0, Last: 30}}, []feature.Period{{First: 0, Last: 0}, {First: 1, Last: 1}, {First: 2, Last: 2}}
	made := func(rows []said, periods []feature.Period) []feature.DayFiles {
		made, err := w.Partition(t.Context(), v, history{v, rows}.files(t, t.TempDir(), rows, 1), periods, t.TempDir())
		require.NoError(t, err)
		return made
	}
	then := made(rows, whole)
	for name, test := range map[string]struct {
		rows    []said
		periods []feature.Period
		until   feature.Instant
		want    []feature.Key
	}{
		"nothing":                  {rows, apart, feature.Instant(3 * day), nil},
		"one became known":         {rows, apart, feature.Instant(7 * day), []feature.Key{`["cid"]`}},
		"one is new":               {append(rows[:5:5], row("fay", 1, 1, 0, 6)), whole, feature.Instant(3 * day), []feature.Key{`["fay"]`}},
		"one is corrected":         {append(rows[:5:5], row("bob", day, day+1, 0, 6)), apart, feature.Instant(3 * day), []feature.Key{`["bob"]`}},
		"one says something else":  {append(rows[1:5:5], row("ann", 1, 5, 0, 9)), whole, feature.Instant(3 * day), []feature.Key{`["ann"]`}},
		"one is gone":              {rows[1:], apart, feature.Instant(3 * day), []feature.Key{`["ann"]`}},
		"one was posted, not here": {append(rows[:5:5], row("ann", 3, 3, 1, 6)), whole, feature.Instant(3 * day), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := made(test.rows, test.periods)
			var asked []feature.Key
			since := &feature.Since{Gone: then, New: now, Moment: feature.Instant(3 * day)}
			require.NoError(t, w.States(t.Context(), v, now, since, 0, test.until, func(key feature.Key, part feature.Part) error {
				asked = append(asked, key)
				require.Equal(t, name == "one is gone", part.Newest == nil)
				return nil
			}))
			require.Equal(t, test.want, asked)
		})
	}
}
