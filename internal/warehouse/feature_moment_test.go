package warehouse_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/warehouse"
)

// asked joins a view to one label of the entity "a" at every moment.
func asked(t *testing.T, w *warehouse.Warehouse, h history, moments ...int64) *dataset.Table {
	var labels []label
	for _, moment := range moments {
		labels = append(labels, label{[]any{"a", "b"}, float64(moment)})
	}
	made, err := w.Partition(t.Context(), h.view, h.files(t, t.TempDir(), h.rows, 1), periods(h.rows), t.TempDir())
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "out.parquet")
	require.NoError(t, w.JoinFeatures(t.Context(), base(t, t.TempDir(), labels), "asked", []feature.Join{h.join(made)}, to))
	return readTable(t, to)
}

func number(name string, aggregate feature.Aggregate, days int) feature.Feature {
	return feature.Feature{Name: name, Of: "x", Aggregate: aggregate, Over: feature.Span(days) * feature.Span(24*time.Hour)}
}

// What each rule comes to at the instants around it, by the definitions of internal/feature.
func TestWhatCountsAtAMoment(t *testing.T) {
	t.Parallel()
	a := []string{"a"}
	noon, hour := 10*day+day/2, day/24
	row := func(event, created int64, id string, x float64) said {
		return said{keys: a, event: event, created: created, id: id, values: []any{x}}
	}
	nan := math.NaN()
	for name, test := range map[string]struct {
		ttl      time.Duration
		features []feature.Feature
		rows     []said
		moments  []int64
		want     [][]float64 // by feature
	}{
		"a row counts when it is known": {
			features: []feature.Feature{number("x1", "", 0)}, rows: []said{row(noon, noon+hour, "", 7)},
			moments: []int64{noon - 1, noon, noon + hour - 1, noon + hour}, want: [][]float64{{nan, nan, nan, 7}},
		},
		"and not before it is true": {
			features: []feature.Feature{number("x1", "", 0)}, rows: []said{row(noon, noon-hour, "", 7)},
			moments: []int64{noon - hour, noon - 1, noon}, want: [][]float64{{nan, nan, 7}},
		},
		"until it is too old": {
			ttl: time.Hour, features: []feature.Feature{number("x1", "", 0), number("n", feature.Count, 3)}, rows: []said{row(noon, noon, "", 7)},
			moments: []int64{noon, noon + hour - 1, noon + hour}, want: [][]float64{{7, 7, nan}, {1, 1, nan}},
		},
		"a row that comes late is not newer": {
			features: []feature.Feature{number("x1", "", 0)}, rows: []said{row(noon, noon, "", 7), row(noon-hour, noon+hour, "", 8)},
			moments: []int64{noon, noon + hour}, want: [][]float64{{7, 7}},
		},
		"of one instant the newest version counts": {
			features: []feature.Feature{number("x1", "", 0), number("s", feature.Sum, 1)},
			rows:     []said{row(noon, noon, "", 9), row(noon, noon+hour, "", 8), row(noon, noon+2*hour, "", 7)},
			moments:  []int64{noon, noon + hour, noon + 2*hour}, want: [][]float64{{9, 8, 7}, {9, 8, 7}},
		},
		"then the greatest ID": {
			features: []feature.Feature{number("x1", "", 0), number("l", feature.Last, 1), number("s", feature.Sum, 1)},
			rows:     []said{row(noon, noon, "b", 7), row(noon, noon, "a", 9)},
			moments:  []int64{noon}, want: [][]float64{{7}, {7}, {16}},
		},
		"and what was known later, wherever it came from": {
			features: []feature.Feature{number("x1", "", 0), number("l", feature.Last, 1), number("s", feature.Sum, 1)},
			rows:     []said{row(noon, noon, "b", 7), {keys: a, event: noon, created: noon + hour, id: "a", origin: 1, values: []any{9.0}}},
			moments:  []int64{noon, noon + hour}, want: [][]float64{{7, 9}, {7, 9}, {7, 16}},
		},
		"then those of files": {
			features: []feature.Feature{number("x1", "", 0), number("l", feature.Last, 1), number("s", feature.Sum, 1)},
			rows:     []said{row(noon, noon, "a", 7), {keys: a, event: noon, created: noon, id: "a", origin: 1, values: []any{9.0}}},
			moments:  []int64{noon}, want: [][]float64{{7}, {7}, {16}},
		},
		"a window is so many days and this one so far": {
			features: []feature.Feature{number("one", feature.Count, 1), number("two", feature.Count, 2)},
			rows:     []said{row(10*day, 10*day, "", 1), row(11*day-1, 11*day-1, "", 1), row(12*day, 12*day, "", 1)},
			moments:  []int64{10 * day, 11*day - 2, 11*day - 1, 12*day - 1, 12 * day, 13*day - 1, 13 * day, 14 * day},
			want:     [][]float64{{1, 1, 2, 2, 1, 1, 1, 0}, {1, 1, 2, 2, 3, 3, 1, 1}},
		},
		"nothing is there of nobody": {
			features: []feature.Feature{number("s", feature.Sum, 1), number("m", feature.Mean, 1)}, rows: []said{row(noon, noon, "", 7)},
			moments: []int64{noon - 1, noon, noon + 5*day}, want: [][]float64{{nan, 7, 0}, {nan, 7, nan}},
		},
		"a value is one on whatever days it comes": {
			features: []feature.Feature{number("d", feature.Distinct, 3)}, rows: []said{row(noon, noon, "", 7), row(noon+day, noon+day, "", 7), row(noon+day, noon+day, "b", 8)},
			moments: []int64{noon, noon + day}, want: [][]float64{{1, 2}},
		},
		"a sum that is no 64-bit number is missing, in that window alone": {
			features: []feature.Feature{number("s", feature.Sum, 1), number("m", feature.Mean, 2), number("l", feature.Last, 2)},
			rows:     []said{row(noon, noon, "", 9e12), row(noon+day, noon+day, "", 9e12), row(noon+3*day, noon+3*day, "1", 9e12), row(noon+3*day, noon+3*day, "2", 9e12), row(noon+4*day, noon+4*day, "", -9e12)},
			moments:  []int64{noon, noon + day, noon + 2*day, noon + 3*day, noon + 4*day, noon + 5*day},
			want:     [][]float64{{9e12, nan, 9e12, nan, nan, -9e12}, {9e12, nan, nan, nan, nan, nan}, {9e12, 9e12, 9e12, 9e12, -9e12, -9e12}},
		},
		"sums are exact": {
			features: []feature.Feature{number("s", feature.Sum, 1), number("m", feature.Mean, 1), number("d", feature.Distinct, 1)},
			rows:     []said{row(noon, noon, "1", 0.1), row(noon, noon, "2", 0.2), row(noon, noon, "3", 0.3), row(noon, noon, "4", 0.1)},
			moments:  []int64{noon}, want: [][]float64{{0.7}, {0.175}, {3}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &feature.View{
				Name: "v", ID: "number", EventTimestamp: "happened", CreatedTimestamp: "recorded", TTL: feature.Span(test.ttl),
				Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}}, Features: test.features,
			}
			table := asked(t, open(t), history{keyed(v, "applicant"), test.rows}, test.moments...)
			for i, f := range test.features {
				require.Equal(t, fmt.Sprint(test.want[i]), fmt.Sprint(table.Column(f.Name).Floats), f.Name)
			}
		})
	}
}

// What became known on a day, nobody knows of which hour, is known when the day is over; what was true on one is from its beginning on.
func TestDaysOnWhichRowsBecameKnown(t *testing.T) {
	t.Parallel()
	v := &feature.View{
		Name: "v", EventTimestamp: "happened", CreatedTimestamp: "recorded", Keys: []string{"applicant"}, Types: map[string]pipeline.ColumnType{"happened": pipeline.Day, "recorded": pipeline.Day},
		Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}}, Features: []feature.Feature{number("x1", "", 0)},
	}
	rows := filepath.Join(t.TempDir(), "rows.parquet")
	writeTable(t, rows, dataset.Table{Columns: []dataset.Column{
		{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: []float64{1}}, {Name: "applicant", Kind: dataset.Text, Texts: []string{"a"}, Valid: []bool{true}},
		{Name: "happened", Kind: dataset.Date, Floats: []float64{8}}, {Name: "recorded", Kind: dataset.Date, Floats: []float64{10}}, {Name: "x", Floats: []float64{7}},
	}})
	made, err := open(t).Partition(t.Context(), v, feature.RowFiles{Files: []string{rows}}, []feature.Period{{First: 0, Last: 20}}, t.TempDir())
	require.NoError(t, err)
	var labels []label
	for _, moment := range []int64{10 * day, 11*day - 1, 11 * day} {
		labels = append(labels, label{[]any{"a", nil}, float64(moment)})
	}
	to := filepath.Join(t.TempDir(), "out.parquet")
	require.NoError(t, open(t).JoinFeatures(t.Context(), base(t, t.TempDir(), labels), "asked", []feature.Join{history{v, nil}.join(made)}, to))
	out := readTable(t, to)
	require.Equal(t, fmt.Sprint([]float64{math.NaN(), math.NaN(), 7}), fmt.Sprint(out.Column("x1").Floats))
	require.Equal(t, float64(8*day), out.Column("v_event").Floats[2])
}

// Keys that are numbers are found by their digits, also where a program wrote them as fractions: a column of whole numbers some of which are missing is one to pandas.
func TestKeysThatAreNumbers(t *testing.T) {
	t.Parallel()
	v := &feature.View{
		Name: "v", EventTimestamp: "happened", CreatedTimestamp: "recorded", Keys: []string{"applicant"},
		Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}}, Features: []feature.Feature{number("x1", "", 0)},
	}
	h := history{v, nil}
	for i, key := range []string{"17", "12345678901", "2.5", "-3"} {
		h.rows = append(h.rows, said{keys: []string{key}, values: []any{float64(i + 1)}})
	}
	made, err := open(t).Partition(t.Context(), v, h.files(t, t.TempDir(), h.rows, 1), periods(h.rows), t.TempDir())
	require.NoError(t, err)
	nan := math.NaN()
	table := dataset.Table{Columns: []dataset.Column{
		{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: []float64{1, 2, 3, 4, 5}}, {Name: "who", Kind: dataset.Float, Floats: []float64{17, 12345678901, 2.5, nan, -3}},
		{Name: "asked", Kind: dataset.Timestamp, Floats: []float64{0, 0, 0, 0, 0}},
	}}
	labels, to := filepath.Join(t.TempDir(), "labels.parquet"), filepath.Join(t.TempDir(), "out.parquet")
	writeTable(t, labels, table)
	require.NoError(t, open(t).JoinFeatures(t.Context(), source.Staged{Name: "labels", Paths: []string{labels}}, "asked", []feature.Join{h.join(made)}, to))
	require.Equal(t, fmt.Sprint([]float64{1, 2, 3, nan, 4}), fmt.Sprint(readTable(t, to).Column("x1").Floats))
}

// The table is the same with any number of threads, where several of them work side by side.
func TestTheJoinDoesNotDependOnThreads(t *testing.T) {
	t.Parallel()
	v := &feature.View{Keys: []string{"applicant"},
		Name: "v", EventTimestamp: "happened", CreatedTimestamp: "recorded", Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}},
		Features: []feature.Feature{number("newest", "", 0), number("sum", feature.Sum, 9), number("mean", feature.Mean, 9), number("last", feature.Last, 9), number("distinct", feature.Distinct, 9)},
	}
	var rows []said
	var labels []label
	for i := range int64(40_000) {
		event := i * 7919 % 100_003 * (day / 5000)
		rows = append(rows, said{keys: []string{strconv.FormatInt(i%3001, 10)}, event: event, created: event + i%11*day/4, values: []any{math.Sqrt(float64(i % 1009))}})
		labels = append(labels, label{[]any{strconv.FormatInt(i*31%3001, 10), nil}, float64(i * 6007 % 100_003 * (day / 5000))})
	}
	var made []feature.DayFiles
	var want *dataset.Table
	h, labelled := history{v, rows}, base(t, t.TempDir(), labels)
	for _, threads := range []int{1, 2, 5} {
		w := open(t).On(threads)
		if made == nil {
			var err error
			made, err = w.Partition(t.Context(), v, h.files(t, t.TempDir(), rows, 3), periods(rows), t.TempDir())
			require.NoError(t, err)
		}
		to := filepath.Join(t.TempDir(), "out.parquet")
		require.NoError(t, w.JoinFeatures(t.Context(), labelled, "asked", []feature.Join{h.join(made)}, to))
		got := readTable(t, to)
		if want == nil {
			want = got
		}
		for i, c := range want.Columns {
			require.Equal(t, c.Texts, got.Columns[i].Texts)
			require.Equal(t, fmt.Sprint(c.Floats), fmt.Sprint(got.Columns[i].Floats), c.Name)
		}
	}
	require.Greater(t, want.Column("sum").Floats[20_000], 0.0)
}

// What does not fit into memory goes to the disk: what is joined is the same, whatever goes there, of several calls at once as well.
func TestAJoinThatDoesNotFitIntoMemory(t *testing.T) {
	t.Parallel()
	v := &feature.View{Keys: []string{"applicant"}, Name: "v", EventTimestamp: "happened", CreatedTimestamp: "recorded", TTL: feature.Span(90 * 24 * time.Hour)}
	for i := range 6 {
		v.Features = append(v.Features, feature.Feature{Name: fmt.Sprintf("x%d", i), Type: pipeline.Number})
	}
	const n = 400_000
	event := func(i int) float64 { return float64(int64(i) * 7919 % 100_003 * (day / 300)) }
	rows := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}, texts("applicant"), {Name: "happened", Kind: dataset.Timestamp}, {Name: "recorded", Kind: dataset.Timestamp}}}
	labels := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}, texts("who"), {Name: "asked", Kind: dataset.Timestamp}}}
	for _, f := range v.Features {
		rows.Columns = append(rows.Columns, dataset.Column{Name: f.Name, Kind: dataset.Float})
	}
	add := func(t *dataset.Table, row int, who int, instants ...float64) {
		t.Columns[0].Floats = append(t.Columns[0].Floats, float64(row))
		t.Columns[1].Texts, t.Columns[1].Valid = append(t.Columns[1].Texts, "applicant-"+strconv.Itoa(who)), append(t.Columns[1].Valid, true)
		for k, at := range instants {
			t.Columns[2+k].Floats = append(t.Columns[2+k].Floats, at)
		}
	}
	for i := range n {
		add(&rows, i, i%(n/5), event(i), event(i)+float64(i%3)*float64(day))
		for k := range v.Features {
			rows.Columns[4+k].Floats = append(rows.Columns[4+k].Floats, math.Sqrt(float64(i*7+k)))
		}
		add(&labels, i, i*31%(n/5), event(i*31))
	}
	folder := t.TempDir()
	file := func(name string, table dataset.Table) string {
		path := filepath.Join(folder, name)
		writeTable(t, path, table)
		return path
	}
	made, err := open(t).Partition(t.Context(), v, feature.RowFiles{Files: []string{file("rows.parquet", rows)}}, []feature.Period{{First: -1, Last: 400}}, folder)
	require.NoError(t, err)
	join := feature.Join{Computable: feature.Computable{View: v, Version: 1}, Days: made, On: []string{"who"}}
	for _, f := range v.Features {
		join.Features = append(join.Features, feature.JoinedFeature{Name: f.Name, As: f.Name})
	}
	base := source.Staged{Name: "labels", Paths: []string{file("labels.parquet", labels)}}
	joined := func(w *warehouse.Warehouse, to string) error {
		return w.JoinFeatures(t.Context(), base, "asked", []feature.Join{join}, filepath.Join(folder, to))
	}
	require.NoError(t, joined(open(t), "large.parquet"))
	want, small := readTable(t, filepath.Join(folder, "large.parquet")), open(t).Small(96)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() { assert.NoError(t, joined(small, fmt.Sprintf("small%d.parquet", i))) })
	}
	all.Wait()
	for i := range 3 {
		got := readTable(t, filepath.Join(folder, fmt.Sprintf("small%d.parquet", i)))
		require.Equal(t, n, got.Rows())
		for k, c := range want.Columns {
			for row, x := range c.Floats {
				require.True(t, math.Float64bits(x) == math.Float64bits(got.Columns[k].Floats[row]), "%s of row %d", c.Name, row)
			}
		}
	}
}

// What is asked for is held against what there is, before anything is written.
func TestJoinsThatAreRefused(t *testing.T) {
	t.Parallel()
	rows := []said{{keys: []string{"a"}, event: 0, created: 0, values: []any{9e12}}, {keys: []string{"a"}, event: day, created: day, values: []any{9e12}}}
	h := history{&feature.View{Keys: []string{"applicant"},
		Name: "v", EventTimestamp: "happened", CreatedTimestamp: "recorded", Columns: []pipeline.Column{{Name: "x", Type: pipeline.Number}},
		Features: []feature.Feature{number("newest", "", 0), number("sum", feature.Sum, 9)},
	}, rows}
	w, in := open(t), t.TempDir()
	made, err := w.Partition(t.Context(), h.view, h.files(t, in, rows, 1), periods(rows), in)
	require.NoError(t, err)
	labels := base(t, in, []label{{[]any{"a", "b"}, float64(day)}})
	twice := source.Staged{Name: "labels", Paths: labels.Paths[:1]}
	twice.Paths = append(twice.Paths, twice.Paths...)
	for want, change := range map[string]func(j *feature.Join, base *source.Staged, moment *string){
		`labels has no column "moment", which features are joined by`:              func(_ *feature.Join, _ *source.Staged, moment *string) { *moment = "moment" },
		`labels: column "who" is of type VARCHAR; a date or a timestamp is wanted`: func(_ *feature.Join, _ *source.Staged, moment *string) { *moment = "who" },
		`labels has no column "whom", by which view "v" finds applicant`:           func(j *feature.Join, _ *source.Staged, _ *string) { j.On = []string{"whom"} },
		`view "v" is of 1 keys, and 2 columns of labels are to hold them`:          func(j *feature.Join, _ *source.Staged, _ *string) { j.On = []string{"who", "where"} },
		`view "v" has no feature "oldest"`:                                         func(j *feature.Join, _ *source.Staged, _ *string) { j.Features[0].Name = "oldest" },
		`view "v" has a column "WHO" as the relations before it have "who"`:        func(j *feature.Join, _ *source.Staged, _ *string) { j.Features[0].As = "WHO" },
		`view "v" has a column "sum" as the relations before it have "sum"`:        func(j *feature.Join, _ *source.Staged, _ *string) { j.Event = "sum" },
		`rows repeat loanops_row; a join must not multiply rows`: func(j *feature.Join, base *source.Staged, _ *string) {
			j.Features, *base = j.Features[:1], twice
		},
	} {
		j, base, moment, to := h.join(made), labels, "asked", filepath.Join(t.TempDir(), "out.parquet")
		change(&j, &base, &moment)
		err := w.JoinFeatures(t.Context(), base, moment, []feature.Join{j}, to)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", want, err)
		require.ErrorContains(t, err, want)
		require.NoFileExists(t, to)
	}
	j := h.join(append(made, made[0]))
	require.Error(t, w.JoinFeatures(t.Context(), labels, "asked", []feature.Join{j}, filepath.Join(t.TempDir(), "out.parquet")), "a day of two partitions")
}
