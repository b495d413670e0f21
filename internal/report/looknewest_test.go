package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// Wanted by hand: of two numbers of newest months the one that decides is marked, and the versions on its rows stand below. Where the change is none over
// all looks nothing is called worse, whatever an interval says.
func TestLookShowsTheNewestMonths(t *testing.T) {
	t.Parallel()
	l := measured(t)
	differences := func(auc, calibration float64) map[string]evaluate.Difference {
		return map[string]evaluate.Difference{"auc": evaluate.NewDifference(auc, 1e-4), "brier": evaluate.NewDifference(0, 1e-6), "calibration": evaluate.NewDifference(calibration, 1e-4), "brier_excess": evaluate.NewDifference(0, 1e-6)}
	}
	shown := *l.Performance
	shown.Change.Recent = []performance.Recent{
		{Since: "2026-04", Vintages: 1, Rows: 1234, Differences: differences(-0.05, 0.02)},
		{Since: "2026-03", Vintages: 2, Rows: 2468, Differences: differences(-0.1, 0.03)},
	}
	shown.Change.Decayed, shown.Change.Since = true, "2026-03"
	shown.Recent = []performance.Standing{{Version: 1, Basis: performance.OnLabels, Rows: 2468, Differences: differences(0.07, 0), P: 1e-5, Better: true}}
	l.Performance = &shown
	page := lookPage(t, l)
	for _, want := range []string{
		`2026-04</th><td>1</td><td>1,234</td>`, `2026-03 <span class="pill high">worse since</span></th><td>2</td><td>2,468</td>`,
		"−0.100 <small>−0.120 to −0.080</small>", "&#43;0.030 <small>&#43;0.010 to &#43;0.050</small>", "Older versions on the rows since then", "&#43;0.070 <small>&#43;0.050 to &#43;0.090</small>",
	} {
		require.True(t, strings.Contains(page, want), want) // the page itself is too long to be told
	}

	calm := shown
	calm.Change.Decayed, calm.Change.By, calm.Change.Since, calm.Recent = false, "", "", nil
	calm.Change.Differences = differences(-0.05, 0.02)
	l.Performance = &calm
	page = lookPage(t, l)
	require.True(t, strings.Contains(page, "Not worse than when it was judged"))
	for _, never := range []string{"worse since", `<tr class="worse">`, "since then"} {
		require.False(t, strings.Contains(page, never), never)
	}
}
