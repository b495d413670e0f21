package profile_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// observed is what is told of one column of so many rows, by rule.
func observed(t testing.TB, kind dataset.Kind, rows int, value func(i int) float64) map[string]profile.Observation {
	t.Helper()
	c := dataset.Column{Name: "n", Kind: kind}
	var label []float64
	for i := range rows {
		c.Floats, label = append(c.Floats, value(i)), append(label, float64(i*104_729%7/5))
	}
	found := map[string]profile.Observation{}
	for _, o := range profile.Of(dataset.Table{Columns: []dataset.Column{c}}, profile.About{Role: everything, Label: label}).Profile("x").Observations {
		found[o.Rule] = o
	}
	return found
}

func TestObservations(t *testing.T) {
	t.Parallel()
	bulk := func(i int) float64 { return float64(100 + i*37%400) }
	for _, of := range []struct {
		name  string
		kind  dataset.Kind
		value func(i int) float64
		rule  string // empty: nothing is told
	}{
		{"a plain column", dataset.Float, bulk, ""},
		{"one value", dataset.Float, func(int) float64 { return 7 }, "constant"},
		{"no values", dataset.Float, func(int) float64 { return math.NaN() }, "constant"},
		{"a number of its own for every row", dataset.Integer, func(i int) float64 { return float64(10_000 + i) }, "nearly_unique"},
		{"decimals of their own are no identifiers", dataset.Float, func(i int) float64 { return 0.5 + float64(i)/7 }, ""},
		{"most are missing", dataset.Float, func(i int) float64 { return map[bool]float64{true: math.NaN(), false: bulk(i)}[i%3 > 0] }, "missing_useless"},
		{"minus nine", dataset.Float, func(i int) float64 { return map[bool]float64{true: -9, false: bulk(i)}[i%20 == 0] }, "special_code"},
		{"nines", dataset.Float, func(i int) float64 { return map[bool]float64{true: 9999, false: bulk(i)}[i%20 == 0] }, "special_code"},
		{"minus one beside ratios", dataset.Float, func(i int) float64 { return map[bool]float64{true: -1, false: float64(i*37%400) / 400}[i%20 == 0] }, "special_code"},
		{"minus one beside counts", dataset.Float, func(i int) float64 { return map[bool]float64{true: -1, false: float64(i * 7 % 10)}[i%11 == 0] }, ""},
		{"minus one beside 0 is a count", dataset.Float, func(i int) float64 { return float64(i%8 - 1) }, ""},
		{"ninety-nine among its like", dataset.Float, func(i int) float64 { return float64(i % 100) }, ""},
		{"9999 once", dataset.Float, func(i int) float64 { return map[bool]float64{true: 9999, false: bulk(i)}[i == 5] }, "outliers"},
		{"a long tail", dataset.Float, func(i int) float64 { return math.Round(math.Exp(float64(i*37%400) / 45)) }, ""},
		{"outliers", dataset.Float, func(i int) float64 { return map[bool]float64{true: 1e7, false: bulk(i)}[i == 50] }, "outliers"},
		{"mostly one value", dataset.Float, func(i int) float64 { return map[bool]float64{true: float64(i), false: 0}[i%50 == 0] }, "skewed"},
	} {
		found := observed(t, of.kind, 2000, of.value)
		if of.rule == "" {
			require.Empty(t, found, of.name)
			continue
		}
		require.Contains(t, found, of.rule, of.name)
		require.Len(t, found, 1, of.name)
		require.NotEmpty(t, found[of.rule].Fragment, of.name)
	}
}

// Numbers are written for people.
func TestOutliersAreTold(t *testing.T) {
	t.Parallel()
	o := observed(t, dataset.Float, 2000, func(i int) float64 {
		return map[bool]float64{true: -1_234_567.5, false: float64(10_000 + i%50)}[i == 5]
	})["outliers"]
	require.Equal(t, "1 row; numbers from -1,234,568 to 10,049, the middle 98 % from 10,000 to 10,048", o.Columns[0].Detail)
	require.Contains(t, o.Fragment, `- clip: {columns: ["n"], min: 10000}`)
}

// By GNU date (date -u -d "1970-01-01 20000 days"): day 20,000 is 2024-10-04, day 40,000 is 2079-07-08, day -25,567 is 1900-01-01; the 99th
// percentile of the days is in 2028.
func TestOutliersAndCodesOfDaysAreDays(t *testing.T) {
	t.Parallel()
	for kind, perDay := range map[dataset.Kind]float64{dataset.Date: 1, dataset.Timestamp: 24 * 60 * 60 * 1e6} {
		o := observed(t, kind, 2000, func(i int) float64 {
			return perDay * map[bool]float64{true: 40_000, false: float64(20_000 + i%1500)}[i == 5]
		})["outliers"]
		require.Len(t, o.Columns, 1, kind)
		require.Regexp(t, `^1 row; from 2024-10-04 to 2079-07-08, the middle 98 % from 2024-1\d-\d\d to 2028-\d\d-\d\d$`, o.Columns[0].Detail, kind)
		require.Empty(t, o.Fragment)
		o = observed(t, kind, 2000, func(i int) float64 {
			return perDay * map[bool]float64{true: -25_567, false: float64(20_000 + i*7%300)}[i%10 == 5]
		})["special_code"]
		require.Equal(t, "1900-01-01 looks like a code", o.Title, kind)
	}
}

// 1,200 of 2,000 are missing: 60 %, by hand a fifth more is 72 %, in steps of five 75 %, as infer.Run suggests.
func TestWhatMayBeMissingHasRoom(t *testing.T) {
	t.Parallel()
	found := observed(t, dataset.Float, 2000, func(i int) float64 {
		if i%5 < 3 {
			return math.NaN()
		}
		return float64(i%3) + 9*float64(i*104_729%7/5)
	})
	require.Contains(t, found["missing"].Fragment, "missing_max: 0.75}")
}

func TestCodesAreCounted(t *testing.T) {
	t.Parallel()
	values := []float64{-9, -8, 0, 3, 999}
	o := observed(t, dataset.Integer, 2000, func(i int) float64 {
		if i%10 < 5 {
			return float64(i % 80)
		}
		return values[i%5]
	})["special_code"]
	require.Equal(t, "999 looks like a code", o.Title, "the last of three")
	require.Equal(t, []profile.Observed{{Column: "n", Detail: "200 rows (10.0 %)"}}, o.Columns)
	require.Contains(t, o.Fragment, `codes: ["999"]`)
}

// What tells of the label: too strong, missing by label; and of columns beside each other.
func TestObservationsOfTheLabel(t *testing.T) {
	t.Parallel()
	var label []float64
	strong, missing, twin := dataset.Column{Name: "strong"}, dataset.Column{Name: "missing"}, dataset.Column{Name: "twin"}
	for i := range 2000 {
		y := float64(i * 7919 % 10_007 % 2)
		label = append(label, y)
		strong.Floats = append(strong.Floats, float64(i%50)+30*y)
		twin.Floats = append(twin.Floats, strong.Floats[i]*3+float64(i%2))
		x := float64(i * 37 % 400)
		if y == 1 && i%5 == 0 || i%50 == 0 {
			x = math.NaN()
		}
		missing.Floats = append(missing.Floats, x)
	}
	p := profile.Of(dataset.Table{Columns: []dataset.Column{strong, missing, twin}}, profile.About{Role: everything, Label: label}).Profile("x")
	var told []string
	for _, o := range p.Observations {
		for _, c := range o.Columns {
			told = append(told, fmt.Sprintf("%s %s %s", o.Severity, o.Rule, c.Column))
		}
	}
	require.Equal(t, []string{"high strong strong", "high strong twin", "high missing_by_label missing", "medium correlated " + weaker(p)}, told)
}

func weaker(p profile.Profile) string {
	if p.Columns[0].ByLabel.IV < p.Columns[2].ByLabel.IV {
		return "strong"
	}
	return "twin"
}

// mixture draws columns of every type, with whatever the rules look for, under any names.
func mixture(t *rapid.T) (table dataset.Table, label []float64) {
	const rows = 400
	for i := range rows {
		label = append(label, float64(i*104_729%7/5))
	}
	kinds := []dataset.Kind{dataset.Float, dataset.Integer, dataset.Decimal, dataset.Boolean, dataset.Text}
	names := rapid.SliceOfNDistinct(rapid.OneOf(rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_ ]{0,8}`),
		rapid.SampledFrom([]string{"yes", "null", "1", "a: b", `quo"ted`, `back\slash`, "#", "{x}", "ÄÖ é", "- x", "'", "☃", "a\u00a0b", "~", "\u2028"})), 1, 6, func(s string) string { return s }).Draw(t, "names")
	for _, name := range names {
		c := dataset.Column{Name: name, Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		shape, scale := rapid.IntRange(0, 8).Draw(t, "shape"), rapid.SampledFrom([]float64{1e-7, 0.01, 1, 1000, 1e12}).Draw(t, "scale")
		for i := range rows {
			x := float64(i*37%100) * scale
			switch {
			case shape == 0:
				x = 7
			case shape == 1 && i%3 > 0 || shape == 2 && label[i] == 1:
				x = math.NaN()
			case shape == 3 && i%20 == 0:
				x = -9
			case shape == 4 && i == 5:
				x = 1e6 * scale
			case shape == 5:
				x = float64(i)
			case shape == 6:
				x = float64(i) * scale
				if i%50 > 0 {
					x = 0
				}
			case shape == 7 && i == 5:
				x = -1e6 * scale
			case shape == 8 && i%3 > 0:
				x = math.NaN()
			case shape == 8:
				x = float64(i%7) + 4*label[i]
			}
			switch c.Kind {
			case dataset.Integer:
				x = math.Round(x)
			case dataset.Decimal:
				x = math.Round(min(max(x, -1e9), 1e9)*1e4) / 1e4
			case dataset.Boolean:
				if x == x {
					x = math.Mod(math.Abs(math.Round(x)), 2)
				}
			case dataset.Text:
				c.Texts, c.Valid = append(c.Texts, fmt.Sprint(x)), append(c.Valid, x == x)
				continue
			}
			c.Floats = append(c.Floats, x)
		}
		table.Columns = append(table.Columns, c)
	}
	return table, label
}

// Every fragment that is suggested can be put into the spec of its data, which then says what the fragment does.
func TestEveryFragmentParses(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		table, label := mixture(t)
		p := profile.Of(table, profile.About{Role: everything, Label: label}).Profile("x")
		for _, o := range p.Observations {
			if o.Fragment == "" {
				continue
			}
			seen[o.Rule] = true
			spec, err := pipeline.Parse("spec.yaml", pasted(t, p, o.Fragment))
			require.NoError(t, err, o.Fragment)
			for _, c := range o.Columns {
				require.True(t, spec.Knows(c.Column))
			}
			if o.Rule == "special_code" { // else validation refuses what the step makes missing
				require.Contains(t, o.Fragment, "missing_max: ")
				require.NotContains(t, o.Fragment, "missing_max: 0}")
			}
			if o.Rule == "missing" {
				for _, c := range spec.Columns {
					for _, of := range o.Columns {
						if of.Column == c.Name {
							require.Greater(t, c.MissingMax, 0.5)
						}
					}
				}
			}
		}
	})
	for _, rule := range []string{"strong", "special_code", "constant", "nearly_unique", "correlated", "missing", "missing_useless", "outliers", "skewed"} {
		require.True(t, seen[rule], "%s was suggested", rule)
	}
}

// pasted is the spec of a profile's data with a fragment, as a person pastes it.
func pasted(t *rapid.T, p profile.Profile, fragment string) []byte {
	type columnSpec struct {
		Name       string  `yaml:"name"`
		Type       string  `yaml:"type"`
		MissingMax float64 `yaml:"missing_max"`
	}
	var change struct {
		Clean   []any        `yaml:"clean"`
		Ignore  []string     `yaml:"ignore"`
		Columns []columnSpec `yaml:"columns"`
	}
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(fragment), &change, yaml.Strict()), fragment)
	columns := []columnSpec{{Name: "some feature", Type: "number"}}
	for _, c := range p.Columns {
		kind := strings.Replace(c.Type.String(), "text", "category", 1)
		ignored := false
		for _, name := range change.Ignore {
			ignored = ignored || name == c.Name
		}
		column := columnSpec{c.Name, kind, 1}
		for _, changed := range change.Columns {
			if changed.Name == c.Name {
				require.Equal(t, kind, changed.Type)
				column = changed
			}
		}
		if !ignored {
			columns = append(columns, column)
		}
	}
	spec := map[string]any{
		"name": "x", "source": map[string]any{"uri": "x.csv"}, "label": map[string]any{"column": "the label", "positive": "1", "negative": "0"}, "columns": columns,
	}
	if change.Ignore != nil {
		spec["ignore"] = change.Ignore
	}
	text, err := yaml.Marshal(spec)
	require.NoError(t, err)
	if change.Clean != nil { // as it is written
		text = append(text, '\n')
		steps, _, _ := strings.Cut(fragment, "# in the entries")
		text = append(text, steps...)
	}
	return text
}
