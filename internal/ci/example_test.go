package ci_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/train/logit"
)

const exampleFolder = "../../examples/pipeline-repo"

// The example is what the docs start from: whatever can be tested of it without a platform is as it should be.
func TestTheExample(t *testing.T) {
	t.Parallel()
	tree, err := ci.ReadFolder(exampleFolder)
	require.NoError(t, err)
	report, _, err := ci.CheckRepository(tree, nil, ci.Over{})
	require.NoError(t, err)
	require.Empty(t, report.Reasons)
	require.Equal(t, ci.Passed, report.Status)

	r, err := ci.Read(tree, ci.Over{})
	require.NoError(t, err)
	require.Equal(t, []string{"sample/applications.csv"}, r.Sample)
	require.Len(t, r.TestFiles, 1)
	require.GreaterOrEqual(t, len(r.TestFiles[0].Cases), 6)
	sample, _ := tree.File(r.Sample[0])
	require.Less(t, len(sample.Data), 600<<10, "it is cloned often")

	m, test := trained(t, r.Spec, sample.Data)
	features := ci.CheckFeatures(r, m.Encoder, m.Contract)
	require.Empty(t, features.Reasons)
	require.Equal(t, ci.Passed, features.Status)
	predictions := ci.CheckPredictions(r, decision.Decider{Model: m, Meaning: r.Spec.Label.Meaning, Policy: decision.PolicyOf(r.Spec)}, ci.Options{})
	require.Empty(t, predictions.Reasons)
	require.Equal(t, ci.Passed, predictions.Status)

	scores, err := scoring.Table(m, test)
	require.NoError(t, err)
	y, err := dataset.Label(r.Spec, test, time.Time{})
	require.NoError(t, err)
	metrics, err := evaluate.Measure(y, scores)
	require.NoError(t, err)
	passed, checks := evaluate.Gate(r.Spec.Gates, metrics, evaluate.Comparison{})
	require.True(t, passed, "%+v", checks)
}

// Changes of the example that somebody might push, with the reasons that the docs tell: each is refused where it should be.
func TestBadChangesOfTheExample(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/pipeline-repository.md")
	require.NoError(t, err)
	const mapped = "self-employed: self_employed, self employed: self_employed, freelance: contract"
	const written = "\n- name: self employed is written in two ways\n  row: {employment: self employed}\n  expect: {employment=self_employed: 1}\n"
	for _, test := range []struct {
		name, file, old, replacement string
		features, predictions        []string
	}{
		{"a wrong expectation", "tests/features.yaml", "home_ownership=rent: 1", "home_ownership=rent: 1.0, home_ownership: {clean: own}", []string{
			`tests/features.yaml:5: case "a renter has the level rent and no other": home_ownership is "rent" after cleaning, wanted "own"`}, nil},
		{"a wrong encoding", "tests/features.yaml", "{home_ownership: rent}", "{home_ownership: other}", []string{
			`tests/features.yaml:5: case "a renter has the level rent and no other": home_ownership=rent is 0, wanted 1`,
			`tests/features.yaml:5: case "a renter has the level rent and no other": home_ownership=other is 1, wanted 0`}, nil},
		{"a case that the spec does not keep", "tests/features.yaml", "  refused: term_months\n", "  refused: term_months\n" + written, []string{
			`tests/features.yaml:52: case "self employed is written in two ways": the row is refused for "employment": one of salaried, self_employed, contract, retired, unemployed, after cleaning is wanted`}, nil},
		{"a spec that keeps it", "pipeline.yaml", "self-employed: self_employed, freelance: contract", mapped, nil, nil},
		// A code that somebody takes for no amount, and that is the largest one that the spec declares as good. The sample has none, so that nothing else finds it.
		{"a cleaning step that spoils", "pipeline.yaml", "  - amount:", "  - missing: {columns: [loan_amount], codes: [\"1000000\"], reason: not decided yet}\n  - amount:", nil, []string{
			`pipeline.yaml:28:5: a valid applicant gets no score: loan_amount 1000000 (its max) is refused after the cleaning step missing: it becomes missing; a number from 500 to 1e+06, or an amount such as $1,234.50 is wanted: set missing_max, or leave the value out of what the column declares as good`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree, err := ci.ReadFolder(exampleFolder)
			require.NoError(t, err)
			file, _ := tree.File(test.file)
			changed := strings.Replace(string(file.Data), test.old, test.replacement, 1)
			require.NotEqual(t, string(file.Data), changed)
			require.NoError(t, tree.Add(test.file, ci.File{Data: []byte(changed)}))
			r, err := ci.Read(tree, ci.Over{})
			require.NoError(t, err)
			sample, _ := tree.File(r.Sample[0])
			m, _ := trained(t, r.Spec, sample.Data)
			features := ci.CheckFeatures(r, m.Encoder, m.Contract)
			require.Equal(t, test.features, features.Reasons)
			require.Equal(t, test.features != nil, features.Status == ci.Refused)
			predictions := ci.CheckPredictions(r, decision.Decider{Model: m, Meaning: r.Spec.Label.Meaning, Policy: decision.PolicyOf(r.Spec)}, ci.Options{Rows: 100})
			require.Equal(t, test.predictions, predictions.Reasons)
			for _, reason := range test.predictions {
				require.Contains(t, string(docs), reason)
			}
		})
	}
	require.Contains(t, string(docs), mapped)
	require.Contains(t, string(docs), `tests/features.yaml:52: case "self employed is written in two ways": the row is refused for "employment"`)
	require.Contains(t, string(docs), `tests/features.yaml:5: case "a renter has the level rent and no other": home_ownership=rent is 0, wanted 1`)
	require.Contains(t, string(docs), strings.TrimSpace(written))
}

// trained is a model of the sample's rows, and those to test it on: the last fifth of those whose outcome is final.
func trained(t *testing.T, spec pipeline.Spec, sample []byte) (*model.Model, dataset.Table) {
	rows, err := csv.NewReader(bytes.NewReader(sample)).ReadAll()
	require.NoError(t, err)
	place := map[string]int{}
	for i, name := range rows[0] {
		place[name] = i
	}
	final := spec.Source.KnownAt.AddDate(0, 0, -spec.Label.MaturesAfterDays).Format(time.DateOnly)
	var mature [][]string
	for _, row := range rows[1:] {
		if row[place[spec.Label.Column]] != "" && row[place[spec.Time]] <= final {
			mature = append(mature, row)
		}
	}
	label := dataset.Column{Name: spec.Label.Column, Kind: dataset.Text}
	table := dataset.Table{}
	for _, row := range mature {
		label.Texts, label.Valid = append(label.Texts, row[place[label.Name]]), append(label.Valid, true)
	}
	for _, c := range spec.Columns {
		cleaner, err := clean.New(spec.Clean, c.Name, c.Type)
		require.NoError(t, err)
		column := dataset.Column{Name: c.Name}
		if c.Type == pipeline.Category {
			column.Kind = dataset.Text
		}
		for _, row := range mature {
			v, wrong := cleaner.Clean(row[place[c.Name]])
			require.Equal(t, clean.None, wrong, c.Name)
			if v.Missing {
				v.Number = math.NaN()
			}
			column.Floats, column.Texts, column.Valid = append(column.Floats, v.Number), append(column.Texts, v.Text), append(column.Valid, !v.Missing)
		}
		table.Columns = append(table.Columns, column)
	}
	table.Columns = append(table.Columns, label)
	n := len(mature)
	part := func(from, to int) dataset.Table {
		var places []int
		for i := from; i < to; i++ {
			places = append(places, i)
		}
		return table.Select(places)
	}
	m, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(part(0, n*3/5)), dataset.ColumnsOf(part(n*3/5, n*4/5)), func(int, float64) {})
	require.NoError(t, err)
	return m, part(n*4/5, n)
}
