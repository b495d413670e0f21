package request_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// raws are texts that people and programs write, right and wrong.
var raws = []string{
	"0", "1", "3", "3.0", "-9", "-9.0", "-9e0", "0.5", "1e3", "1234.5", "-0", "12345678901234567890", "1e101", "0.12345", "007", "1.234", "x", " ", "a", "A", " a ", "b", "B", "own", "house",
	"true", "TRUE", "false", "yes", "n", "$1,234.50", "(12.00)", "-$5", "1.234,50 €", "1,23", "n/a", "N/A", "Cafe\u0301", "Caf\u00e9", "a\x00", "\u00a0a", "null",
}

// cleaningFor draws steps that suit a type.
func cleaningFor(t *rapid.T, of pipeline.ColumnType, label string) (steps []pipeline.CleanStep) {
	columns := []string{"x"}
	text := rapid.SampledFrom([]string{"a", "b", "A", "own", "house", "1", "3", "yes", "true", "$5", "1e3", ""})
	for range rapid.IntRange(0, 3).Draw(t, label+" steps") {
		switch rapid.IntRange(0, 4).Draw(t, label+" kind") {
		case 0:
			steps = append(steps, pipeline.CleanStep{Trim: &pipeline.Trim{Columns: columns}})
		case 1:
			steps = append(steps, pipeline.CleanStep{Case: &pipeline.Case{Columns: columns, To: rapid.SampledFrom([]string{"lower", "upper"}).Draw(t, label+" case")}})
		case 2:
			steps = append(steps, pipeline.CleanStep{Map: &pipeline.Map{Columns: columns, Values: rapid.MapOfN(text, text, 1, 3).Draw(t, label+" map")}})
		case 3:
			steps = append(steps, pipeline.CleanStep{Missing: &pipeline.Codes{
				Columns: columns, Codes: rapid.SliceOfN(rapid.SampledFrom([]string{"-9", "0", "n/a", "a", "true", "1"}), 1, 2).Draw(t, label+" codes"), Reason: "none",
			}})
		case 4:
			if of.Quantity() && !slices.ContainsFunc(steps, func(s pipeline.CleanStep) bool { return s.Amount != nil }) {
				steps = append(steps, pipeline.CleanStep{Amount: rapid.SampledFrom([]*pipeline.Amount{
					{Columns: columns, Currency: "$"}, {Columns: columns, Currency: "€", Thousands: ".", Decimal: ","},
				}).Draw(t, label+" amount")})
			}
		}
	}
	if of.Quantity() && rapid.Bool().Draw(t, label+" clipped") {
		steps = append(steps, pipeline.CleanStep{Clip: &pipeline.Clip{Columns: columns, Max: bound(rapid.SampledFrom([]float64{-20, 2, 1000}).Draw(t, label+" clip"))}})
	}
	return steps
}

// A value is cleaned, admitted and refused in a request as it is in a batch, whatever the steps, and in each form that a request can have it in.
func TestARequestIsCleanedAsABatchIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SampledFrom([]pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category}).Draw(t, "type")
		column := pipeline.Column{Name: "x", Type: of, MissingMax: float64(rapid.IntRange(0, 1).Draw(t, "nullable"))}
		if of.Quantity() {
			column.Min, column.Max = rapid.Ptr(rapid.Just(0.0), true).Draw(t, "min"), rapid.Ptr(rapid.Just(1000.0), true).Draw(t, "max")
		}
		if of == pipeline.Category {
			column.Domain = rapid.SampledFrom([][]string{nil, {"a", "own", "Caf\u00e9"}}).Draw(t, "domain")
		}
		spec := pipeline.Spec{Columns: []pipeline.Column{column}, Clean: cleaningFor(t, of, "")}
		raw := rapid.OneOf(rapid.SampledFrom(raws), rapid.String(), rapid.Map(rapid.Float64(), func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) })).Draw(t, "raw")
		agrees(t, spec, raw)
	})
}

// agrees cleans a text as a batch's and, in every form that a request can have it in, as a request's.
func agrees(t require.TestingT, spec pipeline.Spec, raw string) {
	of := spec.Columns[0].Type
	batch, err := clean.New(spec.Clean, "x", of)
	require.NoError(t, err)
	field := throughJSON(t, request.Of(spec).Fields[0])
	single := reader(t, field)
	agree := func(sent string, v clean.Value, fault clean.Fault) {
		want := transform.Value{Number: v.Number, Text: v.Text, Missing: v.Missing}
		got, complaint := single.Read(json.RawMessage(sent))
		good := fault == clean.None && field.Admits(want)
		require.Equal(t, good, complaint.Text == "", "%s: %s", sent, complaint)
		if good {
			require.Equal(t, want, got, sent)
		}
	}

	v, fault := batch.Clean(raw)
	if field.TakesTexts() && (raw != "" || len(field.Clean) > 0) { // a request says null, which a file cannot
		text, err := json.Marshal(raw)
		require.NoError(t, err)
		agree(string(text), v, fault)
	}
	if of.Quantity() && json.Valid([]byte(raw)) && strings.ContainsAny(raw[:1], "-0123456789") {
		v, fault := batch.CleanLiteral(raw)
		agree(raw, v, fault)
	}
	if of == pipeline.Boolean && (raw == "true" || raw == "false") {
		agree(raw, v, fault)
	}
}

// Every text that is told apart anywhere, under every single step: what chance may not draw.
func TestEveryTextIsCleanedAsABatchIs(t *testing.T) {
	t.Parallel()
	columns := []string{"x"}
	steps := [][]pipeline.CleanStep{
		nil, {{Trim: &pipeline.Trim{Columns: columns}}}, {{Case: &pipeline.Case{Columns: columns, To: "lower"}}},
		{{Map: &pipeline.Map{Columns: columns, Values: map[string]string{"house": "own", "OWN": "a"}}}},
		{{Missing: &pipeline.Codes{Columns: columns, Codes: []string{"-9", "n/a"}, Reason: "none"}}},
	}
	for _, of := range []pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category} {
		for _, clean := range steps {
			for _, raw := range append([]string{" own", "own ", "OWN", " 7", "7\t", " true", "house", "n/a"}, raws...) {
				agrees(t, pipeline.Spec{Columns: []pipeline.Column{{Name: "x", Type: of, MissingMax: 1}}, Clean: clean}, raw)
			}
		}
	}
}

// throughJSON is the field as a bundle brings it to a predictor.
func throughJSON(t require.TestingT, f request.Field) (back request.Field) {
	text, err := json.Marshal(f)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &back))
	return back
}
