package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted by hand.
func TestBrokenRulesOfTheSchema(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		severity       dataset.Severity
		rule           dataset.Rule
		grows          bool
		found, meaning bool
	}{
		{"a missing column", dataset.Error, dataset.RuleMissingColumn, false, true, true},
		{"a missing column of a schema that grows", dataset.Error, dataset.RuleMissingColumn, true, true, true},
		{"a new category that it takes in", dataset.Warning, dataset.RuleSchema, true, true, false},
		{"a new column that it takes in", dataset.Warning, dataset.RuleUnexpectedColumn, true, true, false},
		{"a new column that is not used", dataset.Warning, dataset.RuleUnexpectedColumn, false, false, false},
		{"a new category that it does not take in", dataset.Warning, dataset.RuleSchema, false, false, false},
		{"what only warns", dataset.Warning, dataset.RuleDuplicates, true, false, false},
	} {
		found := Broken(dataset.Report{Rows: 700, Findings: []dataset.Finding{{Column: "purpose", Rule: test.rule, Severity: test.severity, Share: 0.1, Message: "why"}}}, test.grows)
		if !test.found {
			require.Empty(t, found, test.name)
			continue
		}
		require.Equal(t, []Finding{{Kind: OfSchema, Feature: "purpose", Statistic: Statistic(test.rule), Value: 0.1, Rows: 700, Message: "why", Meaning: test.meaning}}, found, test.name)
	}
}

func TestAnUnacceptedSchemaIsForReview(t *testing.T) {
	t.Parallel()
	f := Unaccepted("column income is now in thousands")
	require.Equal(t, Statistic("schema"), f.Statistic)
	require.Equal(t, Review, Decide(every(pipeline.ReactNothing), Evidence{Champion: 1, Findings: []Finding{f}}).Verdict)
}
