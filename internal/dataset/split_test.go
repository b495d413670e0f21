package dataset_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// loans is a spec of a table with an id, a day, a branch, an amount and an outcome.
func loans(split pipeline.Split) pipeline.Spec {
	return pipeline.Spec{
		Label: pipeline.Label{Column: "bad", Positive: "1", Negative: "0"}, Entity: "id", Time: "day", Ignore: []string{"branch"},
		Columns: []pipeline.Column{{Name: "amount", Type: pipeline.Number}}, Split: split,
	}
}

// shares are those of every test here.
func shares(by pipeline.SplitBy) pipeline.Split {
	return pipeline.Split{By: by, Train: 0.6, Validation: 0.2, Test: 0.2, Seed: 3}
}

type loan struct {
	id, branch string
	day        float64
	amount     float64
	bad        bool
}

func tableOf(loans ...loan) dataset.Table {
	t := dataset.Table{Columns: []dataset.Column{
		{Name: "id", Kind: dataset.Text}, {Name: "branch", Kind: dataset.Text}, {Name: "day", Kind: dataset.Date}, {Name: "amount"}, {Name: "bad", Kind: dataset.Text},
	}}
	text := func(c *dataset.Column, value string) {
		c.Texts, c.Valid = append(c.Texts, value), append(c.Valid, value != "")
	}
	for _, l := range loans {
		text(&t.Columns[0], l.id)
		text(&t.Columns[1], l.branch)
		t.Columns[2].Floats = append(t.Columns[2].Floats, l.day)
		t.Columns[3].Floats = append(t.Columns[3].Floats, l.amount)
		text(&t.Columns[4], map[bool]string{true: "1", false: "0"}[l.bad])
	}
	return t
}

// draw draws loans of few branches, days and amounts.
func draw(t *rapid.T) []loan {
	loans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) loan {
		return loan{
			branch: rapid.SampledFrom([]string{"", "north", "south", "east", "west", "5", "6", "7", "8", "9"}).Draw(t, "branch"),
			day:    float64(rapid.IntRange(0, 40).Draw(t, "day")), amount: float64(rapid.IntRange(0, 20).Draw(t, "amount")), bad: rapid.Bool().Draw(t, "bad"),
		}
	}), 0, 120).Draw(t, "loans")
	for i := range loans {
		loans[i].id = "L" + strconv.Itoa(i)
	}
	return loans
}

// Days by hand: two loans on each of ten days. The borders of 0.6, 0.2 and 0.2 are the days 6 and 8, so an embargo of one day leaves out the days 5
// and 7, and of two days 4 and 5, and 6 and 7, which is all of validation.
func TestAnEmbargoLeavesOutTheDaysBeforeABorder(t *testing.T) {
	t.Parallel()
	var rows []loan
	for day := range 10 {
		rows = append(rows, loan{id: fmt.Sprint(day, "a"), day: float64(day), bad: true}, loan{id: fmt.Sprint(day, "b"), day: float64(day)})
	}
	table := tableOf(rows...)
	table.Columns[4].Valid[0] = false // a row without a label is in no embargo
	table.Columns[4].Valid[10] = false
	spec := loans(shares("time"))
	for days, want := range map[int][3][]float64{0: {{0, 1, 1, 2, 2, 3, 3, 4, 4, 5}, {6, 6, 7, 7}, {8, 8, 9, 9}}, 1: {{0, 1, 1, 2, 2, 3, 3, 4, 4}, {6, 6}, {8, 8, 9, 9}}} {
		spec.Split.EmbargoDays = days
		s := dataset.NewSplitter(spec, time.Time{})
		marks, err := s.Mark(table)
		require.NoError(t, err)
		d, err := s.Divide([]dataset.Marks{marks})
		require.NoError(t, err)
		for subset, part := range d.Deal(table, 0) {
			require.Equal(t, want[subset], part.Column("day").Floats, "%d days, %s", days, dataset.Subset(subset))
			require.Equal(t, d.Rows[subset], part.Rows())
		}
		require.Equal(t, 3*days, d.Embargoed)
	}
	spec.Split.EmbargoDays = 2
	_, _, _, err := split(spec, table, time.Time{})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "the validation part has 0 rows with 0 positive labels (the embargo leaves out 7 rows)")
}

// A timestamp is split by its day in UTC.
func TestTimestampsAreSplitByDay(t *testing.T) {
	t.Parallel()
	var rows []loan
	for i := range 20 {
		rows = append(rows, loan{id: fmt.Sprint(i), day: (float64(i/2) + 0.4*float64(i%2)) * 24 * 3600 * 1e6, bad: i%2 == 0})
	}
	table := tableOf(rows...)
	table.Columns[2].Kind = dataset.Timestamp
	train, validation, test, err := split(loans(shares("time")), table, time.Time{})
	require.NoError(t, err)
	require.Equal(t, [3]int{12, 4, 4}, [3]int{train.Rows(), validation.Rows(), test.Rows()})
}

// Rows of each class, when all are different, are shared as the spec says, within one row.
func TestStratifiedSharesAreThoseOfEachClass(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := draw(t)
		parts := [3]dataset.Table{}
		var err error
		if parts[0], parts[1], parts[2], err = split(loans(shares("stratified")), tableOf(rows...), time.Time{}); err != nil {
			require.Equal(t, fault.Refused, fault.CodeOf(err))
			return
		}
		for _, class := range []string{"0", "1"} {
			total, held := 0, [3]int{}
			for i, part := range parts {
				for _, label := range part.Column("bad").Texts {
					if label == class {
						held[i]++
						total++
					}
				}
			}
			for i, share := range []float64{0.6, 0.2, 0.2} {
				require.InDelta(t, share*float64(total), held[i], 1, "class %s: %v", class, held)
			}
		}
		slices.Reverse(rows)
		again, _, _, err := split(loans(shares("stratified")), tableOf(rows...), time.Time{})
		require.NoError(t, err)
		require.ElementsMatch(t, parts[0].Column("id").Texts, again.Column("id").Texts, "the order of the rows does not matter")
	})
}

// By hand: of four different rows of a class, each ten times, the middles are at 1/8, 3/8, 5/8 and 7/8: two train, one validates (0.6 <= 0.625 < 0.8), one tests.
func TestEqualRowsStayTogetherWhereAClassIsCut(t *testing.T) {
	t.Parallel()
	var rows []loan
	for i := range 80 {
		rows = append(rows, loan{amount: float64(i % 4), bad: i%8 < 4})
	}
	spec := loans(shares("stratified"))
	spec.Entity = ""
	train, validation, test, err := split(spec, tableOf(rows...), time.Time{})
	require.NoError(t, err)
	require.Equal(t, [3]int{40, 20, 20}, [3]int{train.Rows(), validation.Rows(), test.Rows()})
}

// Rows of one entity are of one class for the split, whatever their labels.
func TestAnEntityWithTwoLabelsIsCutByNoClass(t *testing.T) {
	t.Parallel()
	var rows []loan
	for i := range 200 {
		rows = append(rows, loan{id: strconv.Itoa(i / 2), bad: i%2 == 0 || i%6 == 1})
	}
	spec := loans(shares("stratified"))
	train, validation, test, err := split(spec, tableOf(rows...), time.Time{})
	require.NoError(t, err)
	require.NoError(t, check(spec, train, validation, test))
}

// A row without a group goes where the hash of its entity, or of its content, sends it.
func TestARowWithoutAGroupIsAGroup(t *testing.T) {
	t.Parallel()
	for _, entity := range []string{"id", ""} {
		var rows []loan
		for i := range 300 {
			rows = append(rows, loan{id: strconv.Itoa(i), amount: float64(i / 2), bad: i%3 == 0})
		}
		grouped := loans(shares("grouped"))
		grouped.Split.Group, grouped.Entity = "branch", entity
		hash := loans(shares("hash"))
		hash.Entity = entity
		want, _, _, err := split(hash, tableOf(rows...), time.Time{})
		require.NoError(t, err)
		got, _, _, err := split(grouped, tableOf(rows...), time.Time{})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestSplitNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	table := tableOf(loan{id: "secret", bad: true}, loan{id: "b", day: math.NaN()})
	for _, test := range []struct {
		by, without, says string
	}{
		{"hash", "id", `the entity column "id" is missing`},
		{"stratified", "id", `the entity column "id" is missing`},
		{"grouped", "branch", `the group column "branch" is missing`},
		{"time", "day", `the time column "day" is missing or not a date`},
		{"time", "", `the time column "day" is missing in a row with a label`},
		{"time", "bad", `the label column "bad" is missing`},
	} {
		spec := loans(shares(pipeline.SplitBy(test.by)))
		spec.Split.Group = "branch"
		lacking := dataset.Table{}
		for _, c := range table.Columns {
			if c.Name != test.without {
				lacking.Columns = append(lacking.Columns, c)
			}
		}
		_, err := dataset.NewSplitter(spec, time.Time{}).Mark(lacking)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, test.says)
		require.NotContains(t, err.Error(), "secret")
	}
}

// The batches in which rows come do not matter, nor do columns that are not asked for.
func TestSplitByBatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spec, table := anySplit(t)
		want := [3]dataset.Table{}
		var err error
		if want[0], want[1], want[2], err = split(spec, table, time.Time{}); err != nil {
			return
		}
		s := dataset.NewSplitter(spec, time.Time{})
		var marks []dataset.Marks
		var batches []dataset.Table
		for from := 0; from < table.Rows(); {
			to := min(table.Rows(), from+rapid.IntRange(1, 50).Draw(t, "batch"))
			var rows []int
			for row := from; row < to; row++ {
				rows = append(rows, row)
			}
			batch := table.Select(rows)
			narrow := dataset.Table{}
			for _, c := range batch.Columns {
				if slices.Contains(s.Columns(table.Fields()), c.Name) {
					narrow.Columns = append(narrow.Columns, c)
				}
			}
			m, err := s.Mark(narrow)
			require.NoError(t, err)
			marks, batches, from = append(marks, m), append(batches, batch), to
		}
		d, err := s.Divide(marks)
		require.NoError(t, err)
		var ids [3][]string
		first := 0
		for _, batch := range batches {
			for subset, part := range d.Deal(batch, first) {
				ids[subset] = append(ids[subset], part.Column("id").Texts...)
			}
			first += batch.Rows()
		}
		for subset := range ids {
			require.Equal(t, want[subset].Column("id").Texts, ids[subset])
		}
	})
}

func anySplit(t *rapid.T) (pipeline.Spec, dataset.Table) {
	spec := loans(shares(rapid.SampledFrom(pipeline.SplitWays).Draw(t, "by")))
	switch spec.Split.By {
	case "time":
		spec.Split.EmbargoDays = rapid.IntRange(0, 5).Draw(t, "embargo")
	case "grouped":
		spec.Split.Group = "branch"
	}
	if rapid.Bool().Draw(t, "without entities") {
		spec.Entity = ""
	}
	return spec, tableOf(draw(t)...)
}
