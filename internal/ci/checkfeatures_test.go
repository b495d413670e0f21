package ci

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// features runs one case, written as a mapping without its name, against the usual spec's model.
func features(t *testing.T, inside string, change ...func(*transform.Encoder, *request.Contract)) Report {
	r := read(t, small(t))
	d := decider(t, r.Spec)
	file, err := readFeatures("tests/a.yaml", []byte("- {name: case, "+inside+"}\n"), r.Spec)
	require.NoError(t, err, inside)
	r.TestFiles = []FeatureFile{file}
	for _, c := range change {
		c(&d.Model.Encoder, &d.Model.Contract)
	}
	return CheckFeatures(r, d.Model.Encoder, d.Model.Contract)
}

// The wanted numbers are by hand: a training of income 0 and 100000 has the mean and the deviation 50000; of debt 5 and 15 the mean 10, the deviation 5.
func TestFeaturesAsExpected(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{
		`row: {income: 100000}, expect: {income: 1}`,
		`row: {income: 75000}, expect: {income: {encoded: 0.5}}`,
		`row: {income: "$75,000.00"}, expect: {income: {clean: 75000}}`,
		`row: {income: 75001}, expect: {income: {encoded: 0.5, tolerance: 0.001}}`,
		`row: {debt: 5}, expect: {debt: -1, "debt:missing": 0}`,
		`row: {debt: null}, expect: {debt: 0, "debt:missing": 1}`,
		`row: {}, expect: {debt: {clean: null}, "debt:missing": 1}`,
		`row: {debt: -9}, expect: {debt: {clean: null}}`,
		`row: {home: " rented"}, expect: {home: {clean: rent}, home=rent: 1, home=own: 0}`,
		`row: {purpose: boat}, expect: {purpose=boat: 1, purpose=car: 0, "purpose:missing": 0}`,
		`row: {purpose: spaceship}, expect: {purpose: {unseen: true}, purpose=boat: 0}`,
		`row: {first: true}, expect: {first: {clean: true}}`,
		`row: {first: false}, expect: {first: {clean: 0}}`,
		`row: {home: houseboat}, refused: home`,
		`row: {home: null}, refused: home`,
		`row: {}, refused: home`,
		`row: {term: 1.5}, refused: term`,
		`row: {term: 12, income: -1}, refused: income`,
	} {
		report := features(t, inside)
		require.Empty(t, report.Reasons, inside)
		require.Equal(t, Passed, report.Status)
		require.Equal(t, "1 case as expected", report.Summary)
		require.Equal(t, []string{"tests/a.yaml:1: case: as expected"}, report.Log)
	}
}

// What is not as expected, in the words of a person who reads the build. Numbers as above.
func TestFeaturesThatAreNotAsExpected(t *testing.T) {
	t.Parallel()
	for inside, says := range map[string]string{
		`row: {home: own}, expect: {home=rent: 1}`:                  `home=rent is 0, wanted 1`,
		`row: {home: own}, expect: {home=own: 0}`:                   `home=own is 1, wanted 0`,
		`row: {income: 75000}, expect: {income: 0.6}`:               `income is 0.5, wanted 0.6`,
		`row: {income: 75001}, expect: {income: 0.5}`:               `income is 0.50002, wanted 0.5`,
		`row: {income: 75001}, expect: {income: {clean: 75000}}`:    `income is 75001 after cleaning, wanted 75000`,
		`row: {income: 75001}, expect: {income: {clean: null}}`:     `income is 75001 after cleaning, wanted missing`,
		`row: {debt: null}, expect: {debt: {clean: 0}}`:             `debt is missing after cleaning, wanted 0`,
		`row: {debt: 0}, expect: {"debt:missing": 1}`:               `debt:missing is 0, wanted 1`,
		`row: {debt: null}, expect: {"debt:missing": 0}`:            `debt:missing is 1, wanted 0`,
		`row: {home: rented}, expect: {home: {clean: rented}}`:      `home is "rent" after cleaning, wanted "rented"`,
		`row: {purpose: boat}, expect: {purpose: {unseen: true}}`:   `purpose is not unseen: purpose=boat is 1`,
		`row: {purpose: null}, expect: {purpose: {unseen: true}}`:   `purpose is not unseen: purpose:missing is 1`,
		`row: {purpose: null}, expect: {purpose: {clean: missing}}`: `purpose is missing after cleaning, wanted "missing"`,
		`row: {purpose: ship}, expect: {purpose=ship: 0}`:           `there is no column purpose=ship: the sample holds no such value; its levels are boat, car`,
		`row: {home: houseboat}, expect: {home=own: 0}`:             `the row is refused for "home": one of own, rent, after cleaning is wanted`,
		`row: {income: 1}, expect: {home=own: 0}`:                   `the row is refused for "home": is missing; one of own, rent, after cleaning is wanted`,
		`row: {home: own}, refused: home`:                           `the row is not refused for "home", and should be`,
		`row: {home: boat, term: 1.5}, refused: home`:               `the row is refused for "term": a whole number from 6 to 360 is wanted`,
		`row: {term: 1.5, home: own}, refused: home`:                `the row is refused for "term": a whole number from 6 to 360 is wanted`,
	} {
		report := features(t, inside)
		require.Equal(t, Refused, report.Status, inside)
		require.Equal(t, `tests/a.yaml:1: case "case": `+says, report.Reasons[0])
		require.Equal(t, "1 of 1 case not as expected", report.Summary)
		require.Equal(t, []string{"tests/a.yaml:1: case: not as expected"}, report.Log)
	}
}

// The reason's line is that of what is expected, and every expectation of a case is told.
func TestEveryExpectationIsToldAtItsLine(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	d := decider(t, r.Spec)
	file, err := readFeatures("tests/a.yaml", []byte("- name: good\n  row: {home: own}\n  expect: {home=own: 1}\n- name: bad\n  row: {home: own, debt: 10}\n  expect:\n    home=own: 0\n    debt: 0\n    home=rent: 1\n"), r.Spec)
	require.NoError(t, err)
	r.TestFiles = []FeatureFile{file}
	report := CheckFeatures(r, d.Model.Encoder, d.Model.Contract)
	require.Equal(t, []string{`tests/a.yaml:7: case "bad": home=own is 1, wanted 0`, `tests/a.yaml:9: case "bad": home=rent is 0, wanted 1`}, report.Reasons)
	require.Equal(t, "1 of 2 cases not as expected", report.Summary)
}

// What was never tested is not passed.
func TestWithoutCasesNothingIsPassed(t *testing.T) {
	t.Parallel()
	r := read(t, treeOf(t, "pipeline.yaml", smallSpec, "sample/applications.csv", ""))
	d := decider(t, r.Spec)
	report := CheckFeatures(r, d.Model.Encoder, d.Model.Contract)
	require.Equal(t, Report{Status: NotApplicable, Summary: "there are no feature tests: write tests/*.yaml"}, report)
}

// A model that reads other fields, or others' values.
func TestFeaturesOfAnotherModel(t *testing.T) {
	t.Parallel()
	report := features(t, "row: {debt: 1}, expect: {debt: 1}", func(e *transform.Encoder, _ *request.Contract) {
		e.Fields, e.Scales = e.Fields[:1], e.Scales[:1]
	})
	require.Equal(t, []string{`tests/a.yaml:1: case "case": the model does not read "debt", so that nothing of it is encoded`}, report.Reasons)
	report = features(t, `row: {debt: 1}, expect: {"debt:missing": 0}`, func(e *transform.Encoder, c *request.Contract) { e.Fields[1].Nullable = false })
	require.Equal(t, []string{`tests/a.yaml:1: case "case": the model has no column debt:missing`}, report.Reasons)
	report = features(t, `row: {home: rent}, expect: {home=own: 0}`, func(e *transform.Encoder, c *request.Contract) { e.Fields[2].Levels = []string{"own"} })
	require.Equal(t, []string{`tests/a.yaml:1: case "case": field "home" has a value that the model does not know`}, report.Reasons)
	report = features(t, "row: {debt: 1}, expect: {debt: {clean: 1}}", func(e *transform.Encoder, c *request.Contract) {
		c.Fields[1].Clean[0].Missing.Codes = nil
		c.Fields = c.Fields[:1]
	})
	require.Equal(t, []string{`tests/a.yaml:1: case "case": the model reads "debt", which no request holds and nothing adds`}, report.Reasons)
}
