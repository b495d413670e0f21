package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/workflows"
)

// Wanted by hand.
func TestPairedDifferencesAreToldWithTheirRows(t *testing.T) {
	t.Parallel()
	c := comparison{A: comparedSide{Version: 5}, B: comparedSide{Version: 2}, SameRows: activities.SameRows{
		Of: 5, Rows: 900, Positive: 90, Note: "900 of 1000 rows are good for both", Test: artifact.Ref{SHA256: "digest"},
		A: map[string]evaluate.Metric{"auc": {Estimate: 0.7}, "brier": {Estimate: 0.2}}, B: map[string]evaluate.Metric{"auc": {Estimate: 0.72}, "brier": {Estimate: 0.19}},
		Differences: map[string]evaluate.Difference{"brier": {Estimate: -0.01, Lower: -0.02, Upper: 0.001, P: 0.07}, "auc": {Estimate: 0.02, Lower: 0.011, Upper: 0.029, P: 0.0000123}},
	}}
	c.pair()
	require.Equal(t, []pairedMetric{
		{"auc", 0.7, 0.72, 0.02, 0.011, 0.029, 0.0000123, 900, 90}, {"brier", 0.2, 0.19, -0.01, -0.02, 0.001, 0.07, 900, 90},
	}, c.Paired)
	require.Equal(t, pairedRows{5, "digest", "900 rows of the test part of version 5, 90 of them with label 1; version 2 may have been trained on some of them; 900 of 1000 rows are good for both"}, *c.PairedOn)
	require.Empty(t, c.PairedReason)
	var out bytes.Buffer
	(&app{out: &out}).describeComparison(c)
	require.Contains(t, out.String(), "VERSION 2 minus VERSION 5, row by row: 900 rows of the test part")
	require.Regexp(t, `METRIC +VERSION 5 +VERSION 2 +DIFFERENCE +95 % INTERVAL +P *\nauc +0\.7000 +0\.7200 +\+0\.0200 +\+0\.0110 to \+0\.0290 +1\.2e-05 *\nbrier `, out.String())

	c.SameRows = activities.SameRows{Of: 5, Note: "version 5 has no test part", Unpaired: "version 5 has no test part"}
	c.pair()
	out.Reset()
	(&app{out: &out}).describeComparison(c)
	require.Contains(t, out.String(), "\nno paired comparison: version 5 has no test part\n")
	require.NotContains(t, out.String(), "row by row")
}

func TestACadenceSaysWhatWasEvaluated(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, (&app{out: &out, output: "text"}).result(workflows.Result{Verdict: workflows.Evaluated, Reasons: []string{"why"}, Cadence: &workflows.Period{}}))
	require.Equal(t, "evaluated: how often to train\n  why\n", out.String())
}
