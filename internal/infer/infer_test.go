package infer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/infer"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/source"
)

// write puts a text into a file and returns its path.
func write(t rapid.TB, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// column makes a file of one column beside a label and an entity. Values come again and again until there are 60 rows.
func column(t *testing.T, name string, values ...string) infer.Column {
	t.Helper()
	var csv strings.Builder
	fmt.Fprintf(&csv, "id,%s,defaulted\n", quote(name))
	for i := range 60 {
		fmt.Fprintf(&csv, "A-%d,%s,%d\n", i, quote(values[i%len(values)]), i%2)
	}
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "one.csv", csv.String())}})
	require.NoError(t, err)
	require.Len(t, s.Columns, 3)
	_, err = pipeline.Parse("spec.yaml", []byte(s.Spec))
	if s.Columns[1].Role == "feature" {
		require.NoError(t, err, s.Spec)
	} else {
		require.ErrorContains(t, err, "columns is missing; list the features") // and nothing else
		require.NotContains(t, err.Error(), "\n")
	}
	return s.Columns[1]
}

// The wanted types and cleaning are written by hand from docs/reference.md, Types and Cleaning.
func TestTypesOfColumns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		column string
		values []string
		of     pipeline.ColumnType
		format string
		clean  string // the column's steps as JSON, without the names of columns and reasons
		codes  []string
	}{
		"whole numbers":           {"n", []string{"1", "2", "-3", "4e1"}, pipeline.Integer, "", "", nil},
		"numbers":                 {"n", []string{"1", "2.5", ".5"}, pipeline.Number, "", "", nil},
		"whole with points":       {"n", []string{"1.0", "2.0", "17.0"}, pipeline.Integer, "", "", nil},
		"one and nought":          {"n", []string{"1", "0", "0"}, pipeline.Boolean, "", "", nil},
		"yes and no":              {"n", []string{"Yes", "no"}, pipeline.Boolean, "", "", nil},
		"y alone":                 {"n", []string{"y"}, pipeline.Category, "", "", nil},
		"two styles of truth":     {"n", []string{"y", "1", "n"}, pipeline.Category, "", "", nil},
		"categories":              {"n", []string{"a", "b", "a"}, pipeline.Category, "", "", nil},
		"none is a category":      {"n", []string{"none", "guarantor"}, pipeline.Category, "", "", nil},
		"none among numbers":      {"n", []string{"none", "5", "6"}, pipeline.Integer, "", `[{"missing":["none"]}]`, []string{"none"}},
		"NA among categories":     {"n", []string{"NA", "a", "b"}, pipeline.Category, "", `[{"missing":["NA"]}]`, []string{"NA"}},
		"question marks":          {"n", []string{"?", "1.5"}, pipeline.Number, "", `[{"missing":["?"]}]`, []string{"?"}},
		"codes below":             {"n", []string{"-9", "-8", "3", "7"}, pipeline.Integer, "", `[{"missing":["-9","-8"]}]`, []string{"-9", "-8"}},
		"a code above":            {"n", []string{"999", "3", "7"}, pipeline.Integer, "", `[{"missing":["999"]}]`, []string{"999"}},
		"no codes: below 0 too":   {"n", []string{"-9", "-2", "2"}, pipeline.Integer, "", "", nil},
		"no code: not apart":      {"n", []string{"999", "3", "700"}, pipeline.Integer, "", "", nil},
		"days":                    {"n", []string{"2026-06-30", "2026-01-02"}, pipeline.Day, "YYYY-MM-DD", "", nil},
		"American days":           {"n", []string{"6/30/2026", "1/2/2026"}, pipeline.Day, "M/D/YYYY", `[{"date":["M/D/YYYY"]}]`, nil},
		"American, two lengths":   {"n", []string{"6/30/2026", "1/2/26"}, pipeline.Day, "M/D/YYYY, M/D/YY", `[{"date":["M/D/YYYY","M/D/YY"]}]`, nil},
		"European days":           {"n", []string{"30/6/2026", "1/2/2026"}, pipeline.Day, "D/M/YYYY", `[{"date":["D/M/YYYY"]}]`, nil},
		"German days":             {"n", []string{"30.06.2026", "01.02.2026", "NA"}, pipeline.Day, "D.M.YYYY", `[{"missing":["NA"]},{"date":["D.M.YYYY"]}]`, []string{"NA"}},
		"months by name":          {"n", []string{"30-Jun-26", "1-Feb-04"}, pipeline.Day, "D-MMM-YY", `[{"date":["D-MMM-YY"]}]`, nil},
		"eight figures":           {"n", []string{"20260630", "20260102"}, pipeline.Integer, "", "", nil},
		"eight figures, a date":   {"open_date", []string{"20260630", "20260102"}, pipeline.Day, "YYYYMMDD", `[{"date":["YYYYMMDD"]}]`, nil},
		"mixed orders of days":    {"n", []string{"30/6/2026", "6/30/2026"}, pipeline.Category, "", "", nil},
		"instants":                {"n", []string{"2026-06-30T15:04:05Z", "2026-06-30 15:04:05+01"}, pipeline.Timestamp, "", "", nil},
		"dollars":                 {"n", []string{"$1,234.50 ", "($12.00)", "7"}, pipeline.Decimal, "$1,234.50", `[{"amount":{"currency":"$"}}]`, nil},
		"groups alone":            {"n", []string{"1,234,567", "12"}, pipeline.Number, "1,234.50", `[{"amount":{}}]`, nil},
		"decimal commas":          {"n", []string{"1.234,50", "0,5"}, pipeline.Number, "1.234,50", `[{"amount":{"thousands":".","decimal":","}}]`, nil},
		"Swiss francs":            {"n", []string{"CHF 1'234.50", "CHF 3"}, pipeline.Decimal, "CHF1'234.50", `[{"amount":{"currency":"CHF","thousands":"'"}}]`, nil},
		"two currencies":          {"n", []string{"$5", "€5"}, pipeline.Category, "", "", nil},
		"white space":             {"n", []string{"a ", "b"}, pipeline.Category, "", `[{"trim":true}]`, nil},
		"white space and numbers": {"n", []string{"1 ", " 22"}, pipeline.Integer, "", "", nil},
		"non-breaking space":      {"n", []string{"1\u00a0", "22"}, pipeline.Integer, "", `[{"trim":true}]`, nil},
		"nothing":                 {"n", []string{"", " "}, pipeline.Text, "", `[{"trim":true}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := column(t, test.column, test.values...)
			require.Equal(t, test.of, c.Type)
			require.Equal(t, test.format, c.Format)
			require.Equal(t, test.clean, steps(t, c.Clean))
			if test.codes == nil {
				test.codes = []string{}
			}
			require.Equal(t, test.codes, c.Codes)
		})
	}
}

// steps are steps as short JSON.
func steps(t *testing.T, clean []pipeline.CleanStep) string {
	t.Helper()
	var short []map[string]any
	for _, step := range clean {
		switch {
		case step.Trim != nil:
			short = append(short, map[string]any{"trim": true})
		case step.Missing != nil:
			short = append(short, map[string]any{"missing": step.Missing.Codes})
		case step.Date != nil:
			short = append(short, map[string]any{"date": step.Date.Formats})
		case step.Amount != nil:
			amount := *step.Amount
			amount.Columns = nil
			text, err := json.Marshal(amount)
			require.NoError(t, err)
			short = append(short, map[string]any{"amount": json.RawMessage(strings.Replace(strings.Replace(string(text), `"columns":null,`, "", 1), `"columns":null`, "", 1))})
		}
	}
	if short == nil {
		return ""
	}
	text, err := json.Marshal(short)
	require.NoError(t, err)
	return string(text)
}

// 3 of 60 rows are 5 %; with a fifth to spare 6 %. Bounds by hand: outwards to two digits.
func TestMissingAndBounds(t *testing.T) {
	t.Parallel()
	values := make([]string, 60)
	for i := range values {
		values[i] = fmt.Sprint(1234 + i)
	}
	values[0], values[1], values[2], values[3] = "", "", "", "-87"
	c := column(t, "n", values...)
	require.Equal(t, int64(3), c.Missing)
	require.InDelta(t, 0.05, c.MissingShare, 1e-12)
	require.Equal(t, -88.0, *c.Min, "one row has -87")
	require.Equal(t, 1300.0, *c.Max)
	require.Equal(t, int64(57), c.Distinct)
	require.True(t, *c.Unique)
	require.False(t, c.SuggestedKey)
}

// One income among others is not told: the bound is the next step of two digits beyond it. What five rows have is.
func TestABoundIsNobodysValue(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]float64{1: 260_000, 4: 260_000, 5: 250_000} {
		values := make([]string, 60)
		for i := range values {
			values[i] = fmt.Sprint(30_000 + i%50*20)
			if i < rows {
				values[i] = "250000"
			}
		}
		c := column(t, "n", values...)
		require.Equal(t, want, *c.Max)
		require.Equal(t, 29_000.0, *c.Min, "one row has 30,000")
	}
	for _, of := range []struct {
		first, others string
		min           float64
	}{{"0", "3", 0}, {"0.0", "0.5", 0}, {"1", "3", 0}, {"7", "12", 6}, {"-100", "12", -110}, {"$-2.50", "$8.10", -2.6}} {
		values := make([]string, 60)
		for i := range values {
			values[i] = of.others
		}
		values[0] = of.first
		require.Equal(t, of.min, *column(t, "n", values...).Min, of.first)
	}
}

// codesOf are what infer and profile take for codes in a column of so many rows.
func codesOf(t rapid.TB, folder string, values []float64) (inferred, profiled []float64) {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("n,defaulted\n")
	for i, x := range values {
		fmt.Fprintf(&csv, "%v,%d\n", x, i%2)
	}
	s, err := infer.Run(context.Background(), infer.Input{URIs: []string{write(t, folder, "codes.csv", csv.String())}})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range s.Columns[0].Codes {
		x, err := strconv.ParseFloat(code, 64)
		if err != nil {
			t.Fatal(err)
		}
		inferred = append(inferred, x)
	}
	about := profile.About{Role: func(string) profile.Role { return profile.Feature }}
	p := profile.Of(dataset.Table{Columns: []dataset.Column{{Name: "n", Floats: values}}}, about).Profile("x")
	for _, code := range p.Columns[0].Numbers.Codes {
		profiled = append(profiled, code.Value)
	}
	return inferred, profiled
}

// A number in one of forty rows, beside others: by hand, whether it stands apart.
func TestCodesAreThoseOfTheProfile(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		code, from, to float64
		is             bool
	}{
		{-1, 18, 70, true}, {9, 0, 3, true}, {-9_999_999, 0, 50, true}, {-5, 300, 850, true}, {999, 0, 400, true}, {-9, 0, 1, true},
		{-1, 0, 9, false}, {99, 0, 80, false}, {9, 0, 6, false}, {-9, -3, 6, false}, {500, 0, 50, false},
	} {
		values := make([]float64, 4_000)
		for i := range values {
			values[i] = of.from + float64(i*37%int(of.to-of.from+1))
			if i%40 == 5 {
				values[i] = of.code
			}
		}
		inferred, profiled := codesOf(t, t.TempDir(), values)
		require.Equal(t, profiled, inferred, of)
		require.Equal(t, of.is, len(inferred) == 1 && inferred[0] == of.code, of)
	}
}

// Five codes are found at an end, six are none: by hand, five whole numbers below 0 and twenty from 10.
func TestSeveralCodes(t *testing.T) {
	t.Parallel()
	for codes, want := range map[int][]float64{2: {-9, -8}, 5: {-9, -8, -7, -6, -5}, 6: nil} {
		values := make([]float64, 4_000)
		for i := range values {
			values[i] = float64(10 + i%20)
			if i%40 < codes {
				values[i] = float64(i%40 - 9)
			}
		}
		inferred, profiled := codesOf(t, t.TempDir(), values)
		require.Equal(t, want, inferred)
		require.Equal(t, want, profiled)
	}
}

// Whatever numbers a column has, the two agree, as long as a profile tells them apart.
func TestCodesOfAnyNumbers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		least, extent := rapid.IntRange(-10, 100).Draw(t, "least"), rapid.IntRange(2, 300).Draw(t, "extent")
		odd := rapid.SliceOfN(rapid.SampledFrom([]float64{-9, -8, -1, -5, 9, 99, 999, 9999, 0, 7}), 1, 4).Draw(t, "odd")
		every := rapid.SampledFrom([]int{7, 30, 90}).Draw(t, "every")
		part := rapid.SampledFrom([]float64{1, 0.5}).Draw(t, "part")
		values := make([]float64, 300)
		for i := range values {
			values[i] = float64(least+i*37%extent) * part
			if i%every == 3 {
				values[i] = odd[i/every%len(odd)]
			}
		}
		inferred, profiled := codesOf(t, folder, values)
		if !slices.Equal(inferred, profiled) {
			t.Fatalf("%v, %v", inferred, profiled)
		}
	})
}

// A value in four rows may be a person's: it is counted, and nowhere in what is written.
func TestRareValuesAreCountedAndNotWritten(t *testing.T) {
	t.Parallel()
	const marker = "Wilhelmina Q. Featherstonehaugh"
	for _, name := range []string{"n", "customer_name", "status"} {
		values := make([]string, 60)
		for i := range values {
			values[i] = string("ab"[i%2])
			if i < 4 {
				values[i] = marker
			}
		}
		csv := "id," + name + ",defaulted\n"
		for i, v := range values {
			csv += fmt.Sprintf("A-%d,%s,%d\n", i, v, i%2)
		}
		s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "one.csv", csv)}})
		require.NoError(t, err)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.NotContains(t, string(text), "Featherstonehaugh")
		require.NotContains(t, string(text), "Wilhelmina")
		require.Equal(t, 1, s.Columns[1].Rare)
		require.Equal(t, []string{"a", "b"}, s.Columns[1].Domain) // 28 rows each
		require.NotContains(t, s.Spec, "domain: [")
	}
}

// Names from the data sets that lenders use, and by hand. The roles are what 12 CFR 1002.2(z) and the comment of package infer say.
func TestRolesByName(t *testing.T) {
	t.Parallel()
	number, yes := []string{"31", "44", "28"}, []string{"yes", "no"}
	for name, test := range map[string]struct {
		values []string
		role   string
		reason string
	}{
		"personal.status.and.sex": {[]string{"a", "b"}, "protected", "sex"}, "SEX": {number, "protected", "sex"}, "Gender": {yes, "protected", "sex"},
		"age.in.years": {number, "protected", "age"}, "AGE": {number, "protected", "age"}, "age_band": {number, "protected", "age"}, "DateOfBirth": {number, "protected", "age"},
		"account_age": {number, "feature", ""}, "AgeOfOldestTrade": {number, "feature", ""}, "mortgage": {yes, "feature", ""},
		"afam": {yes, "protected", "race or colour"}, "single": {yes, "protected", "marital status"}, "single_payment": {yes, "feature", ""}, "Married": {yes, "protected", "marital status"},
		"foreign.worker": {yes, "protected", "national origin"}, "religion": {[]string{"a", "b"}, "protected", "religion"},
		"Zip": {[]string{"47711", "46526"}, "ignore", "a place, which may stand for race or national origin"}, "postalCode": {number, "ignore", "a place, which may stand for race or national origin"},
		"telephone": {yes, "feature", ""}, "employer_size": {number, "feature", ""}, "ssn": {number, "ignore", "a number that names a person"},
		"phone_number": {number, "ignore", "a telephone number"}, "approved": {yes, "ignore", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := column(t, name, test.values...)
			require.Equal(t, test.role, string(c.Role), c.Why)
			require.Equal(t, test.reason, c.ProtectedReason)
			require.Equal(t, test.reason != "", c.Protected)
		})
	}
}

// labels are files of 60 rows whose last column is the label: the second value is in every third row.
func TestLabels(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, often, rare  string
		positive, negative string
		meaning            pipeline.Meaning
	}{
		{"Loan_Status", "Y", "N", "Y", "N", pipeline.MeaningApproval},
		{"deny", "no", "yes", "no", "yes", pipeline.MeaningApproval},
		{"creditability", "good", "bad", "bad", "good", pipeline.MeaningDefault},
		{"MIS_Status", "P I F", "CHGOFF", "CHGOFF", "P I F", pipeline.MeaningDefault},
		{"default_payment_next_month", "1", "0", "1", "0", pipeline.MeaningDefault},
		{"RiskPerformance", "0.0", "1.0", "1.0", "0.0", pipeline.MeaningDefault},
		{"loan_status", "Fully Paid", "Charged Off", "Charged Off", "Fully Paid", pipeline.MeaningDefault},
		{"decision", "declined", "approved", "approved", "declined", pipeline.MeaningApproval},
		{"good", "1", "0", "0", "1", pipeline.MeaningDefault},
		{"y", "2", "7", "7", "2", pipeline.MeaningDefault},
	} {
		t.Run(test.name+" "+test.often, func(t *testing.T) {
			t.Parallel()
			csv := "income,colour," + test.name + "\n"
			for i := range 60 {
				value := test.often
				if i%3 == 0 {
					value = test.rare
				}
				csv += fmt.Sprintf("%d,%s,%s\n", 100*i, []string{"red", "green"}[i/2%2], value)
			}
			path := write(t, t.TempDir(), "My Cards 2026.csv", csv)
			s, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}})
			require.NoError(t, err)
			spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
			require.NoError(t, err, s.Spec)
			require.Equal(t, pipeline.Label{Column: test.name, Positive: test.positive, Negative: test.negative, Meaning: test.meaning}, spec.Label)
			require.Equal(t, "my-cards-2026", spec.Name)
			require.Equal(t, path, spec.Source.FilesURI())

			s, err = infer.Run(t.Context(), infer.Input{URIs: []string{path}, Label: "colour", Name: "other"})
			require.NoError(t, err)
			spec, err = pipeline.Parse("spec.yaml", []byte(s.Spec))
			require.NoError(t, err, s.Spec)
			require.Equal(t, "colour", spec.Label.Column)
			require.Equal(t, "other", spec.Name)
		})
	}
}

// Of a table without a label everything else is written, and parsing names the line where the label is wanted.
func TestNoLabel(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "n.csv", "id,a\n"+strings.Repeat("1,2\n", 10))
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}})
	require.NoError(t, err)
	_, err = pipeline.Parse("spec.yaml", []byte(s.Spec))
	require.ErrorContains(t, err, "label.column is missing; name the column to predict")
	for label, want := range map[string]string{"b": `there is no column "b"`, "a": `column "a" is wanted to have two values`} {
		_, err = infer.Run(t.Context(), infer.Input{URIs: []string{path}, Label: label})
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, want)
	}
	_, err = infer.Run(t.Context(), infer.Input{URIs: []string{path}, Name: "Not a name"})
	require.ErrorContains(t, err, "--name")
}

// Keys are unique and never missing; a name that says so is preferred, and the day of the application to a later one.
func TestEntityAndTime(t *testing.T) {
	t.Parallel()
	csv := "code,income,loan_nr,email,paid_on,application_date,defaulted\n"
	for i := range 60 {
		csv += fmt.Sprintf("c%d,%d,%d,p%d@example.org,2026-02-%02d,2025-01-%02d,%d\n", i, i*7, 1000+i, i, 1+i%28, 1+i%28, i%2)
	}
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "k.csv", csv)}})
	require.NoError(t, err)
	spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
	require.NoError(t, err, s.Spec)
	require.Equal(t, "loan_nr", spec.Entity)
	require.Equal(t, "application_date", spec.Time)
	require.Equal(t, []string{"code", "email", "paid_on"}, spec.Ignore)
	require.Equal(t, map[string]pipeline.ColumnType{"paid_on": pipeline.Day}, spec.Types)
	require.Len(t, spec.Columns, 1)
	var keys []string
	for _, c := range s.Columns {
		if c.SuggestedKey {
			keys = append(keys, c.Name)
		}
	}
	require.Equal(t, []string{"code", "loan_nr"}, keys)
}

// Decimals that all differ take no place from the key behind them.
func TestAKeyBehindManyDecimals(t *testing.T) {
	t.Parallel()
	var csv strings.Builder
	csv.WriteString("a,b,c,d,e,f,g,h,i,loan_id,defaulted\n")
	for row := range 120_000 {
		for k := range 9 {
			fmt.Fprintf(&csv, "%d.%d5,", row, k)
		}
		fmt.Fprintf(&csv, "L%d,%d\n", row, row%2)
	}
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "k.csv", csv.String())}})
	require.NoError(t, err)
	require.Equal(t, "loan_id", s.Entity)
	require.True(t, *s.Columns[9].Unique)
	require.Equal(t, int64(120_000), s.Columns[9].Distinct)
	require.Nil(t, s.Columns[0].Unique)
	require.True(t, s.Columns[0].DistinctMore)
	text, err := json.Marshal(s.Columns[0])
	require.NoError(t, err)
	require.Contains(t, string(text), `"distinct_more":true,"unique":null`)
}

func TestDialectsAndUnions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rows := func(delimiter string) string {
		text := strings.ReplaceAll("a,\"b\",target\n", ",", delimiter)
		for i := range 60 {
			text += fmt.Sprintf("%d%s\"x, y; z\"%s%d\n", i%30, delimiter, delimiter, i%2)
		}
		return text
	}
	for name, delimiter := range map[string]string{"c.csv": ",", "s.csv": ";", "t.tsv": "\t", "p.txt": "|"} {
		path := write(t, folder, name, rows(delimiter))
		s, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}})
		require.NoError(t, err)
		spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
		require.NoError(t, err, s.Spec)
		require.Len(t, s.Columns, 3, name)
		if spec.Source.CSV == nil {
			require.Equal(t, ",", delimiter)
		} else {
			require.Equal(t, delimiter[0], spec.Source.CSV.Separator())
		}
	}
	var jsonl strings.Builder
	for i := range 60 {
		fmt.Fprintf(&jsonl, "{\"a\":%d,\"b\":\"x, y; z\",\"target\":\"%d\"}\n", i%30, i%2)
	}
	one, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, folder, "j.jsonl", jsonl.String())}})
	require.NoError(t, err)
	require.Equal(t, int64(60), one.Rows)
	require.Equal(t, "target", one.Label.Column)

	parts := filepath.Join(folder, "parts")
	require.NoError(t, os.Mkdir(parts, 0o700))
	first, second := write(t, parts, "part-1.csv", rows(",")), write(t, parts, "part-2.csv", rows(","))
	for want, uris := range map[string][]string{
		parts: {parts}, filepath.Join(parts, "*.csv"): {filepath.Join(parts, "*.csv")}, filepath.Join(parts, "part-*.csv"): {first, second},
	} {
		s, err := infer.Run(t.Context(), infer.Input{URIs: uris})
		require.NoError(t, err)
		require.Equal(t, int64(120), s.Rows)
		spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
		require.NoError(t, err, s.Spec)
		require.Equal(t, want, spec.Source.FilesURI())
		require.Equal(t, "parts", spec.Name)
	}
}

// What programs write is read as they mean it: whole numbers with a gap are doubles and NaN in pandas.
func TestParquetColumns(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "whole", Type: arrow.PrimitiveTypes.Int64}, {Name: "gaps", Type: arrow.PrimitiveTypes.Float64}, {Name: "truth", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32}, {Name: "label", Type: arrow.PrimitiveTypes.Int32},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 60 {
		b.Field(0).(*array.Int64Builder).Append(int64(i % 30))
		b.Field(1).(*array.Float64Builder).Append([]float64{3, math.NaN()}[i%2])
		b.Field(2).(*array.BooleanBuilder).Append(i%3 == 0)
		b.Field(3).(*array.Date32Builder).Append(arrow.Date32(20_000 + i%30))
		b.Field(4).(*array.Int32Builder).Append(int32(i % 2))
	}
	var content bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &content, nil, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(b.NewRecordBatch()))
	require.NoError(t, w.Close())
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "x.parquet", content.String())}})
	require.NoError(t, err)
	spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
	require.NoError(t, err, s.Spec)
	for name, want := range map[string]pipeline.ColumnType{"whole": pipeline.Integer, "gaps": pipeline.Integer, "truth": pipeline.Boolean, "day": pipeline.Day, "label": pipeline.Text} {
		require.Equal(t, want, spec.TypeOf(name), name)
	}
	require.Equal(t, int64(30), s.Columns[1].Missing)
	require.Equal(t, "day", spec.Time)
	require.Equal(t, "label", spec.Label.Column)
}

// 0xE9 is é in windows-1252, and nothing in UTF-8.
func TestEncodings(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "x.csv", "caf\xe9,bad\n"+strings.Repeat("cr\xe8me,1\nnoir,0\n", 10))
	s, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}, Encoding: "windows-1252"})
	require.NoError(t, err)
	spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
	require.NoError(t, err, s.Spec)
	require.Equal(t, "café", spec.Columns[0].Name)
	require.Equal(t, []string{"crème", "noir"}, spec.Columns[0].Domain)
	require.Equal(t, "windows-1252", spec.Source.CSV.Encoding)
	_, err = infer.Run(t.Context(), infer.Input{URIs: []string{path}})
	require.ErrorContains(t, err, "x.csv:1:4: the bytes here are not UTF-8")
	_, err = infer.Run(t.Context(), infer.Input{URIs: []string{path}, Encoding: "klingon"})
	require.ErrorContains(t, err, `encoding "klingon" is not known`)
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	wide := func(n int) string {
		header, row := make([]string, n), make([]string, n)
		for i := range header {
			header[i], row[i] = fmt.Sprintf("x%d", i), fmt.Sprint(i)
		}
		return strings.Join(header, ",") + "\n" + strings.Repeat(strings.Join(row, ",")+"\n", 2)
	}
	for name, test := range map[string]struct{ text, want string }{
		"empty":                {"", "hostile.csv: the file is empty"},
		"header alone":         {"a,b\n", "hostile.csv: there are no rows"},
		"a name twice":         {"a,b,a\n1,2,3\n", `hostile.csv:1: columns 1 and 3 are both called "a"`},
		"ten thousand columns": {wide(10_000), "hostile.csv:1: there are 10000 columns; at most 2000"},
		"ragged":               {"a,b\n1,2\n1\n", "hostile.csv:3: the row has 1 fields; the header has 2"},
		"open quote":           {"a,b\n1,\"2\n", "hostile.csv:2"},
		"no header":            {"Wilhelmina,31,$5,000\nA,32,$6,000\n", "hostile.csv:1: 3 of 4 column names are numbers, dates or amounts"},
		"no UTF-8":             {"a,b\n1,\xe9\n", "hostile.csv:2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "hostile.csv", test.text)}})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "Wilhelmina")
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
		})
	}
	for name, text := range map[string]string{"one column": "a\n1\n2\n", "all missing": "a,b\n,\n,\n", "two thousand columns": wide(2_000), "years": "2019,2020\n1,2\n", "control": "\"a\nb\",\"# c\",\": d\"\n1,2,3\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := infer.Run(t.Context(), infer.Input{URIs: []string{write(t, t.TempDir(), "fine.csv", text)}})
			require.NoError(t, err)
			_, err = pipeline.Parse("spec.yaml", []byte(s.Spec))
			for line := range strings.Lines(err.Error()) {
				require.Regexp(t, "label.column is missing|columns is missing", line)
			}
		})
	}
	_, err := infer.Run(t.Context(), infer.Input{URIs: []string{filepath.Join(t.TempDir(), "none.csv")}})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// drawn makes a table of columns of all kinds, with values that are missing or odd.
func drawn(t *rapid.T) string {
	kinds := []func(*rapid.T, string) string{
		func(t *rapid.T, n string) string { return fmt.Sprint(rapid.IntRange(-1_000_000, 1_000_000).Draw(t, n)) },
		func(t *rapid.T, n string) string { return fmt.Sprint(rapid.Float64().Draw(t, n)) },
		func(t *rapid.T, n string) string {
			return rapid.SampledFrom([]string{"1", "0", "-9", "999"}).Draw(t, n)
		},
		func(t *rapid.T, n string) string {
			return rapid.SampledFrom([]string{"Yes", "no", "NA", "none", " a", "b ", "é", "e\u0301"}).Draw(t, n)
		},
		func(t *rapid.T, n string) string {
			return rapid.SampledFrom([]string{"1/2/2026", "12/31/99", "31/12/1999", "2026-06-30", "?"}).Draw(t, n)
		},
		func(t *rapid.T, n string) string {
			return rapid.SampledFrom([]string{"$1,234.50", "(12)", "5", "1.234,5", "€ 7", "12%", "NULL"}).Draw(t, n)
		},
		func(t *rapid.T, n string) string { return rapid.StringN(0, 8, 20).Draw(t, n) },
	}
	columns := rapid.IntRange(1, 5).Draw(t, "columns")
	var csv strings.Builder
	for i := range columns {
		fmt.Fprintf(&csv, "%s,", quote(fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"n", "age", "loan id", "date", "a: #b", "é", "yes"}).Draw(t, "name"), i)))
	}
	csv.WriteString("defaulted\n")
	of := make([]int, columns)
	for i := range of {
		of[i] = rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")
	}
	for row := range rapid.IntRange(10, 40).Draw(t, "rows") {
		for i := range columns {
			kind := of[i]
			if rapid.IntRange(0, 60).Draw(t, "odd") == 0 {
				kind = rapid.IntRange(0, len(kinds)-1).Draw(t, "other kind")
			}
			value := kinds[kind](t, "value")
			if rapid.IntRange(0, 9).Draw(t, "missing") == 0 {
				value = rapid.SampledFrom([]string{"", " ", "\t", "\u00a0"}).Draw(t, "blank")
			}
			csv.WriteString(quote(value) + ",")
		}
		fmt.Fprintf(&csv, "%d\n", row%2)
	}
	return csv.String()
}

func quote(value string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(value, `"`, `""`), "\x00", "") + `"`
}

// What was inferred from rows accepts them: none is of another type, beyond a range, out of a domain, without a value that is required, or without
// a label. A date of the future is no breach of what was inferred.
func TestTheSpecAcceptsItsRows(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := write(t, folder, "rows.csv", drawn(t))
		s, err := infer.Run(context.Background(), infer.Input{URIs: []string{path}, Label: "defaulted"})
		if err != nil {
			t.Fatal(err)
		}
		spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
		if err != nil {
			if strings.HasSuffix(err.Error(), "columns is missing; list the features") && !strings.Contains(err.Error(), "\n") {
				return
			}
			t.Fatalf("%v\n%s", err, s.Spec)
		}
		rows, err := source.Open(context.Background(), spec.Source.Relation, []source.File{{Name: path, Path: path}}, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		out, err := ingest.Run(context.Background(), ingest.Input{
			Spec: spec, Rows: rows, KnownAt: time.Time{}, Folder: folder, Progress: func(int64) {},
			Keep: func(context.Context, string) (dataset.Part, error) { return dataset.Part{}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Checked.Breaches) > 0 {
			t.Fatalf("%+v\n%s", out.Checked.Breaches, s.Spec)
		}
		report := dataset.NewValidator(spec, time.Time{}).Judge(out.Checked, out.Dataset.Columns)
		for _, finding := range report.Findings {
			if finding.Rule == dataset.RuleMissingRate || finding.Rule == dataset.RuleMissingColumn || finding.Rule == dataset.RuleUnexpectedColumn {
				t.Fatalf("%+v\n%s", finding, s.Spec)
			}
		}
	})
}

// Every raw file of the real data sets, where they are at hand: the spec is whole, and its types are those of the hand-written one, or narrower.
func TestRealData(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"av-loan-prediction": "av-loan-prediction/train.csv", "boston-hmda-1990": "boston-hmda-1990/hmda_boston.csv", "credit-data-spain": "credit-data-spain/credit_data.csv",
		"german-credit": "german-credit/german_credit.csv", "heloc-fico": "heloc-fico/heloc_raw_10459.csv", "taiwan-credit-card": "taiwan-credit-card/taiwan.csv",
		"sba-national": "sba-national/sba_first22427.csv", "heloc-fico-leak": "heloc-fico/heloc_9871_label_leak.csv",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("../../../shared/data", file)
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
				t.Skipf("%s is not here", file)
			}
			s, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}, Workers: 2})
			require.NoError(t, err)
			spec, err := pipeline.Parse("spec.yaml", []byte(s.Spec))
			require.NoError(t, err, s.Spec)
			text, err := os.ReadFile(filepath.Join("../../tests/specs", name+".yaml"))
			require.NoError(t, err)
			hand, err := pipeline.Parse(name, text)
			require.NoError(t, err)
			require.Equal(t, hand.Label.Column, spec.Label.Column)
			require.Equal(t, hand.Label.Meaning, spec.Label.Meaning)
			require.Equal(t, strings.TrimSuffix(spec.Label.Positive, ".0"), hand.Label.Positive)
			require.Equal(t, hand.Entity, spec.Entity)
			require.Equal(t, hand.Time, spec.Time)
			require.Equal(t, hand.Protected, spec.Protected)
			again, err := infer.Run(t.Context(), infer.Input{URIs: []string{path}, Workers: 1})
			require.NoError(t, err)
			require.Equal(t, s.Spec, again.Spec)
			differ := map[string]pipeline.ColumnType{}
			for _, c := range hand.Columns {
				of := spec.TypeOf(c.Name)
				if of != c.Type && (c.Type != pipeline.Number || of != pipeline.Integer) {
					differ[c.Name] = of
				}
			}
			require.Equal(t, otherwise[name], differ)
		})
	}
}

// otherwise are the types that no value tells: whether whole numbers are codes or amounts of money, and whether yes and no are a category.
var otherwise = map[string]map[string]pipeline.ColumnType{
	"av-loan-prediction": {"Self_Employed": pipeline.Boolean, "Credit_History": pipeline.Boolean},
	"boston-hmda-1990":   {}, "credit-data-spain": {}, "german-credit": {}, "heloc-fico": {}, "heloc-fico-leak": {},
	"taiwan-credit-card": {"EDUCATION": pipeline.Integer},
	"sba-national":       {"NewExist": pipeline.Integer, "UrbanRural": pipeline.Integer, "GrAppv": pipeline.Integer, "SBA_Appv": pipeline.Integer},
}
