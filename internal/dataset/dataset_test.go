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

func population(t testing.TB) (pipeline.Spec, dataset.Table) {
	spec := shipped(t)
	simulation := *spec.Source.Simulate
	simulation.Rows = 4000
	return spec, simulate.Flat(simulation, time.Time{})
}

func TestParquetRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "rows")
		table := dataset.Table{Columns: []dataset.Column{
			{Name: "f", Kind: dataset.Float}, {Name: "d", Kind: dataset.Date}, {Name: "t", Kind: dataset.Text},
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
			table.Columns[2].Texts = append(table.Columns[2].Texts, text)
			table.Columns[2].Valid = append(table.Columns[2].Valid, valid)
		}
		data, err := dataset.WriteParquet(table)
		require.NoError(t, err)
		back, err := dataset.ReadParquet(data)
		require.NoError(t, err)
		again, err := dataset.WriteParquet(back)
		require.NoError(t, err)
		require.Equal(t, data, again)
		require.Equal(t, fmt.Sprint(table), fmt.Sprint(back), "NaN is not equal to itself, its text is")
	})
}

func FuzzReadParquet(f *testing.F) {
	_, table := population(f)
	data, err := dataset.WriteParquet(table.Select([]int{0, 1, 2}))
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

func TestValidateAcceptsTheSimulatedPopulation(t *testing.T) {
	spec, table := population(t)
	report := dataset.Validate(spec, table, time.Time{})
	require.Empty(t, report.Messages(dataset.Error))
	require.Empty(t, report.Messages(dataset.Warning))
	require.Positive(t, report.Positive)
}

func TestValidateFindsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*dataset.Table)
		rule  string
		want  string
	}{
		{"range", func(t *dataset.Table) { t.Column("loan_amount").Floats[3] = -5 }, "range", `column "loan_amount": 1 values below 500`},
		{"domain", func(t *dataset.Table) { t.Column("purpose").Texts[0] = "yacht" }, "domain", `"yacht"`},
		{"missing rate", func(t *dataset.Table) { t.Column("term_months").Floats[0] = math.NaN() }, "missing_rate", "0.0 % are accepted"},
		{"missing column", func(t *dataset.Table) { t.Column("purpose").Name = "use" }, "missing_column", `column "purpose" is missing`},
		{"type", func(t *dataset.Table) {
			*t.Column("utilisation") = dataset.Column{Name: "utilisation", Kind: dataset.Text, Texts: make([]string, t.Rows()), Valid: valid(t.Rows())}
		}, "type", `column "utilisation" is not a number`},
		{"duplicates", func(t *dataset.Table) { t.Column("application_id").Texts[1] = t.Column("application_id").Texts[0] }, "duplicates", "repeats in 1 rows"},
		{"label", func(t *dataset.Table) {
			t.Column("defaulted").Texts[0], t.Column("defaulted").Valid[0] = "maybe", true
		}, "label", `other than "1" and "0"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec, table := population(t)
			test.spoil(&table)
			report := dataset.Validate(spec, table, time.Time{})
			require.NotEmpty(t, report.Messages(dataset.Error))
			found := false
			for _, f := range report.Findings {
				if f.Rule == test.rule && f.Severity == dataset.Error {
					found = true
					require.Contains(t, f.Message, test.want)
				}
			}
			require.True(t, found, "%+v", report.Findings)
		})
	}
}

func valid(n int) []bool {
	all := make([]bool, n)
	for i := range all {
		all[i] = true
	}
	return all
}

// Unexpected columns must not stop a retraining.
func TestValidateWarnsOfAnUnexpectedColumn(t *testing.T) {
	spec, table := population(t)
	table.Columns = append(table.Columns, dataset.Column{Name: "new", Kind: dataset.Float, Floats: make([]float64, table.Rows())})
	report := dataset.Validate(spec, table, time.Time{})
	require.Empty(t, report.Messages(dataset.Error))
	require.Len(t, report.Messages(dataset.Warning), 1)
}

func TestLabelHoldsYoungRowsBack(t *testing.T) {
	spec, table := population(t)
	y, err := dataset.Label(spec, table, time.Time{})
	require.NoError(t, err)
	dates := table.Column("application_date").Floats
	for i := range y {
		if dates[i] > dates[len(dates)-1]-180 {
			require.True(t, math.IsNaN(y[i]), "row %d is younger than its label's maturity", i)
		}
	}
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
	for _, by := range []string{"time", "hash"} {
		t.Run(by, func(t *testing.T) {
			spec, table := population(t)
			spec.Split.By = by
			train, validation, test, err := dataset.Split(spec, table, time.Time{})
			require.NoError(t, err)
			y, err := dataset.Label(spec, table, time.Time{})
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
	_, _, want, err := dataset.Split(spec, table, time.Time{})
	require.NoError(t, err)
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Rows())
	_, _, got, err := dataset.Split(spec, table.Select(order), time.Time{})
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
	_, _, _, err := dataset.Split(spec, table, time.Time{})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}
