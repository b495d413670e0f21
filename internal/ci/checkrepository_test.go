package ci

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/request"
)

func TestCheckRepository(t *testing.T) {
	t.Parallel()
	tree := small(t)
	report := checked(t, tree, nil)
	require.Empty(t, report.Reasons)
	require.Equal(t, Passed, report.Status)
	require.Equal(t, "small-loans: 7 features, 4 steps of cleaning", report.Summary)
	require.Equal(t, []string{
		"spec pipeline.yaml: pipeline small-loans, 7 features, 4 steps of cleaning",
		"feature tests tests/features.yaml: 1 case",
		"sample: sample/applications.csv",
		"contract of requests: there is no champion to hold it against",
	}, report.Log)

	spec := read(t, tree).Spec
	champion := request.Of(spec)
	report = checked(t, tree, &champion)
	require.Equal(t, Passed, report.Status)
	require.Contains(t, report.Log, "contract of requests: what the champion takes stays good")
}

// Every mistake of a spec is a reason of its own.
func TestWhatReadRefusesIsRefused(t *testing.T) {
	t.Parallel()
	report := checked(t, small(t, "min: 6", "mim: 6", "type: boolean", "typ: boolean"), nil)
	require.Equal(t, Refused, report.Status)
	require.Equal(t, "2 mistakes", report.Summary)
	require.Len(t, report.Reasons, 2)
	require.Contains(t, report.Reasons[0], "pipeline.yaml:17:")
	report = checked(t, treeOf(t, "pipeline.yaml", "name: 3\n"), nil)
	require.Equal(t, []string{"pipeline.yaml:1:7: name is a whole number; a text is wanted, put it in quotes: \"3\""}, report.Reasons)
	require.Equal(t, "1 mistake", report.Summary)
}

// The champion's contract is that of the usual spec; lines by hand.
func TestTheContractWithTheChampion(t *testing.T) {
	t.Parallel()
	champion := request.Of(read(t, small(t)).Spec)
	narrower := small(t, "max: 100000", "max: 90000", "\n  - {name: debt, type: number, missing_max: 0.5}", "", "  - missing: {columns: [debt], codes: [\"-9\"], reason: no record}\n", "")
	report := checked(t, narrower, &champion)
	require.Equal(t, Refused, report.Status)
	require.Equal(t, []string{
		`pipeline.yaml:12:5: field "income" takes numbers up to 90000, and took larger ones: what clients of the champion send must stay good; give it back, or say that it is meant by deploy: {contract: breaking}`,
		`pipeline.yaml:12:3: field "debt" is gone: a request with it would be refused: what clients of the champion send must stay good; give it back, or say that it is meant by deploy: {contract: breaking}`,
	}, report.Reasons)

	meant := small(t, "max: 100000", "max: 90000", "gates:", "deploy: {contract: breaking}\ngates:")
	report = checked(t, meant, &champion)
	require.Equal(t, Passed, report.Status)
	require.Empty(t, report.Reasons)
	require.Contains(t, report.Log, `contract of requests: field "income" takes numbers up to 90000, and took larger ones, which the spec allows`)
}

func TestFeaturesOfAfterTheOutcome(t *testing.T) {
	t.Parallel()
	later := []string{"{name: fee, type: decimal, min: 0}", "{name: fee, type: decimal, min: 0, known: after_outcome}"}
	report := checked(t, small(t, later...), nil)
	require.Equal(t, Refused, report.Status)
	require.Equal(t, []string{`pipeline.yaml:18:47: column "fee" is declared as known only after the outcome: no application brings it, so move it from columns to ignore`}, report.Reasons)
	for _, allowed := range []string{"{column: fee, rule: known_later, reason: a test}", "{column: term, rule: known_later, reason: a test}", "{column: fee, rule: auc, reason: a test}"} {
		report = checked(t, small(t, append(later, "gates:", "leakage: {max_auc: 0.9, allow: ["+allowed+"]}\ngates:")...), nil)
		require.Equal(t, strings.Contains(allowed, "fee, rule: known"), report.Status == Passed, "%s %s", allowed, report.Reasons)
	}
}

func TestThereMustBeASample(t *testing.T) {
	t.Parallel()
	elsewhere := strings.Replace(smallSpec, "sample/applications.csv", "s3://bucket/applications.csv", 1)
	report := checked(t, treeOf(t, "pipeline.yaml", elsewhere), nil)
	require.Equal(t, []string{"pipeline.yaml:3:9: there is no sample: the source's rows are not in the repository; commit some and name them in ci.yaml: sample: FILE"}, report.Reasons)
	report = checked(t, treeOf(t, "pipeline.yaml", elsewhere, "ci.yaml", "sample: s.csv\n", "s.csv", ""), nil)
	require.Equal(t, Passed, report.Status)
	simulated := strings.Replace(smallSpec, "{uri: sample/applications.csv}", "{simulate: {rows: 100, seed: 1, from: 2024-01-01, to: 2025-01-01}}", 1)
	require.Equal(t, Passed, checked(t, treeOf(t, "pipeline.yaml", simulated), nil).Status)
}

// Its package could not be published: known before any test, and no reason for a registered pipeline of that name not to be read.
func TestANameThatNoRegistryTakes(t *testing.T) {
	t.Parallel()
	name := read(t, small(t)).Spec.Name
	report := checked(t, small(t, "name: "+name, "name: "+name+"-"), nil)
	require.Equal(t, Refused, report.Status)
	require.Equal(t, []string{"pipeline.yaml:1:7: name \"" + name + "-\" ends with a dash; no registry takes a package of that name"}, report.Reasons)
}

// checked is the step over a feature store that has nothing declared.
func checked(t *testing.T, tree *Tree, champion *request.Contract) Report {
	t.Helper()
	report, _, err := CheckRepository(tree, champion, Over{Keep: kept})
	require.NoError(t, err)
	return report
}

// kept is where a file of a repository would be.
func kept(path string) (string, error) { return "kept://" + path, nil }
