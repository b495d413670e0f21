package warehouse_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/pipeline"
)

// Every entity is there once, with what a join finds of it when the newest row was known: a TTL is kept, and what is not true by then does not count.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	v := &feature.View{
		Name: "visits", Keys: []string{"person", "branch"}, EventTimestamp: "at", CreatedTimestamp: "told", ID: "visit", TTL: feature.Span(10 * 24 * time.Hour),
		Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}},
		Features: []feature.Feature{
			{Name: "newest", Of: "x"}, {Name: "sum_3d", Of: "x", Aggregate: feature.Sum, Over: feature.Span(3 * 24 * time.Hour)},
		},
	}
	row := func(person, branch string, event, created int64, id string, x any) said {
		return said{keys: []string{person, branch}, event: event, created: created, id: id, values: []any{x}}
	}
	rows := []said{
		row("ann", "n", 20*day, 20*day, "1", 1.5), row("ann", "n", 21*day, 22*day, "2", 2.0), // the newest row that is told of
		row("ann", "s", 2*day, 2*day, "3", 7.0),      // too old by then
		row("bob", "n", 22*day, 22*day, "4", nil),    // says nothing of x
		row("cid", "n", 30*day, 21*day, "5", 4.0),    // will be true
		row("dan", "n", 19*day, 19*day+1, "6", 10.0), // its day is in the window, 19 being three days before 22
	}
	w, folder := open(t), t.TempDir()
	days, err := w.Partition(t.Context(), v, history{v, rows}.files(t, folder, rows, 1), periods(rows), t.TempDir())
	require.NoError(t, err)
	file, extent, err := w.Snapshot(t.Context(), v, days, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, snapshot.Extent{At: feature.Instant(22 * day), Newest: feature.Instant(22 * day), Entities: 5}, extent)
	table := readTable(t, file)
	require.Equal(t, []string{"ann", "ann", "bob", "cid", "dan"}, table.Column("loanops_key0").Texts)
	nan := math.NaN()
	same(t, []float64{2, nan, nan, nan, 10}, table.Column("newest").Floats)
	same(t, []float64{3.5, nan, 0, nan, 10}, table.Column("sum_3d").Floats)

	described := snapshot.Describe(*table.Column("newest"))
	require.Equal(t, []any{"newest", 3, 2}, []any{described.Name, described.Missing, described.Distinct})
	require.Equal(t, []float64{2, 6, 10}, []float64{described.Numbers.Min, described.Numbers.Mean, described.Numbers.Max})
}

func TestSnapshotOfNothing(t *testing.T) {
	t.Parallel()
	file, extent, err := open(t).Snapshot(t.Context(), payments(), nil, t.TempDir())
	require.NoError(t, err)
	require.Empty(t, file)
	require.Equal(t, snapshot.Extent{}, extent)
	_, _, err = open(t).Snapshot(t.Context(), payments(), []feature.DayFiles{{Rows: filepath.Join(t.TempDir(), "gone.parquet")}}, t.TempDir())
	require.Error(t, err)
}

// same compares numbers of which some are missing.
func same(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, want[i] == got[i] || math.IsNaN(want[i]) && math.IsNaN(got[i]), "%d: %v is %v", i, got[i], want[i])
	}
}

// A text that few entities have is not told, for it may be of one person.
func TestSnapshotTellsNoRareTexts(t *testing.T) {
	t.Parallel()
	c := dataset.Column{Name: "town", Kind: dataset.Text}
	for i := range 20 {
		c.Texts, c.Valid = append(c.Texts, map[bool]string{true: "here", false: "a farm of one"}[i > 0]), append(c.Valid, true)
	}
	described := snapshot.Describe(c)
	require.Len(t, described.Top, 1)
	require.Equal(t, "here", described.Top[0].Text)
}
