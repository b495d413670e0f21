package warehouse_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// contents are partitions by what their files hold.
func contents(t require.TestingT, made []feature.DayFiles) map[feature.Period][2]string {
	days := map[feature.Period][2]string{}
	for _, p := range made {
		rows, err := os.ReadFile(p.Rows)
		require.NoError(t, err)
		var tiles []byte
		if p.Tiles != "" {
			tiles, err = os.ReadFile(p.Tiles)
			require.NoError(t, err)
		}
		days[p.Period] = [2]string{string(rows), string(tiles)}
	}
	return days
}

// touched are the periods that have days of rows.
func touched(periods []feature.Period, rows []said) []feature.Period {
	return slices.DeleteFunc(slices.Clone(periods), func(p feature.Period) bool {
		return !slices.ContainsFunc(rows, func(r said) bool {
			return p.First <= feature.Instant(r.event).Day() && feature.Instant(r.event).Day() <= p.Last
		})
	})
}

// Rows that come later, be they late ones or corrections, change the periods that they touch: computing these anew gives the bytes of a computation from
// scratch, and no other one has changed. Neither the order of rows and files nor the number of threads is in the bytes.
func TestPartitionsAreTheSameFromScratch(t *testing.T) {
	t.Parallel()
	w := open(t)
	rapid.Check(t, func(r *rapid.T) {
		folder := folder(t)
		defer os.RemoveAll(folder)
		h, periods := drawHistory(r, "v"), drawPeriods(r)
		at := func(name string) string {
			path := filepath.Join(folder, name)
			require.NoError(r, os.Mkdir(path, 0o700))
			return path
		}
		compute := func(name string, rows []said, parts, threads int, periods []feature.Period) map[feature.Period][2]string {
			folder := at(name)
			made, err := w.On(threads).Partition(t.Context(), h.view, h.files(r, folder, rows, parts), periods, folder)
			require.NoError(r, err)
			return contents(r, made)
		}
		whole := compute("whole", h.rows, 1, 1, periods)
		require.Equal(r, whole, compute("again", rapid.Permutation(h.rows).Draw(r, "shuffled"), 3, 3, periods))

		before := rapid.IntRange(0, len(h.rows)).Draw(r, "before")
		grown := compute("before", h.rows[:before], 2, 2, periods)
		for period, made := range compute("after", h.rows, 2, 2, touched(periods, h.rows[before:])) {
			grown[period] = made
		}
		require.Equal(r, whole, grown)
	})
}

// A large day of many row groups is the same bytes as well.
func TestALargeDayIsTheSameBytes(t *testing.T) {
	t.Parallel()
	v := bureau()
	v.Features = append(v.Features, feature.Feature{Name: "sum", Of: "ratio", Aggregate: feature.Sum, Over: feature.Span(24 * time.Hour)})
	var rows []said
	for i := range 150_000 { // a row group has 122,880
		rows = append(rows, said{keys: []string{strconv.Itoa(i * 7919 % 100_003)}, event: int64(i % 977 * 1000), created: int64(i), values: []any{float64(i), math.Sqrt(float64(i))}})
	}
	h, folder := history{v, rows}, t.TempDir()
	first, err := open(t).On(1).Partition(t.Context(), v, h.files(t, folder, rows, 1), []feature.Period{{First: -1, Last: -1}, {}}, t.TempDir())
	require.NoError(t, err)
	require.Len(t, first, 1)
	require.EqualValues(t, 150_000, first[0].Count)
	slices.Reverse(rows)
	rows = append(rows, said{keys: []string{"of the day after"}, event: day, created: day, values: []any{1.0, 1.0}})
	second, err := open(t).On(4).Partition(t.Context(), v, h.files(t, folder, rows, 4), []feature.Period{{}}, t.TempDir())
	require.NoError(t, err)
	require.Len(t, second, 1)
	require.Equal(t, contents(t, first), contents(t, second))
}

// The files of a period can be read with nothing but Parquet: instants, days and amounts are such.
func TestFilesOfAPeriod(t *testing.T) {
	t.Parallel()
	over := feature.Span(24 * time.Hour)
	v := &feature.View{Keys: []string{"applicant_id"},
		Name: "payments", ID: "payment_id", EventTimestamp: "due_at", CreatedTimestamp: "recorded_at",
		Columns: []pipeline.Column{{Name: "amount", Type: pipeline.Decimal}, {Name: "late", Type: pipeline.Boolean}},
		Features: []feature.Feature{
			{Name: "late_1d", Of: "late", Aggregate: feature.Sum, Over: over}, {Name: "payments_1d", Aggregate: feature.Count, Over: over},
			{Name: "mean", Of: "amount", Aggregate: feature.Mean, Over: over}, {Name: "newest", Of: "amount", Aggregate: feature.Last, Over: over},
		},
	}
	noon := day/2 + 20_000*day
	ann := []string{"ann"}
	rows := []said{
		{keys: ann, event: noon, created: noon + 5, id: "p1", values: []any{10.5, 0.0}},
		{keys: ann, event: noon, created: noon + 5, id: "p1", values: []any{10.5, 0.0}},
		{keys: ann, event: noon, created: noon + 9, id: "p1", values: []any{10.25, 1.0}}, // a correction
		{keys: ann, event: noon + 1, created: noon, id: "p2", values: []any{nil, 1.0}},
	}
	made, err := open(t).Partition(t.Context(), v, history{v, rows}.files(t, t.TempDir(), rows, 1), periods(rows), t.TempDir())
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.Equal(t, feature.Period{First: 19_997, Last: 20_027}, made[0].Period, "October 2024")
	require.Equal(t, 1, made[0].Days)
	require.EqualValues(t, 3, made[0].Count, "equal rows are one")
	require.Equal(t, "rows-2024-10-01.parquet", filepath.Base(made[0].Rows))
	table := readTable(t, made[0].Rows)
	require.Equal(t, []dataset.Field{
		{Name: "applicant_id", Kind: dataset.Text}, {Name: "event_timestamp", Kind: dataset.Timestamp}, {Name: "created_timestamp", Kind: dataset.Timestamp},
		{Name: "known_timestamp", Kind: dataset.Timestamp}, {Name: "row_id", Kind: dataset.Text}, {Name: "origin", Kind: dataset.Integer},
		{Name: "amount", Kind: dataset.Decimal}, {Name: "late", Kind: dataset.Boolean},
	}, table.Fields())
	require.Equal(t, []float64{float64(noon + 5), float64(noon + 9), float64(noon + 1)}, table.Column("known_timestamp").Floats)
	tiles := readTable(t, made[0].Tiles)
	require.Equal(t, []float64{float64(noon + 1), float64(noon + 5), float64(noon + 9)}, tiles.Column("known_timestamp").Floats)
	for name, want := range map[string][]float64{
		"day": {20_000, 20_000, 20_000}, "sum_late": {1, 1, 2}, "count": {1, 2, 2}, "sum_amount": {0, 105_000, 102_500}, "count_amount": {0, 1, 1},
		"last_event_amount": {math.NaN(), float64(noon), float64(noon)},
	} {
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(tiles.Column(name).Floats), name)
	}
	require.Equal(t, "[NaN 10.5 10.25]", fmt.Sprint(tiles.Column("last_amount").Floats))
	require.Equal(t, []bool{true, true, false}, []bool{!tiles.Column("until_timestamp").Missing(0), !tiles.Column("until_timestamp").Missing(1), !tiles.Column("until_timestamp").Missing(2)})
}

// Rows that cannot be are counted, and their values are not told.
func TestRowsThatAreRefused(t *testing.T) {
	t.Parallel()
	v := bureau()
	v.ID = "number"
	v.Features = append(v.Features, feature.Feature{Name: "sum", Of: "ratio", Aggregate: feature.Sum, Over: feature.Span(24 * time.Hour)},
		feature.Feature{Name: "scores", Of: "score", Aggregate: feature.Sum, Over: feature.Span(24 * time.Hour)})
	row := func(event int64, id string, score, ratio any) said {
		return said{keys: []string{"Ann"}, event: event, created: event, id: id, values: []any{score, ratio}}
	}
	most := 9007199254740992.0
	for _, test := range []struct {
		rows []said
		want string
	}{
		{[]said{row(0, "7", 1.0, nil), row(0, "7", 2.0, nil), row(0, "7", nil, nil), row(1, "7", 1.0, nil), row(0, "8", 1.0, nil), row(0, "7", 1.0, nil)},
			`view "bureau": 2 rows repeat applicant_id, reported_at, number, received_at, and differ; a correction has a newer received_at, and rows of one instant an id of their own`},
		{[]said{row(0, "7", 1.0, 1e15), row(1, "7", 1.0, -1e18), row(2, "7", 1.0, 9e12)}, `view "bureau": 2 values of "ratio" are too large to be taken to 6 decimals`},
		{[]said{row(0, "1", 1.0, 9e12), row(0, "2", 1.0, 9e12)}, ""},
		{nil, ""},
		{slices.Repeat([]said{row(0, "1", most, 0.0)}, 3), ""},
	} {
		folder := t.TempDir()
		made, err := open(t).Partition(t.Context(), v, history{v, test.rows}.files(t, folder, test.rows, 1), periods(test.rows), folder)
		if test.want == "" {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		require.EqualError(t, err, test.want)
		require.Empty(t, made)
		left, err := filepath.Glob(filepath.Join(folder, "[rst]*"))
		require.NoError(t, err)
		require.Empty(t, left, "nothing is half written")
	}
	table := history{v, nil}.table([]said{row(0, "7", 1.0, nil), row(0, "7", 1.0, nil), row(0, "7", 1.0, nil)})
	table.Columns[0].Valid[0] = false
	table.Columns[1].Floats[1] = math.NaN()
	path := filepath.Join(t.TempDir(), "in.parquet")
	writeTable(t, path, table)
	_, err := open(t).Partition(t.Context(), v, feature.RowFiles{Log: []string{path}}, []feature.Period{{}}, t.TempDir())
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.EqualError(t, err, `view "bureau": 2 rows lack one of applicant_id, reported_at, received_at, which every row has`)
	writeTable(t, path, dataset.Table{Columns: table.Columns[1:]})
	_, err = open(t).Partition(t.Context(), v, feature.RowFiles{Log: []string{path}}, []feature.Period{{}}, t.TempDir())
	require.EqualError(t, err, `view "bureau": its rows have no column "applicant_id"`)
	v.Keys = []string{"Origin"}
	_, err = open(t).Partition(t.Context(), v, feature.RowFiles{}, []feature.Period{{}}, t.TempDir())
	require.EqualError(t, err, `view "bureau": its files would have a column "origin" beside "Origin"; rename it`)
}

// A column of dates is the beginnings of these days.
func TestInstantsThatAreDates(t *testing.T) {
	t.Parallel()
	v := bureau()
	table := history{v, nil}.table([]said{{keys: []string{"a"}, values: []any{nil, nil}}})
	table.Columns[1] = dataset.Column{Name: "reported_at", Kind: dataset.Date, Floats: []float64{-3}}
	path := filepath.Join(t.TempDir(), "in.parquet")
	writeTable(t, path, table)
	made, err := open(t).Partition(t.Context(), v, feature.RowFiles{Files: []string{path}}, []feature.Period{{First: -3, Last: 0}}, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, feature.Period{First: -3, Last: 0}, made[0].Period)
	require.Equal(t, []float64{float64(-3 * day)}, readTable(t, made[0].Rows).Column("event_timestamp").Floats)
	table.Columns[1] = texts("reported_at", "yesterday")
	writeTable(t, path, table)
	_, err = open(t).Partition(t.Context(), v, feature.RowFiles{Files: []string{path}}, []feature.Period{{First: -3, Last: 0}}, t.TempDir())
	require.EqualError(t, err, `view "bureau": column "reported_at" is of type VARCHAR; a date or a timestamp is wanted`)
}
