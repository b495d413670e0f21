package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

const typed = `name: typed
source: {uri: rows.csv}
clean:
  - trim: {columns: [home]}
  - map: {columns: [home], values: {house: own, flat: rent}}
  - missing: {columns: [open], codes: ["-9"], reason: no record}
  - date: {columns: [paid], formats: [M/D/YY]}
  - amount: {columns: [amount], currency: "$"}
  - clip: {columns: [amount], min: 0.5, max: 100}
  - clip: {columns: [term], min: 6}
label: {column: y, positive: "1", negative: "0"}
entity: id
time: day
protected: [age]
ignore: [paid, note, seen]
types: {paid: date, age: integer, seen: timestamp}
columns:
  - {name: amount, type: decimal, min: 0, max: 200}
  - {name: home, type: category, domain: [own, rent]}
  - {name: term, type: integer, max: 360}
  - {name: open, type: boolean}
`

func TestTypesOfColumns(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("x.yaml", []byte(typed))
	require.NoError(t, err)
	for name, want := range map[string]pipeline.ColumnType{
		"amount": pipeline.Decimal, "home": pipeline.Category, "term": pipeline.Integer, "open": pipeline.Boolean,
		"day": pipeline.Day, "paid": pipeline.Day, "age": pipeline.Integer, "seen": pipeline.Timestamp, "note": pipeline.Text, "id": pipeline.Text, "y": pipeline.Text, "": pipeline.Text,
	} {
		require.Equal(t, want, spec.TypeOf(name), name)
	}
	spec, err = pipeline.Parse("x.yaml", []byte(strings.Replace(typed, "types: {", "types: {day: timestamp, ", 1)))
	require.NoError(t, err)
	require.Equal(t, pipeline.Timestamp, spec.TypeOf("day"))
	require.Equal(t, pipeline.Text, new(pipeline.Spec).TypeOf(""))
}

// Each breaks one rule, at the place that ▸ marks.
func TestTypesAndStepsNameMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{"types: {paid", "types: {home: ▸text, paid", `column "home" is a feature, whose type stands in columns`},
		{"types: {paid", "types: {piad: ▸text, paid", `column "piad" is not in the spec; name it in protected, ignore, entity, time or label`},
		{"age: integer", "age: ▸int", `type is "int"; number, integer, boolean, decimal, category, date, timestamp or text is wanted`},
		{"types: {paid", "types: {day: ▸text, paid", `type is "text"; the time column is a date or a timestamp`},
		{"name: open, type: boolean", "name: open, type: ▸date", `type is "date"; a feature is number, integer, boolean, decimal or category: move the column to ignore and its type to types, or make a number of it`},
		{"name: open, type: boolean", "name: open, type: ▸text", `or make a category of it`},
		{"{name: open, type: boolean", "▸{name: open, type: boolean, min: 0", `a boolean is true or false and has no min and max`},
		{"name: open, type: boolean", "name: open, type: boolean, domain: ▸[yes]", `a boolean has true and false, not a domain`},
		{"type: integer, max", "type: integer, domain: ▸[\"6\"], max", `an integer has min and max, not a domain`},
		{"min: 0, max: 200", "min: ▸300, max: 200", `min 300 is above max 200`},
		{"domain: [own", "domain: [▸\"\", own", `the domain of "home" names the empty text, which means a missing value; set missing_max instead`},
		{"domain: [own", "domain: [▸\"cafe\u0301\", own", `is not in Unicode's composed form (NFC)`},
		{"values: {house: own", "values: {house: ▸\"cafe\u0301\"", `is not in Unicode's composed form (NFC)`},
		{`codes: ["-9"]`, "codes: [▸\"cafe\u0301\"]", `code "café" is not in Unicode's composed form (NFC)`},
		{"values: {house: own", `values: {"": ▸own`, `an empty text is missing before anything is mapped`},
		{"values: {house: own", `values: {villa: ▸house, house: own`, `"villa" becomes "house", which becomes "own" itself; write what it ends as`},
		{"columns: [paid]", "columns: [▸note, paid]", `column "note" is a text; a date step cleans a column of the type date, which types declares`},
		{"amount: {columns: [amount]", "amount: {columns: [amount, ▸home]", `column "home" is a category; an amount cleans a number, an integer or a decimal`},
		{"clip: {columns: [term]", "clip: {columns: [term, ▸open]", `column "open" is a boolean; a clip cleans a number, an integer or a decimal`},
		{"[term], min: 6", "[term], min: ▸6.5", `min is 6.5, which an integer cannot be`},
		{"min: 0.5, max: 100}", "min: 0.5, max: ▸100.00001}", `max is 100.00001, which a decimal cannot be`},
		{"clip: {columns: [term], min: 6}", "trim: {columns: [▸amount]}", `trim stands after a clip of "amount"; a clip looks at the number that the other steps have made, and comes last`},
		{"  - clip: {columns: [amount]", "  - amount: {columns: [▸amount]}\n  - clip: {columns: [amount]", `a second amount of "amount"`},
		{"  - amount:", "  - date: {columns: [▸paid], formats: [YYYYMMDD]}\n  - amount:", `a second date of "paid"; one step reads it, a date with several formats`},
		{`currency: "$"`, `currency: "$", thousands: e`, `two different separators are wanted, no digits or letters`},
		{"formats: [M/D/YY]", "formats: [▸M/M/D/YY]", `format "M/M/D/YY"`},
		{"formats: [M/D/YY]", "formats: [▸MDYY]", `with separators where M or D can have one digit or two`},
		{"formats: [M/D/YY]", "formats: [▸M/YY]", `one DD or D are wanted`},
		{"formats: [M/D/YY]", "formats: [▸YY/M/D/YY]", `one YYYY or YY`},
		{"formats: [M/D/YY]", "formats: [M/D/YY], pivot: ▸1799", `pivot is 1799`},
	} {
		t.Run(test.new, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(typed, test.old), "the text to change is not unique")
			text, place := strings.Replace(typed, test.old, test.new, 1), ""
			if strings.Contains(text, "▸") {
				text, place = marked(t, text)
			}
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Error(t, err)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.NotContains(t, err.Error(), "\n", "one mistake is one line")
			require.True(t, strings.HasPrefix(err.Error(), "x.yaml:"+place), "want %s: %s", place, err)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestDateTokens(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"M/D/YYYY": {"M", "/", "D", "/", "YYYY"}, "YYYYMMDD": {"YYYY", "MM", "DD"}, "DMMMYY": {"D", "MMM", "YY"}, "D. MMM YYYY": {"D", ".", " ", "MMM", " ", "YYYY"}, "YYYY-MM-D": {"YYYY", "-", "MM", "-", "D"},
		"": nil, "YYYY": nil, "M/D": nil, "MMMM/D/YYYY": nil, "DMMYYYY": nil, "D/MYYYY": nil, "YYY/M/D": nil, "M/D/YYYY h": nil, "M/D/D/YY": nil,
	} {
		require.Equal(t, want, pipeline.DateTokens(format), format)
	}
	require.Equal(t, 1970, new(pipeline.DateIn).FirstYear())
	require.Equal(t, 1950, (&pipeline.DateIn{Pivot: 1950}).FirstYear())
}

// A step for one column is the step, whatever its kind.
func TestStepsOfOneColumn(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("x.yaml", []byte(sourced))
	require.NoError(t, err)
	for i := range spec.Clean {
		if step := &spec.Clean[i]; !step.OfTable() {
			one := step.Only(step.Columns()[0])
			require.Equal(t, *step, one, "each step of this spec names one column")
		}
	}
	only := spec.Clean[0].Only("other")
	require.Equal(t, []string{"other"}, only.Columns())
	require.Equal(t, []string{"home"}, spec.Clean[0].Columns(), "the step itself stays")
	require.Equal(t, pipeline.CleanStep{}, spec.Clean[8].Only("home"))
}
