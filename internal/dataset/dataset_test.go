package dataset_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/pipelines"
)

func shipped(t testing.TB) pipeline.Spec {
	data, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err := pipeline.Parse("loan-eligibility.yaml", data)
	require.NoError(t, err)
	return spec
}

// knownAt is the day on which the population is known.
var knownAt = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)

func encoded(t dataset.Table) ([]byte, error) {
	var out bytes.Buffer
	err := dataset.WriteParquet(&out, t)
	return out.Bytes(), err
}

func population(t testing.TB) (pipeline.Spec, dataset.Table) {
	spec := shipped(t)
	simulation := *spec.Source.Simulate
	simulation.Rows = 4000
	return spec, simulate.Flat(simulation, time.Time{})
}

// split divides a table that is one batch.
func split(spec pipeline.Spec, table dataset.Table, knownAt time.Time) (train, validation, test dataset.Table, err error) {
	s := dataset.NewSplitter(spec, knownAt)
	marks, err := s.Mark(table)
	if err != nil {
		return train, validation, test, err
	}
	d, err := s.Divide([]dataset.Marks{marks})
	if err != nil {
		return train, validation, test, err
	}
	parts := d.Deal(table, 0)
	return parts[dataset.Train], parts[dataset.Validation], parts[dataset.Test], nil
}

func TestParquetRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "rows")
		table := dataset.Table{Columns: []dataset.Column{
			{Name: "f", Kind: dataset.Float}, {Name: "d", Kind: dataset.Date}, {Name: "t", Kind: dataset.Text},
			{Name: "i", Kind: dataset.Integer}, {Name: "b", Kind: dataset.Boolean}, {Name: "m", Kind: dataset.Decimal}, {Name: "at", Kind: dataset.Timestamp},
		}}
		for range n {
			valid := rapid.Bool().Draw(t, "valid")
			text := ""
			if valid {
				text = rapid.String().Draw(t, "text")
			}
			f, d := rapid.Float64Range(-1e300, 1e300).Draw(t, "f"), float64(rapid.IntRange(-1e5, 1e5).Draw(t, "d"))
			if rapid.Bool().Draw(t, "missing") {
				f, d = math.NaN(), math.NaN()
			}
			table.Columns[0].Floats = append(table.Columns[0].Floats, f)
			table.Columns[1].Floats = append(table.Columns[1].Floats, d)
			exact := rapid.Int64Range(-1<<53, 1<<53)
			i, at, units := float64(exact.Draw(t, "i")), float64(exact.Draw(t, "at")), rapid.Int64Range(-1e15, 1e15).Draw(t, "m")
			for k, value := range []float64{i, float64(rapid.IntRange(0, 1).Draw(t, "b")), clean.DecimalNumber(units), at} {
				if math.IsNaN(d) {
					value = math.NaN()
				}
				table.Columns[3+k].Floats = append(table.Columns[3+k].Floats, value)
			}
			table.Columns[2].Texts = append(table.Columns[2].Texts, text)
			table.Columns[2].Valid = append(table.Columns[2].Valid, valid)
		}
		data, err := encoded(table)
		require.NoError(t, err)
		back, err := dataset.ReadParquet(data)
		require.NoError(t, err)
		again, err := encoded(back)
		require.NoError(t, err)
		require.Equal(t, data, again)
		require.Equal(t, fmt.Sprint(table), fmt.Sprint(back), "NaN is not equal to itself, its text is")
	})
}

func FuzzReadParquet(f *testing.F) {
	_, table := population(f)
	data, err := encoded(table.Select([]int{0, 1, 2}))
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := dataset.ReadParquet(data); err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
		}
	})
}

func TestWriteCSV(t *testing.T) {
	var out bytes.Buffer
	table := dataset.Table{Columns: []dataset.Column{
		{Name: "id", Kind: dataset.Text, Texts: []string{"a,b", ""}, Valid: []bool{true, false}},
		{Name: "n", Kind: dataset.Float, Floats: []float64{0.1, math.NaN()}},
		{Name: "day", Kind: dataset.Date, Floats: []float64{0, 20634}},
	}}
	require.NoError(t, dataset.WriteCSV(&out, table))
	require.Equal(t, "id,n,day\n\"a,b\",0.1,1970-01-01\n,,2026-06-30\n", out.String())
}

func TestLabelHoldsYoungRowsBack(t *testing.T) {
	spec, table := population(t)
	label := table.Column("defaulted")
	for i := range label.Texts { // of every row, known is what matures
		label.Texts[i], label.Valid[i] = "0", true
	}
	dates := table.Column("application_date").Floats
	held := func() (young int) {
		y, err := dataset.Label(spec, table, knownAt)
		require.NoError(t, err)
		for i := range y {
			require.Equal(t, dates[i] > dataset.Day(knownAt)-180, math.IsNaN(y[i]), "row %d", i)
			if math.IsNaN(y[i]) {
				young++
			}
		}
		return young
	}
	before := held()
	require.Positive(t, before)
	dates[0] = dataset.Day(time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC))
	require.Equal(t, before+1, held(), "one wrong date makes no other row mature")
}

// What was known on a day leaves out what happened after it, also for labels that need no time to mature.
func TestLabelKnowsNothingAfterItsDay(t *testing.T) {
	spec, table := population(t)
	spec.Label.MaturesAfterDays = 0
	asOf := time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC)
	y, err := dataset.Label(spec, table, asOf)
	require.NoError(t, err)
	known := 0
	for i, day := range table.Column("application_date").Floats {
		if day > dataset.Day(asOf) {
			require.True(t, math.IsNaN(y[i]), "row %d is of a later day", i)
		} else if !math.IsNaN(y[i]) {
			known++
		}
	}
	require.Positive(t, known)
}

// Whatever the split: every labelled row is in exactly one part, and by time nothing of a later part is older.
func TestSplitIsDisjointAndExhaustive(t *testing.T) {
	for _, by := range pipeline.SplitWays {
		t.Run(string(by), func(t *testing.T) {
			spec, table := population(t)
			if spec.Split.By = by; by == pipeline.Grouped {
				spec.Split.Group = spec.Entity
			}
			train, validation, test, err := split(spec, table, knownAt)
			require.NoError(t, err)
			y, err := dataset.Label(spec, table, knownAt)
			require.NoError(t, err)
			labelled := 0
			for _, value := range y {
				if !math.IsNaN(value) {
					labelled++
				}
			}
			require.Equal(t, labelled, train.Rows()+validation.Rows()+test.Rows())
			seen := map[string]bool{}
			for _, part := range []dataset.Table{train, validation, test} {
				for _, id := range part.Column("application_id").Texts {
					require.False(t, seen[id], "a row is in two parts")
					seen[id] = true
				}
			}
			require.InDelta(t, 0.2, float64(test.Rows())/float64(labelled), 0.03)
			if by == "time" {
				newest := train.Column("application_date").Floats[train.Rows()-1]
				require.Less(t, newest, validation.Column("application_date").Floats[0])
			}
		})
	}
}

// The order of the rows must not decide where they go.
func TestHashSplitDoesNotDependOnOrder(t *testing.T) {
	spec, table := population(t)
	spec.Split.By = "hash"
	_, _, want, err := split(spec, table, knownAt)
	require.NoError(t, err)
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Rows())
	_, _, got, err := split(spec, table.Select(order), knownAt)
	require.NoError(t, err)
	require.ElementsMatch(t, want.Column("application_id").Texts, got.Column("application_id").Texts)
}

func TestSplitRefusesOneClass(t *testing.T) {
	spec, table := population(t)
	label := table.Column("defaulted")
	for i := range label.Texts {
		if label.Valid[i] {
			label.Texts[i] = "0"
		}
	}
	_, _, _, err := split(spec, table, knownAt)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}

// Without an entity a row's content decides: equal rows stay together, and neither their places nor a column that is new move any.
func TestHashSplitByContent(t *testing.T) {
	spec, table := population(t)
	spec.Split.By, spec.Entity = "hash", ""
	spec.Ignore = append(spec.Ignore, "application_id")
	parts := func(table dataset.Table) (ids [3][]string) {
		train, validation, test, err := split(spec, table, knownAt)
		require.NoError(t, err)
		for i, part := range []dataset.Table{train, validation, test} {
			ids[i] = part.Column("application_id").Texts
		}
		return ids
	}
	want := parts(table)
	ordinals, fresh := make([]float64, table.Rows()), make([]float64, table.Rows())
	for i := range ordinals {
		ordinals[i], fresh[i] = float64(i+1), float64(i%7)
	}
	wider := dataset.Table{Columns: append([]dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer, Floats: ordinals}}, table.Columns...)}
	wider.Columns = append(wider.Columns, dataset.Column{Name: "new", Floats: fresh})
	require.Equal(t, want, parts(wider))

	var twice []int
	for i := range table.Rows() {
		twice = append(twice, i, i)
	}
	doubled := parts(wider.Select(twice))
	for i := range doubled {
		require.Len(t, doubled[i], 2*len(want[i]), "both copies of a row are in one part")
	}
}
