package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/pipelines"
)

func shipped(t testing.TB) string {
	data, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	return string(data)
}

func TestParseTheShippedSpec(t *testing.T) {
	spec, err := pipeline.Parse("loan-eligibility.yaml", []byte(shipped(t)))
	require.NoError(t, err)
	require.Equal(t, "loan-eligibility", spec.Name)
	require.Len(t, spec.Columns, 13)
	require.Equal(t, []int{5, 20, 40, 70}, spec.Deploy.Canary.Steps)
	require.Equal(t, "lower", spec.Gates[0].Value)
	require.Equal(t, "estimate", spec.Gates[1].Value, "default")
	require.InDelta(t, 0.65, *spec.Gates[0].Min, 0)
}

// A spec crosses Temporal as JSON and must arrive as it was.
func TestSpecSurvivesJSON(t *testing.T) {
	spec, err := pipeline.Parse("loan-eligibility.yaml", []byte(shipped(t)))
	require.NoError(t, err)
	data, err := json.Marshal(spec)
	require.NoError(t, err)
	var back pipeline.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, spec, back)
}

const small = `name: small
source: {uri: rows.csv}
label: {column: y, positive: "1", negative: "0"}
columns:
  - {name: a, type: number}
`

func TestParseFillsDefaults(t *testing.T) {
	spec, err := pipeline.Parse("small.yaml", []byte(small))
	require.NoError(t, err)
	require.Equal(t, pipeline.ByHash, spec.Split.By)
	require.Equal(t, 128, spec.Deploy.MemoryMiB)
	require.Equal(t, "automatic", spec.Deploy.Approval)
	require.Equal(t, pipeline.MeaningDefault, spec.Label.Meaning)
}

// A zero that the file gives is meant.
func TestParseKeepsExplicitZeros(t *testing.T) {
	spec, err := pipeline.Parse("x.yaml", []byte(small+"deploy: {canary: {max_error_rate: 0, max_score_shift: 0, rate: 0}}\n"))
	require.NoError(t, err)
	require.Zero(t, spec.Deploy.Canary.MaxErrorRate)
	require.Zero(t, spec.Deploy.Canary.MaxScoreShift)
	require.Equal(t, 25, spec.Deploy.Canary.MinRequests, "what is left out has its default")
	require.Equal(t, 500, spec.Deploy.Latency.Requests)

	_, err = pipeline.Parse("x.yaml", []byte(small+"policy: {cutoff: 0}\ndeploy: {canary: {max_failed_checks: 0}}\n"))
	require.ErrorContains(t, err, "x.yaml:6:18: policy.cutoff is 0")
	require.ErrorContains(t, err, "x.yaml:7:38: deploy.canary.max_failed_checks is 0")
}

// The parser needs quadratic time for these; they must be refused before it sees them.
func TestParseRefusesDeepNesting(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 80_000), strings.Repeat("- ", 80_000), strings.Repeat("{a: ", 80_000), strings.Repeat("? ", 80_000), strings.Repeat("[\n", 80_000)} {
		_, err := pipeline.Parse("x.yaml", []byte(text))
		require.ErrorContains(t, err, "deep")
	}
}

// Positions were counted by hand in the text of each case.
func TestParseNamesEveryMistakeAndItsPlace(t *testing.T) {
	for _, test := range []struct {
		name, old, new string
		want           []string
	}{
		{"unknown key", "name: small", "nmae: small", []string{`x.yaml:1:1: unknown key "nmae" in the spec; did you mean "name"?`}},
		{"nested unknown key", "{name: a, type: number}", "{name: a, type: number, minimum: 3}",
			[]string{`x.yaml:5:29: unknown key "minimum" in columns[0]; known are name, type`}},
		{"wrong type", "source: {uri: rows.csv}", "source: {uri: 7}", []string{`x.yaml:2:15: source.uri is a whole number; a text is wanted, put it in quotes: "7"`}},
		{"unquoted label", `positive: "1"`, `positive: 1`, []string{`x.yaml:3:30: label.positive is a whole number; a text is wanted`}},
		{"list wanted", "columns:\n  - {name: a, type: number}", "columns: a", []string{`x.yaml:4:10: columns is a text; a list is wanted`}},
		{"no source", "source: {uri: rows.csv}\n", "", []string{`source is missing`}},
		{"bad day", "{uri: rows.csv}", "{simulate: {rows: 5, seed: 1, from: soon, to: 2026-01-01}}",
			[]string{`x.yaml:2:45: source.simulate.from is "soon"; a day such as 2026-06-30 is wanted`}},
		{"bad enum", "type: number", "type: float", []string{`x.yaml:5:21: type is "float"; number, integer, boolean, decimal or category is wanted`}},
		{"two roles", "{name: a, type: number}", "{name: y, type: number}", []string{`x.yaml:5:12: column "y" is the label already; it cannot be a feature as well`}},
		{"duplicate key", "name: small", "name: small\nname: again", []string{`x.yaml:2:`}},
		{"two mistakes at once", "name: small\nsource: {uri: rows.csv}", "name: Small Loans\nsource: {uri: rows.csv}\nsplit: {by: time, train: 0.5, validation: 0.2, test: 0.2}",
			[]string{`x.yaml:1:7: name "Small Loans"`, `x.yaml:3:13: split.by is time, but the spec names no time column`, `positive shares that sum to 1`}},
		{"gate without a bound", "columns:", "gates:\n  - {metric: auc}\ncolumns:", []string{`a gate needs min, max or both`}},
		{"gate that nothing passes", "columns:", "gates:\n  - {metric: auc, min: 0.9, max: 0.8}\ncolumns:", []string{`x.yaml:5:24: min 0.9 is above max 0.8`}},
		{"no steps", "columns:", "deploy: {canary: {steps: []}}\ncolumns:", []string{`deploy.canary.steps is empty`}},
		{"no penalties", "columns:", "algorithm: {l2: []}\ncolumns:", []string{`algorithm.l2 lists 0 penalties`}},
		{"unknown metric", "columns:", "gates:\n  - {metric: acu, min: 0.5}\ncolumns:", []string{`x.yaml:5:14: metric is "acu"; did you mean "auc"?`}},
		{"steps that fall", "columns:", "deploy: {canary: {steps: [20, 5]}}\ncolumns:", []string{`canary step 5; whole percents that grow`}},
		{"protected feature", "columns:", "protected: [a]\ncolumns:", []string{`column "a" is protected already; it cannot be a feature as well`}},
		{"not YAML", "name: small", "name: [small", []string{`x.yaml:`}},
		{"empty", small, "", []string{`x.yaml:1:1`}},
		{"a list", small, "- a\n", []string{`x.yaml:1:1: the spec is a list; keys with values are wanted`}},
		{"not a number", "type: number}", "type: number, missing_max: .nan}", []string{`missing_max`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(small, test.old, test.new, 1)
			require.NotEqual(t, small, text)
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Error(t, err)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(shipped(f))
	f.Add(small)
	f.Add("a: &x [*x]")
	f.Add("name: !!binary aGk=\n? [a]: b")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := pipeline.Parse("fuzz.yaml", []byte(text)); err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
		}
	})
}
