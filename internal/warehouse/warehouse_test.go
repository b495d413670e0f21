package warehouse_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/pipelines"
)

func open(t *testing.T) *warehouse.Warehouse {
	w, err := warehouse.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func small() pipeline.Spec {
	return pipeline.Spec{
		Name: "small", Entity: "id", Time: "day", Label: pipeline.Label{Column: "y"},
		Columns: []pipeline.Column{{Name: "n", Type: pipeline.Number}, {Name: "c", Type: pipeline.Category}},
		Source:  pipeline.Source{Missing: []string{"NA"}},
		Limits:  pipeline.Limits{MaxRows: 100, MaxBytes: 1 << 20},
	}
}

func file(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func csvOf(t *testing.T, table dataset.Table) string {
	var out bytes.Buffer
	require.NoError(t, dataset.WriteCSV(&out, table))
	return out.String()
}

// Rows come out by time, then entity; NA and empty are missing; an unknown column stays as text.
func TestExtractCSV(t *testing.T) {
	path := file(t, "rows.csv", "\ufeffid,day,n,c,y,extra\r\nb,2026-01-02,NA,\"two\nlines\",1,x\r\na,2026-01-02,1.5,own,0,\r\nz,2026-01-01,-2e3,rent,,y\r\n")
	table, err := open(t).Extract(t.Context(), small(), warehouse.Files{Base: path}, time.Time{})
	require.NoError(t, err)
	require.Equal(t, "id,day,n,c,y,extra\nz,2026-01-01,-2000,rent,,y\na,2026-01-02,1.5,own,0,\nb,2026-01-02,,\"two\nlines\",1,x\n", csvOf(t, table))
}

func TestExtractLeavesOutWhatWasNotKnown(t *testing.T) {
	path := file(t, "rows.csv", "id,day,n,c,y\na,2026-01-01,1,own,0\nb,2026-02-01,1,own,0\n")
	table, err := open(t).Extract(t.Context(), small(), warehouse.Files{Base: path}, time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Equal(t, 1, table.Rows())
}

func TestExtractJoins(t *testing.T) {
	base := file(t, "base.csv", "id,day,n\na,2026-01-01,1\nb,2026-01-02,2\n")
	outcomes := file(t, "outcomes.csv", "id,y\nb,1\nc,0\n")
	w := open(t)
	table, err := w.Extract(t.Context(), small(), warehouse.Files{Base: base, Joins: []string{outcomes}}, time.Time{})
	require.NoError(t, err)
	require.Equal(t, "id,day,n,y\na,2026-01-01,1,\nb,2026-01-02,2,1\n", csvOf(t, table))

	_, err = w.Extract(t.Context(), small(), warehouse.Files{Base: base, Joins: []string{file(t, "twice.csv", "id,y\nb,1\nb,0\n")}}, time.Time{})
	require.ErrorContains(t, err, "twice.csv: 1 rows repeat")
	_, err = w.Extract(t.Context(), small(), warehouse.Files{Base: base, Joins: []string{file(t, "other.csv", "key,y\nb,1\n")}}, time.Time{})
	require.ErrorContains(t, err, `no column "id"`)
}

func TestExtractSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"not a number", "id,day,n\na,2026-01-01,1\nb,2026-01-01,secret\nc,2026-01-01,x\n", `column "n": 2 values are not a finite number, the first in data row 2`},
		{"infinite", "id,day,n\na,2026-01-01,inf\n", `column "n": 1 values are not a finite number`},
		{"not a day", "id,day,n\na,secret,1\n", `column "day": 1 values are not a day such as 2026-06-30`},
		{"too many fields", "id,day,n\na,2026-01-01,1\nb,2026-01-01,1,secret\n", "line"},
		{"open quote", "id,day,n\na,2026-01-01,\"secret\n", "rows.csv"},
		{"duplicate header", "id,id,n\na,b,1\n", "rows.csv:1: column 2"},
		{"empty file", "", "rows.csv:1: a header line"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := open(t).Extract(t.Context(), small(), warehouse.Files{Base: file(t, "rows.csv", test.text)}, time.Time{})
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "secret", "no value of an applicant in an error")
		})
	}
	spec := small()
	spec.Limits.MaxRows = 1
	_, err := open(t).Extract(t.Context(), spec, warehouse.Files{Base: file(t, "rows.csv", "id\na\nb\n")}, time.Time{})
	require.ErrorContains(t, err, "limits.max_rows is 1")
	_, err = open(t).Extract(t.Context(), small(), warehouse.Files{Base: "nowhere.csv"}, time.Time{})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// The three simulated files, joined by DuckDB, are the flat table that the simulator itself makes.
func TestExtractAgreesWithTheSimulatorsOwnJoin(t *testing.T) {
	data, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err := pipeline.Parse("loan-eligibility.yaml", data)
	require.NoError(t, err)
	simulation := *spec.Source.Simulate
	simulation.Rows = 1500
	applications, outcomes, protected := simulate.Generate(simulation, time.Time{})
	var paths []string
	for _, table := range []dataset.Table{applications, protected, outcomes} {
		parquet, err := dataset.WriteParquet(table)
		require.NoError(t, err)
		paths = append(paths, file(t, "part.parquet", string(parquet)))
	}
	w := open(t)
	got, err := w.Extract(t.Context(), spec, warehouse.Files{Base: paths[0], Joins: paths[1:]}, time.Time{})
	require.NoError(t, err)
	want := simulate.Flat(simulation, time.Time{})
	for i := range want.Columns {
		if want.Columns[i].Name == "outcome_date" {
			continue // a column that the spec ignores comes as text
		}
		c := got.Column(want.Columns[i].Name)
		require.Equal(t, csvOf(t, dataset.Table{Columns: []dataset.Column{want.Columns[i]}}), csvOf(t, dataset.Table{Columns: []dataset.Column{*c}}))
	}

	first, err := w.Profile(t.Context(), got, spec)
	require.NoError(t, err)
	second, err := w.Profile(t.Context(), got, spec)
	require.NoError(t, err)
	require.Equal(t, first, second)
	text, err := json.Marshal(first)
	require.NoError(t, err)
	require.Contains(t, string(text), "annual_income")
	require.NotContains(t, string(text), "A00000001", "no identifier in a profile")
}

// Wanted values by hand; the quartiles of 1, 2, 3, 4, 10 are 2, 3 and 4, their mean is 4 and their deviation √(50/4).
func TestProfileMeasures(t *testing.T) {
	table, err := open(t).Extract(t.Context(), small(), warehouse.Files{Base: file(t, "rows.csv",
		"id,day,n,c,y\na,2026-01-01,1,own,0\nb,2026-01-01,2,own,1\nc,2026-01-01,3,rent,0\nd,2026-01-01,4,,0\ne,2026-01-01,10,own,0\nf,2026-01-01,,,0\n")}, time.Time{})
	require.NoError(t, err)
	p, err := open(t).Profile(t.Context(), table, small())
	require.NoError(t, err)
	require.Equal(t, 6, p.Rows)
	require.Len(t, p.Columns, 3, "the feature columns and the label, not the entity and the day")
	number, category := p.Columns[0], p.Columns[1]
	require.Equal(t, "n", number.Name)
	require.Equal(t, 1, number.Missing)
	require.Equal(t, 5, number.Distinct)
	histogram := make([]int, 20) // bins of 9/20: 1, 2, 3, 4 and 10 fall into the bins 0, 2, 4, 6 and the last
	histogram[0], histogram[2], histogram[4], histogram[6], histogram[19] = 1, 1, 1, 1, 1
	deviation := number.Numbers.SD
	require.InDelta(t, math.Sqrt(12.5), deviation, 1e-12)
	require.Equal(t, &profile.Numbers{Min: 1, Q25: 2, Median: 3, Q75: 4, Max: 10, Mean: 4, SD: deviation, Histogram: histogram}, number.Numbers)
	require.Equal(t, profile.Column{Name: "c", Missing: 2, Distinct: 2, Top: []profile.Value{{Text: "own", Count: 3}, {Text: "rent", Count: 1}}}, category)
}

func TestProfileOfColumnsWithoutSpread(t *testing.T) {
	table := dataset.Table{Columns: []dataset.Column{
		{Name: "n", Kind: dataset.Float, Floats: []float64{7, 7, math.NaN()}},
		{Name: "c", Kind: dataset.Text, Texts: []string{"", "", ""}, Valid: make([]bool, 3)},
		{Name: "y", Kind: dataset.Float, Floats: []float64{math.NaN(), math.NaN(), math.NaN()}},
	}}
	p, err := open(t).Profile(t.Context(), table, small())
	require.NoError(t, err)
	require.Equal(t, 2, p.Columns[0].Numbers.Histogram[0], "a constant has one bar")
	require.Zero(t, p.Columns[0].Numbers.SD)
	require.Equal(t, profile.Column{Name: "c", Missing: 3}, p.Columns[1])
	require.Equal(t, profile.Column{Name: "y", Numeric: true, Missing: 3}, p.Columns[2])
}
