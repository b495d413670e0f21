package ci

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestFeatureCases(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	file, err := readFeatures("tests/a.yaml", []byte(`# all forms
- name: all
  row: {home: " own ", income: $1.5, debt: null, first: true, term: 12, fee: 2.5}
  expect:
    home=own: 1
    home: {clean: own}
    income: {clean: 1.5, tolerance: 0.25}
    debt:missing: 1
    debt: {clean: null}
    purpose=a = b: 0
    purpose: {unseen: true}
    term: {encoded: -0.5, tolerance: 0.01}
    first: {clean: true}
    fee: 0
- {name: bad, row: {term: 1.5}, refused: term}
`), r.Spec)
	require.NoError(t, err)
	own := "own"
	require.Equal(t, FeatureFile{Path: "tests/a.yaml", Cases: []Case{
		{
			Name: "all", Line: 2,
			Row: []Sent{{"home", []byte(`" own "`)}, {"income", []byte(`"$1.5"`)}, {"debt", []byte("null")}, {"first", []byte("true")}, {"term", []byte("12")}, {"fee", []byte("2.5")}},
			Expect: []Expectation{
				{Column: "home=own", Line: 5, Field: "home", Aspect: Level, Level: "own", Number: 1, Tolerance: 1e-9},
				{Column: "home", Line: 6, Field: "home", Aspect: Clean, Text: &own, Tolerance: 1e-9},
				{Column: "income", Line: 7, Field: "income", Aspect: Clean, Number: 1.5, Tolerance: 0.25},
				{Column: "debt:missing", Line: 8, Field: "debt", Aspect: Missing, Number: 1, Tolerance: 1e-9},
				{Column: "debt", Line: 9, Field: "debt", Aspect: Clean, Null: true, Tolerance: 1e-9},
				{Column: "purpose=a = b", Line: 10, Field: "purpose", Aspect: Level, Level: "a = b", Tolerance: 1e-9},
				{Column: "purpose", Line: 11, Field: "purpose", Aspect: Unseen, Tolerance: 1e-9},
				{Column: "term", Line: 12, Field: "term", Aspect: Encoded, Number: -0.5, Tolerance: 0.01},
				{Column: "first", Line: 13, Field: "first", Aspect: Clean, Number: 1, Tolerance: 1e-9},
				{Column: "fee", Line: 14, Field: "fee", Aspect: Encoded, Tolerance: 1e-9},
			},
		},
		{Name: "bad", Line: 15, Row: []Sent{{"term", []byte("1.5")}}, Refused: "term"},
	}}, file)
}

// Mistakes with where they stand, by hand. All are of one case with a row and what is wanted of it.
func TestMistakesOfFeatureTests(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	for text, says := range map[string]string{
		"":                                     "tests/a.yaml:1:1: there is nothing in it; the file of the feature tests holds one YAML document",
		"[]":                                   "tests/a.yaml:1:1: there is no case; write one, or leave the file out",
		"name: x":                              "tests/a.yaml:1:1: case is a mapping; a list is wanted",
		"- 3":                                  "tests/a.yaml:1:3: case[0] is a whole number; keys with values are wanted",
		"- {row: {home: own}, refused: home}":  "tests/a.yaml:1:3: name is missing; say what the case shows",
		"- {name: a, row: {hone: own}}":        `tests/a.yaml:1:25: the spec has no column "hone"; did you mean "home"?`,
		"- {name: a, row: {zzzzzz: own}}":      `the spec has no column "zzzzzz"; it has income, debt, home, purpose, term, fee, first`,
		"- {name: a, row: {home: [own]}}":      "tests/a.yaml:1:25: case[0].row.home is a list; a text, a number, true, false or null is wanted",
		"- {name: a, row: {home: {clean: x}}}": "home holds keys; a text, a number, true, false or null is wanted, as a client would send it",
		"- {name: a, row: {income: .inf}}":     "case[0].row.income is not a finite number",
		"- {name: a, row: {home: own}}":        "tests/a.yaml:1:3: give expect or refused, one of them",
		"- {name: a, expect: {}, row: {}}":     "give expect or refused, one of them",
		"- {name: a, refused: hom}":            `tests/a.yaml:1:22: the spec has no column "hom"; did you mean "home"?`,
		"- {name: a, refused: home, expect: {home=own: 1}}":          "give expect or refused, one of them",
		"- {name: a, wanted: home}":                                  `tests/a.yaml:1:13: unknown key "wanted" in case[0]; known are name, row, expect, refused`,
		"- {name: a, refused: home}\n- {name: a, refused: home}":     `tests/a.yaml:2:10: name "a" stands twice; cases are told apart by it`,
		"- {name: a, expect: {hone=own: 1}}":                         `the spec has no column "hone"; did you mean "home"?`,
		"- {name: a, expect: {home=boat: 1}}":                        `tests/a.yaml:1:33: "boat" is no value of column "home"; its domain is own, rent`,
		"- {name: a, expect: {home: 1}}":                             `column "home" is a category and has a column for each level; write home=LEVEL: 1, {clean: TEXT} or {unseen: true}`,
		"- {name: a, expect: {home: {encoded: 1}}}":                  "encoded: 1 is nothing that can be expected of home",
		"- {name: a, expect: {home: {unseen: true}}}":                `column "home" has a domain: another value is refused, not unseen; expect refused: home`,
		"- {name: a, expect: {purpose: {unseen: false}}}":            "unseen: false is nothing that can be expected of purpose",
		"- {name: a, expect: {purpose: {unseen: true, clean: x}}}":   "purpose: give one of encoded, clean and unseen",
		"- {name: a, expect: {income=1: 1}}":                         `column "income" is a number and has no levels; write income: NUMBER, or {clean: NUMBER}`,
		"- name: a\n  expect:\n    income:missing: 1\n":              `tests/a.yaml:3:21: column "income" is required and has no column for missing values; set missing_max in the spec, or expect refused: income`,
		"- {name: a, expect: {income: high}}":                        `income is "high"; a number is wanted, or {clean: VALUE}`,
		"- {name: a, expect: {income: true}}":                        `income is true; a number is wanted`,
		"- {name: a, expect: {income: {clean: high}}}":               `clean is "high"; a number is wanted, or null where the value is missing`,
		"- {name: a, expect: {home: {clean: 3}}}":                    `clean is 3; a text is wanted, or null where the value is missing`,
		"- {name: a, expect: {income: {clean: true}}}":               `clean is true; a number is wanted`,
		"- {name: a, expect: {income: {tolerance: 1}}}":              "income: give one of encoded, clean and unseen",
		"- {name: a, expect: {income: {encoded: 1, tolerance: -1}}}": "tolerance: -1 is nothing that can be expected of income",
		"- {name: a, expect: {home=own: {clean: own}}}":              "is nothing that can be expected of home=own",
		"- {name: a, expect: {income: {encoded: 1, clean: 2}}}":      "income: give one of encoded, clean and unseen",
	} {
		_, err := readFeatures("tests/a.yaml", []byte(text), r.Spec)
		require.ErrorContains(t, err, says, text)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
}

// A level may hold what separates it from its column, and a column as well.
func TestColumnsOfOddNames(t *testing.T) {
	t.Parallel()
	r := read(t, small(t, "name: fee", "name: \"purpose=x\"", "type: decimal, min: 0", "type: category, missing_max: 0.1"))
	f := featureReader{columns: r.Spec.Columns}
	for name, want := range map[string][2]string{"purpose=y": {"purpose", "y"}, "purpose=x=y": {"purpose=x", "y"}, "purpose=x": {"purpose=x", ""}, "purpose=x:missing": {"purpose=x", ""}, "purpose=": {"purpose", ""}} {
		c, _, level := f.find(name)
		require.Equal(t, want, [2]string{c.Name, level}, name)
	}
}
