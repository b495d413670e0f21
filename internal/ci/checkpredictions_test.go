package ci

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

func TestEveryApplicantOfAGoodSpecGetsAScore(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	report := CheckPredictions(r, decider(t, r.Spec), Options{Seed: 1, Rows: 300})
	require.Empty(t, report.Reasons)
	require.Equal(t, Passed, report.Status, report.Summary)
	require.Contains(t, report.Summary, "applications of 7 fields: each has a finite score")
	require.Equal(t, report, CheckPredictions(r, decider(t, r.Spec), Options{Seed: 1, Rows: 300}), "the same seed, the same report")
}

// As many rows as are asked for, beside the ordinary one and one for each further value.
func TestHowManyAreDecided(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	decided := func(o Options) (n int, p *predictions) {
		p = newPredictions(&r, decider(t, r.Spec), o.Seed)
		p.report(o.Rows)
		return p.decided, p
	}
	few, p := decided(Options{Rows: 1})
	values := 0
	for i := range p.values {
		values += len(p.values[i]) - 1
	}
	require.Equal(t, 1+values+1, few)
	many, _ := decided(Options{Rows: 500})
	require.Equal(t, few+499, many)
	require.Equal(t, CheckPredictions(r, decider(t, r.Spec), Options{}), CheckPredictions(r, decider(t, r.Spec), Options{Rows: 2000}), "the default")
}

// Cleaning steps that make something bad of what the spec declares as good, each as somebody might write it. The wanted texts are by hand: the line
// of the step, and what it makes of the value.
func TestCleaningThatSpoilsAValidApplicant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change []string
		says   string
	}{
		{"a case that no value of the domain has", []string{"  - amount", "  - case: {columns: [home], to: upper}\n  - amount"},
			`pipeline.yaml:10:5: a valid applicant gets no score: home "own" (a value of its domain) is refused after the cleaning step case: it becomes "OWN"; one of own, rent, after cleaning is wanted; so are "rent"`},
		{"a map that leads out of the domain", []string{"{rented: rent}", "{rent: tenant, tenant: tenant}"},
			`pipeline.yaml:9:5: a valid applicant gets no score: home "rent" (a value of its domain) is refused after the cleaning step map: it becomes "tenant"; one of own, rent, after cleaning is wanted`},
		{"a code within the domain of a required column", []string{"columns: [debt], codes: [\"-9\"]", "columns: [home], codes: [rent, none]"},
			`home "rent" (a value of its domain) is refused after the cleaning step missing: it becomes missing`},
		{"a code within the bounds of a required column", []string{"columns: [debt], codes: [\"-9\"]", "columns: [debt, income], codes: [\"100000\"]"},
			`pipeline.yaml:11:5: a valid applicant gets no score: income 100000 (its max) is refused after the cleaning step missing: it becomes missing`},
		{"a clip to a bound that is not good", []string{"columns:\n", "  - clip: {columns: [term], min: 500}\ncolumns:\n"},
			`term 183 (an ordinary number) is refused after the cleaning step clip: it becomes 500`},
		{"nothing of false is left", []string{"columns:\n", "  - map: {columns: [first], values: {\"false\": nope, nope: nope}}\ncolumns:\n"},
			`first false (false) is refused after the cleaning step map: it is neither true nor false`},
		{"a map to what a later step makes missing", []string{"codes: [\"-9\"]", "codes: [rent]", "columns: [debt]", "columns: [debt, home]"},
			`home "rent" (a value of its domain) is refused after the cleaning step missing: it becomes missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, small(t, test.change...))
			report := CheckPredictions(r, decider(t, r.Spec), Options{Rows: 50})
			require.Equal(t, Refused, report.Status)
			require.Len(t, report.Reasons, 1, strings.Join(report.Reasons, "\n"))
			require.Contains(t, report.Reasons[0], test.says)
		})
	}
}

// What is odd, and spoils no applicant whom the spec declares as good: codes where missing values are allowed, or beyond the bounds; a map's text that is no
// value of one of its columns; an open category's value that is a code.
func TestCleaningThatSpoilsNobody(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]string{
		"a code beyond the bounds":         {"columns: [debt], codes: [\"-9\"]", "columns: [income], codes: [\"-9\"]"},
		"a code of an open category":       {"columns: [debt], codes: [\"-9\"]", "columns: [debt, purpose], codes: [\"-9\", a]", "category, missing_max: 0.1", "category"},
		"a code of a number without bound": {"columns: [debt], codes: [\"-9\"]", "columns: [debt, fee], codes: [\"1\"]", "number, missing_max: 0.5", "number"},
		"a map of two columns":             {"columns: [home], values: {rented: rent}", "columns: [home, purpose], values: {rented: rent, vehicle: car}"},
		"a map to another case":            {"values: {rented: rent}}", "values: {rented: Rent}}\n  - case: {columns: [home], to: lower}"},
		"a map that is never come to":      {"  - map", "  - case: {columns: [home], to: lower}\n  - map", "rented: rent", "Rented: rent"},
		"a clip within the bounds":         {"columns:\n", "  - clip: {columns: [term, fee], min: 10, max: 100}\ncolumns:\n"},
		"amounts with a comma":             {"currency: \"$\"", "currency: €, thousands: \".\", decimal: \",\""},
		"dots are spared by trim":          {"columns: [home]}\n", "columns: [home, income, term, fee, purpose]}\n"},
		"texts that are booleans":          {"columns:\n", "  - map: {columns: [first], values: {oui: \"true\", non: \"false\"}}\ncolumns:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := read(t, small(t, change...))
			report := CheckPredictions(r, decider(t, r.Spec), Options{Rows: 200})
			require.Empty(t, report.Reasons)
			require.Equal(t, Passed, report.Status)
		})
	}
}

// batchOff gives another score in a table that begins with a column.
func batchOff(column string) func(*predictions) {
	return func(p *predictions) {
		p.table = func(m *model.Model, t dataset.Table) ([]float64, error) {
			scores, err := scoring.Table(m, t)
			if t.Columns[0].Name == column {
				scores[2] = math.Nextafter(scores[2], 0)
			}
			return scores, err
		}
	}
}

// What is answered is spoilt where a condition on the fields is met, and the reason must name these fields and no other.
func TestPropertiesThatAreBroken(t *testing.T) {
	t.Parallel()
	const home, term, income, debt = 2, 4, 0, 1
	renter := func(row []transform.Value) bool { return row[home].Text == "rent" }
	answer := func(met func([]transform.Value) bool, change func(*decision.Decision)) func(*predictions) {
		return func(p *predictions) {
			ask := p.ask
			p.ask = func(row []transform.Value) (decision.Decision, error) {
				d, err := ask(row)
				if met(row) {
					change(&d)
				}
				return d, err
			}
		}
	}
	var last []transform.Value
	for _, test := range []struct {
		name  string
		spoil func(*predictions)
		says  []string
	}{
		{"a score that is no number", answer(renter, func(d *decision.Decision) { d.Probability = math.NaN() }),
			[]string{`an application that is ordinary but for home "rent" (a value of its domain) has no finite score: it is NaN; a number from 0 to 1 is wanted`}},
		{"infinite", answer(renter, func(d *decision.Decision) { d.Probability = math.Inf(1) }), []string{`home "rent" (a value of its domain) has no finite score: it is +Inf`}},
		{"above 1", answer(renter, func(d *decision.Decision) { d.Probability = 1.0000001 }), []string{`has no finite score: it is 1.0000001`}},
		{"below 0", answer(renter, func(d *decision.Decision) { d.Probability = -1e-300 }), []string{`has no finite score: it is -1e-300`}},
		{"no verdict", answer(renter, func(d *decision.Decision) { d.Verdict = "" }), []string{`home "rent" (a value of its domain) has no verdict with reasons: it is ""`}},
		{"five reasons", answer(renter, func(d *decision.Decision) { d.Reasons = make([]decision.Reason, 5) }), []string{`it has 5 reasons; at most 4 are wanted`}},
		{"a reason without a text", answer(renter, func(d *decision.Decision) { d.Reasons = []decision.Reason{{Field: "fee"}} }), []string{`the reason "fee" has no text`}},
		{"two fields together", answer(func(row []transform.Value) bool { return row[home].Text == "rent" && row[term].Number < 7 },
			func(d *decision.Decision) { d.Probability = math.NaN() }),
			[]string{`an application that is ordinary but for home "rent"`}},
		{"a fault", func(p *predictions) {
			p.ask = func(row []transform.Value) (d decision.Decision, err error) {
				if row[debt].Missing {
					return d, errors.New("no debt")
				}
				return p.d.Decide(row)
			}
		}, []string{`an application that is ordinary but for debt -9 (a code for a missing value) has no finite score: no debt`}},
		{"another score when asked again", func(p *predictions) {
			p.ask = func(row []transform.Value) (decision.Decision, error) {
				d, err := p.d.Decide(row)
				if again := slices.Equal(row, last); renter(row) && again {
					d.Probability, last = math.Nextafter(d.Probability, 0.5), nil
				} else {
					last = row
				}
				return d, err
			}
		}, []string{`home "rent" (a value of its domain) is another one when its fields come in another order: its score of 0.`}},
		{"contributions that are not those of the score", func(p *predictions) {
			p.contributions = func(row []transform.Value) ([]float64, error) {
				c, err := p.d.Model.Contributions(row)
				if row[income].Number == 0 {
					c[3] += 1e-3
				}
				return c, err
			}
		}, []string{`ordinary but for income 0 (its min) has contributions that do not sum up to its score: the log-odds of the score are`}},
		{"another score in a batch in the model's order", batchOff("income"), []string{`is another one in a batch: its score is 0.`}},
		{"another score in a batch in another order", batchOff("first"), []string{`is another one in a batch: its score is 0.`}},
		{"another encoding in a training", func(p *predictions) {
			p.encode = func(f transform.Field, s transform.Scale, v transform.Values) (transform.Batch, error) {
				b, err := transform.EncodeBatch(f, s, v)
				if f.Name == "debt" {
					b.Ones[1] = 0
				}
				return b, err
			}
		}, []string{`is another one in a batch: debt is 1 in a batch and -`}},
		{"an encoding that is refused in a training", func(p *predictions) {
			p.encode = func(f transform.Field, s transform.Scale, v transform.Values) (transform.Batch, error) {
				return transform.Batch{}, errors.New("too many")
			}
		}, []string{`an ordinary application is another one in a batch: a batch is refused: too many`}},
		{"a batch that is refused", func(p *predictions) {
			p.table = func(*model.Model, dataset.Table) ([]float64, error) { return nil, errors.New("no such table") }
		}, []string{"together get 0 scores, and each has a score alone: no such table"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := read(t, small(t))
			p := newPredictions(&r, decider(t, r.Spec), 3)
			test.spoil(p)
			report := p.report(100)
			require.Equal(t, Refused, report.Status)
			for i, says := range test.says {
				require.Contains(t, report.Reasons[i], says)
			}
			if test.name == "two fields together" {
				require.Contains(t, report.Reasons[0], ", term 6 (its min) has no finite score")
			}
		})
	}
}

// An SD that no training gives lets the largest numbers end in an infinity, and those only.
func TestNumbersThatEndInAnInfinity(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	d := decider(t, r.Spec)
	d.Model.Encoder.Scales[1] = transform.Scale{Mean: 1, SD: 1e-250}
	report := CheckPredictions(r, d, Options{Rows: 50})
	require.Equal(t, Refused, report.Status)
	require.Contains(t, strings.Join(report.Reasons, "\n"), `an application that is ordinary but for debt -1e+100 (the smallest that any number is) has contributions that do not sum up to its score: that of "debt" is -Inf`)
}

// A model that does not know a value of the spec's domain: another training's, say.
func TestTheModelOfAnotherSpec(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	other := read(t, treeOf(t, "pipeline.yaml", strings.Replace(smallSpec, "domain: [own, rent]", "domain: [own]", 1), "sample/applications.csv", ""))
	report := CheckPredictions(r, decider(t, other.Spec), Options{Rows: 10})
	require.Equal(t, Refused, report.Status)
	require.Equal(t, []string{`pipeline.yaml:15:5: a valid applicant gets no score: home "rent" (a value of its domain) is refused; one of own, after cleaning is wanted; so are " rent \t", "rented"`}, report.Reasons)
}

// Many faults are not all told.
func TestManyReasonsAreCut(t *testing.T) {
	t.Parallel()
	r := read(t, small(t))
	p := newPredictions(&r, decider(t, r.Spec), 3)
	p.table = func(_ *model.Model, t dataset.Table) ([]float64, error) { return make([]float64, t.Rows()), nil }
	report := p.report(100)
	require.Len(t, report.Reasons, maxReasons+1)
	require.Regexp(t, `^and \d+ more$`, report.Reasons[maxReasons])
}
