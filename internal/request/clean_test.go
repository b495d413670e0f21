package request_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// cleaned is a spec of which every feature is cleaned, as Parse reads it.
func cleaned(t *testing.T) pipeline.Spec {
	spec, err := pipeline.Parse("cleaned.yaml", []byte(`name: cleaned
source: {uri: rows.csv}
clean:
  - trim: {columns: [home, id]}
  - case: {columns: [home], to: lower}
  - map: {columns: [home], values: {house: own, flat: rent}}
  - map: {columns: [urban], values: {urban: "yes", rural: "no"}}
  - missing: {columns: [trades, home], codes: ["-9", "-8"], reason: no record}
  - amount: {columns: [amount, income], currency: "$"}
  - clip: {columns: [income], min: 0, max: 1000000}
label: {column: y, positive: "1", negative: "0"}
entity: id
columns:
  - {name: home, type: category, domain: [own, rent], missing_max: 0.5}
  - {name: urban, type: boolean}
  - {name: open, type: boolean, missing_max: 1}
  - {name: trades, type: integer, min: 0, missing_max: 0.5}
  - {name: term, type: integer, min: 6, max: 360}
  - {name: amount, type: decimal, min: 500}
  - {name: income, type: number, max: 500000}
`))
	require.NoError(t, err)
	return spec
}

// A field has the steps that name it, and no other's columns.
func TestAContractHasTheStepsOfItsFields(t *testing.T) {
	t.Parallel()
	c := request.Of(cleaned(t))
	text, err := json.Marshal(c.Fields[c.Index("trades")])
	require.NoError(t, err)
	require.JSONEq(t, `{"name": "trades", "type": "integer", "nullable": true, "min": 0,
		"clean": [{"missing": {"columns": ["trades"], "codes": ["-9", "-8"], "reason": "no record"}}]}`, string(text))
	require.Len(t, c.Fields[c.Index("home")].Clean, 4)
	require.Empty(t, c.Fields[c.Index("term")].Clean)
}

func TestReadCleans(t *testing.T) {
	t.Parallel()
	c := request.Of(cleaned(t))
	const amount = "a number of at most 4 decimal places, of at least 500, or an amount such as $1,234.50"
	for _, test := range []struct {
		field, raw string
		want       transform.Value
		complaint  string
	}{
		{"home", `" House "`, transform.Value{Text: "own"}, ""},
		{"home", `"-9.0"`, transform.Value{Missing: true}, ""},
		{"home", `"  "`, transform.Value{Missing: true}, ""},
		{"home", `""`, transform.Value{Missing: true}, ""},
		{"home", `"boat"`, transform.Value{}, "one of own, rent, after cleaning, or null is wanted"},
		{"home", "-9", transform.Value{}, "one of own, rent, after cleaning, or null is wanted"},
		{"urban", `"rural"`, transform.Value{}, ""},
		{"urban", `"urban"`, transform.Value{Number: 1}, ""},
		{"urban", "true", transform.Value{Number: 1}, ""},
		{"urban", "1", transform.Value{}, "true or false, or a text that is one after cleaning is wanted"},
		{"urban", `""`, transform.Value{}, "means a missing value; true or false, or a text that is one after cleaning is wanted"},
		{"open", "false", transform.Value{}, ""},
		{"open", `"false"`, transform.Value{}, "true or false, or null is wanted"},
		{"open", "null", transform.Value{Missing: true}, ""},
		{"trades", "-9", transform.Value{Missing: true}, ""},
		{"trades", "-9.0", transform.Value{Missing: true}, ""},
		{"trades", `"-9"`, transform.Value{}, "a whole number of at least 0, or null is wanted"},
		{"trades", "-7", transform.Value{}, "a whole number of at least 0, or null is wanted"},
		{"trades", "12", transform.Value{Number: 12}, ""},
		{"term", "36.0", transform.Value{Number: 36}, ""},
		{"term", "36.5", transform.Value{}, "a whole number from 6 to 360 is wanted"},
		{"term", "1e30", transform.Value{}, "is too large; a whole number from 6 to 360 is wanted"},
		{"amount", `"$1,234.50"`, transform.Value{Number: 1234.5}, ""},
		{"amount", "1234.5", transform.Value{Number: 1234.5}, ""},
		{"amount", `"$1,23"`, transform.Value{}, amount + " is wanted"},
		{"amount", `"$499.99"`, transform.Value{}, amount + " is wanted"},
		{"amount", "1234.56789", transform.Value{}, amount + " is wanted"},
		{"amount", `"$999,999,999,999,999"`, transform.Value{}, "is too large; " + amount + " is wanted"},
		{"amount", "\"$1\xff\"", transform.Value{}, amount + " is wanted"},
		{"income", `"($5.00)"`, transform.Value{}, ""},
		{"income", "2000000", transform.Value{}, "a number of at most 500000, or an amount such as $1,234.50 is wanted"},
	} {
		got, complaint := reader(t, c.Fields[c.Index(test.field)]).Read(json.RawMessage(test.raw))
		require.Equal(t, test.complaint, complaint.Text, "%s %s", test.field, test.raw)
		require.Equal(t, test.want, got, "%s %s", test.field, test.raw)
	}
	for raw, want := range map[string]request.Rule{
		`urban ""`: request.Required, `term 36.5`: request.Type, `term 1e30`: request.Range, `trades -7`: request.Range, `amount "$1,23"`: request.Type,
		`amount "$499.99"`: request.Range, `amount 1234.56789`: request.Type,
	} {
		name, value, _ := strings.Cut(raw, " ")
		_, complaint := reader(t, c.Fields[c.Index(name)]).Read(json.RawMessage(value))
		require.Equal(t, want, complaint.Rule, raw)
	}
	_, err := request.NewReader(request.Field{Name: "day", Type: "day"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

func TestWhatIsSentIsReadAsItself(t *testing.T) {
	t.Parallel()
	c := request.Of(cleaned(t))
	for _, test := range []struct {
		field string
		value transform.Value
		sent  any
	}{
		{"home", transform.Value{Text: "own"}, "own"}, {"home", transform.Value{Missing: true}, nil}, {"urban", transform.Value{Number: 1}, true}, {"urban", transform.Value{}, false},
		{"term", transform.Value{Number: 36}, 36.0}, {"amount", transform.Value{Number: 1234.5}, 1234.5}, {"income", transform.Value{Number: 0.25}, 0.25},
	} {
		f := c.Fields[c.Index(test.field)]
		require.Equal(t, test.sent, f.Send(test.value))
		require.True(t, reader(t, f).Keeps(test.value), "%s %+v", test.field, test.value)
	}
	for field, value := range map[string]transform.Value{
		"home": {Text: "house"}, "term": {Number: 36.5}, "trades": {Number: -9}, "amount": {Number: 1234.56789}, "urban": {Number: 0.5}, "income": {Number: -1},
	} {
		require.False(t, reader(t, c.Fields[c.Index(field)]).Keeps(value), field)
	}
}

// What a client reads of the cleaning.
func TestCleaningInWords(t *testing.T) {
	t.Parallel()
	c := request.Of(cleaned(t))
	home, income := c.Fields[c.Index("home")], c.Fields[c.Index("income")]
	require.Equal(t, []string{"white space around it is removed", "it is made lower case", `"flat" becomes "rent", "house" becomes "own"`, "-9, -8 means that it is missing (no record)"}, home.Cleaning())
	require.Equal(t, []string{"it may be an amount such as $1,234.50", "below 0 it is 0, above 1e+06 it is 1e+06"}, income.Cleaning())
	half := request.Field{Clean: []pipeline.CleanStep{{Clip: &pipeline.Clip{Min: bound(1)}}, {Clip: &pipeline.Clip{Max: bound(2)}}}}
	require.Equal(t, []string{"below 1 it is 1", "above 2 it is 2"}, half.Cleaning())
}

// Each change of cleaning that can make a good request a bad one, and each that cannot.
func TestBreaksOfCleaning(t *testing.T) {
	t.Parallel()
	const otherwise = "is cleaned otherwise: what was good may not be any more"
	x := []string{"x"}
	trim := pipeline.CleanStep{Trim: &pipeline.Trim{Columns: x}}
	lower := pipeline.CleanStep{Case: &pipeline.Case{Columns: x, To: "lower"}}
	mapped := func(pairs ...string) pipeline.CleanStep {
		values := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		return pipeline.CleanStep{Map: &pipeline.Map{Columns: x, Values: values}}
	}
	codes := func(reason string, codes ...string) pipeline.CleanStep {
		return pipeline.CleanStep{Missing: &pipeline.Codes{Columns: x, Codes: codes, Reason: reason}}
	}
	usd := pipeline.CleanStep{Amount: &pipeline.Amount{Columns: x, Currency: "$"}}
	euro := pipeline.CleanStep{Amount: &pipeline.Amount{Columns: x, Thousands: ".", Decimal: ","}}
	clip := func(low, high *float64) pipeline.CleanStep {
		return pipeline.CleanStep{Clip: &pipeline.Clip{Columns: x, Min: low, Max: high}}
	}
	number := request.Field{Type: pipeline.Number, Min: bound(0)}
	nullable := request.Field{Type: pipeline.Number, Min: bound(0), Nullable: true}
	home := request.Field{Type: pipeline.Category, Domain: []string{"own", "rent", "house"}}
	open := request.Field{Type: pipeline.Category}
	type steps = []pipeline.CleanStep
	for _, test := range []struct {
		name    string
		field   request.Field
		was, is steps
		says    string
	}{
		{"the same", home, steps{trim, lower}, steps{trim, lower}, ""},
		{"another order", home, steps{trim, lower}, steps{lower, trim}, otherwise},
		{"removed", home, steps{trim, lower}, steps{trim}, otherwise},
		{"none any more", number, steps{usd}, nil, otherwise},
		{"another reason", number, steps{codes("a", "-9")}, steps{codes("b", "-9")}, ""},
		{"a number that may be an amount", number, nil, steps{trim, usd}, ""},
		{"an amount with a comma", number, nil, steps{euro}, otherwise},
		{"an amount that was read otherwise", number, steps{euro}, steps{usd}, otherwise},
		{"a domain that cleaning keeps", home, nil, steps{trim, lower, mapped("house", "own")}, ""},
		{"a domain that cleaning does not keep", home, nil, steps{mapped("house", "boat")}, `does not take ["house"] any more`},
		{"a domain in another case", home, nil, steps{{Case: &pipeline.Case{Columns: x, To: "upper"}}}, `does not take ["own" "rent" "house"] any more`},
		{"trimmed texts", open, nil, steps{trim}, otherwise},
		{"texts that are mapped", open, nil, steps{mapped("a", "b")}, ""},
		{"texts that become missing", open, nil, steps{mapped("a", "")}, otherwise},
		{"more in a map", home, steps{mapped("flat", "rent")}, steps{mapped("flat", "rent", "villa", "own")}, ""},
		{"more in a map, to nothing good", home, steps{mapped("flat", "rent")}, steps{mapped("flat", "rent", "own", "boat")}, otherwise},
		{"less in a map", home, steps{mapped("flat", "rent", "villa", "own")}, steps{mapped("flat", "rent")}, otherwise},
		{"another map", home, steps{mapped("flat", "rent")}, steps{mapped("flat", "own")}, otherwise},
		{"codes where missing is allowed", nullable, nil, steps{codes("a", "5")}, ""},
		{"codes that were refused", number, nil, steps{codes("a", "-9", "n/a")}, ""},
		{"codes that were good", number, nil, steps{codes("a", "5")}, otherwise},
		{"more codes", nullable, steps{codes("a", "-9")}, steps{codes("a", "-9", "-8")}, ""},
		{"fewer codes", nullable, steps{codes("a", "-9", "-8")}, steps{codes("a", "-9")}, otherwise},
		{"a clip to what is allowed", number, nil, steps{clip(bound(0), bound(9))}, ""},
		{"a clip beyond the bounds, where nothing is", number, nil, steps{clip(bound(-1), nil)}, ""},
		{"a clip across a bound", number, nil, steps{clip(nil, bound(-1))}, otherwise},
		{"a clip across the other bound", request.Field{Type: pipeline.Number, Max: bound(0)}, nil, steps{clip(bound(1), nil)}, otherwise},
		{"another clip", number, steps{clip(bound(0), nil)}, steps{clip(bound(1), nil)}, otherwise},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			was, is := test.field, test.field
			was.Name, is.Name, was.Clean, is.Clean = "x", "x", test.was, test.is
			var says []string
			if test.says != "" {
				says = []string{`field "x" ` + test.says}
			}
			require.Equal(t, says, request.Words(request.Breaks(request.Contract{Fields: []request.Field{was}}, request.Contract{Fields: []request.Field{is}})))
		})
	}
}

// Where no break of cleaning is seen, no request that was good is refused.
func TestWithoutABreakOfCleaningEveryGoodRequestStaysGood(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SampledFrom([]pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category}).Draw(t, "type")
		draw := func(label string) request.Field {
			f := request.Field{Name: "x", Type: of, Nullable: rapid.Bool().Draw(t, label+" nullable"), Clean: cleaningFor(t, of, label)}
			if of == pipeline.Category {
				f.Domain = rapid.SampledFrom([][]string{nil, {"a", "own"}, {"a", "own", "house"}}).Draw(t, label+" domain")
			} else if of.Quantity() {
				f.Min = rapid.Ptr(rapid.SampledFrom([]float64{-9, 0}), true).Draw(t, label+" min")
				f.Max = rapid.Ptr(rapid.SampledFrom([]float64{1, 1234.5}), true).Draw(t, label+" max")
			}
			return f
		}
		was, is := draw("was"), draw("is")
		switch rapid.IntRange(0, 2).Draw(t, "alike") {
		case 0: // steps are added
			was.Nullable, was.Domain, was.Min, was.Max = is.Nullable, is.Domain, is.Min, is.Max
			at := rapid.IntRange(0, len(is.Clean)).Draw(t, "from")
			was.Clean = is.Clean[at:]
		case 1:
			was.Clean, was.Domain = nil, is.Domain
		}
		if len(request.Breaks(request.Contract{Fields: []request.Field{was}}, request.Contract{Fields: []request.Field{is}})) > 0 {
			return
		}
		raw := rapid.SampledFrom(raws).Draw(t, "raw")
		text, err := json.Marshal(raw)
		require.NoError(t, err)
		sent := []string{string(text), "null"}
		if json.Valid([]byte(raw)) {
			sent = append(sent, raw)
		}
		for _, sent := range sent {
			if _, complaint := reader(t, was).Read(json.RawMessage(sent)); complaint.Text == "" {
				_, complaint = reader(t, is).Read(json.RawMessage(sent))
				require.Empty(t, complaint, sent)
			}
		}
	})
}
