package infer

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/source"
)

// memoryRows is a relation of columns of texts, cut into slices of so many rows.
type memoryRows struct {
	columns [][]string
	slice   int
	at      int
}

func (m *memoryRows) Columns() []string {
	names := make([]string, len(m.columns))
	for i := range names {
		names[i] = fmt.Sprintf("x%d", i)
	}
	return names
}

func (m *memoryRows) Notes() []string { return nil }

func (m *memoryRows) Close() error { return nil }

func (m *memoryRows) Next(context.Context) (source.Slice, error) {
	from := m.at
	to := min(from+m.slice, len(m.columns[0]))
	if from == to {
		return source.Slice{}, io.EOF
	}
	m.at = to
	return source.Slice{First: int64(from), Decode: func(context.Context) (arrow.RecordBatch, error) {
		fields, arrays := make([]arrow.Field, len(m.columns)), make([]arrow.Array, len(m.columns))
		for i, name := range m.Columns() {
			fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
			b := array.NewStringBuilder(memory.DefaultAllocator)
			b.AppendValues(m.columns[i][from:to], nil)
			arrays[i] = b.NewArray()
		}
		return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(to-from)), nil
	}}, nil
}

// judged are the columns of rows that were cut and shared in some way.
func judged(t rapid.TB, columns [][]string, slice, workers int) []Column {
	t.Helper()
	rows := &memoryRows{columns: columns, slice: slice}
	all, total, err := read(context.Background(), rows, Input{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	var out []Column
	for i, name := range rows.Columns() {
		out = append(out, judge(name, total.rows, &all[i]))
	}
	return out
}

// However rows are cut and shared, the columns are the same.
func TestSlicesAddUp(t *testing.T) {
	t.Parallel()
	pools := [][]string{
		{"1", "2", "3", "-9", "999", "NA", ""}, {"yes", "no", "None"}, {"1/2/2026", "3/4/26", "31/12/2025"}, {"$1", "2,000", "1.5"},
		{"a", " a", "b", "c\u00a0"}, {"2026-06-30T15:04:05", "2026-06-30T15:04:05Z"},
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 60).Draw(t, "rows")
		columns := make([][]string, rapid.IntRange(1, 4).Draw(t, "columns"))
		for i := range columns {
			pool := rapid.SampledFrom(pools).Draw(t, "pool")
			for range rows {
				columns[i] = append(columns[i], rapid.SampledFrom(pool).Draw(t, "value"))
			}
		}
		whole := judged(t, columns, rows, 1)
		cut := judged(t, columns, rapid.IntRange(1, rows).Draw(t, "slice"), rapid.IntRange(1, 5).Draw(t, "workers"))
		require.Equal(t, whole, cut)
	})
}

// More different values than are counted: columns that may be keys are followed to their end, of others it is not known whether a value stands twice.
func TestMoreDifferentValuesThanAreCounted(t *testing.T) {
	t.Parallel()
	const rows = 210_000
	columns := make([][]string, maxFollowed+4)
	for i := range columns {
		columns[i] = make([]string, rows)
		for row := range rows {
			columns[i][row] = fmt.Sprintf("K%d-%d", i, row)
		}
	}
	columns[0][rows-1] = columns[0][0] // the last row repeats the first
	for row := range rows {
		columns[1][row] = strings.Repeat("v", 1+row%3)
		columns[2][row] = fmt.Sprintf("%d.%d", row, 1+row%9)
	}
	columns[2][1] = columns[2][0] // seen twice before it is given up
	for _, workers := range []int{1, 3} {
		out := judged(t, columns, 50_000, workers)
		require.False(t, *out[0].Unique)
		require.False(t, *out[1].Unique)
		require.Equal(t, int64(3), out[1].Distinct)
		require.False(t, *out[2].Unique)
		require.True(t, out[2].DistinctMore)
		require.True(t, *out[3].Unique)
		require.Equal(t, int64(rows), out[3].Distinct)
		require.False(t, out[3].DistinctMore)
		require.True(t, *out[maxFollowed+1].Unique, "the first and seven more")
		require.Nil(t, out[maxFollowed+2].Unique, "not followed, so nobody knows")
		require.True(t, out[maxFollowed+2].DistinctMore)
		require.Equal(t, int64(100_000), out[maxFollowed+2].Distinct)
		require.Contains(t, out[maxFollowed+2].comment(), "not known")
	}
}

// Whole numbers and texts are followed, not numbers with fractions, days or instants; names that identify come first; and so many values of all of them.
func TestWhoIsFollowed(t *testing.T) {
	t.Parallel()
	names := []string{"ratio", "day", "code", "amount", "gaps", "count", "loan_id", "again"}
	values := []func(int) string{
		func(i int) string { return fmt.Sprintf("%d.5", i) }, func(i int) string { return fmt.Sprintf("2026-%02d-%02d", 1+i/28, 1+i%28) },
		func(i int) string { return fmt.Sprintf("c%d", i) }, func(i int) string { return fmt.Sprintf("$%d.25", i) },
		func(i int) string { return strings.TrimSuffix(fmt.Sprintf("g%d", i), "g0") }, func(i int) string { return fmt.Sprint(i) },
		func(i int) string { return fmt.Sprintf("L%d", i) }, func(i int) string { return fmt.Sprintf("a%d", i/2) },
	}
	for _, test := range []struct {
		most int
		want []string
	}{{1000, []string{"code", "count", "loan_id"}}, {299, []string{"code", "loan_id"}}, {199, []string{"loan_id"}}, {99, nil}} {
		all := make([]tally, len(names))
		for k := range all {
			all[k].count(array.NewNull(0), nil, false)
			for i := range 100 {
				all[k].look(values[k](i), 1)
			}
		}
		follow(names, all, 40, test.most)
		var followed []string
		for k := range all {
			if !all[k].more {
				followed = append(followed, names[k])
			}
		}
		require.Equal(t, test.want, followed, test.most)
	}
}

// Worked by hand.
func TestWordsOfNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"LoanNr_ChkDgt": "loan nr chk dgt", "MIS_Status": "mis status", "age.in.years": "age in years", "PAY_0": "pay 0", "customerID": "customer id",
		"SBAAppv": "sba appv", "Größe": "größe", "zip3": "zip 3", "": "",
	} {
		require.Equal(t, want, strings.Join(wordsOf(name), " "), name)
	}
}

// Every format of dates is one of a spec, and no text fits two of a family.
func TestFamiliesOfDates(t *testing.T) {
	t.Parallel()
	for i, family := range dateFamilies {
		for k, format := range family {
			text := strings.NewReplacer("YYYY", "2031", "YY", "31", "MMM", "Dec", "MM", "12", "DD", "30", "M", "12", "D", "30").Replace(format)
			r := reading{}
			r.read(text, everyForm)
			require.NotZero(t, r.fits&familyForm(i), text)
			for other := range family {
				require.Equal(t, other == k, r.fits&dateReaders[i][other].form != 0, text)
			}
		}
	}
}
