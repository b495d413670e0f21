package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
)

// around is an AUC and a Brier score with narrow intervals.
func around(auc float64) map[string]evaluate.Metric {
	near := func(x float64) evaluate.Metric {
		return evaluate.Metric{Estimate: x, Lower: x - 0.01, Upper: x + 0.01}
	}
	return map[string]evaluate.Metric{"auc": near(auc), "brier": near(0.2)}
}

// month is a vintage; an AUC of 0 is too few rows.
func month(name string, auc float64) performance.Group {
	if auc == 0 {
		return performance.Group{Name: name, Rows: 20, Immature: 80, Note: "not enough data: 20 matured rows, at least 100 are needed"}
	}
	return performance.Group{Name: name, Rows: 200, Metrics: around(auc)}
}

// lookAt is a look at a champion that was judged to have an AUC of 0.8, with months and what it estimates.
func lookAt(after, asOf string, champion int, verdict monitor.Verdict, estimate float64, months ...performance.Group) report.EarlierLook {
	p := &monitor.Performance{Judged: performance.Group{Metrics: around(0.8)}, Realised: performance.Realised{Vintages: months}}
	if estimate > 0 {
		p.Estimated = performance.Estimated{Rows: 300, Metrics: around(estimate)}
	}
	return report.EarlierLook{Look: registry.Look{Pipeline: "loans", After: after, AsOf: asOf, Champion: champion, Verdict: verdict, Rows: 300}, Performance: p}
}

func after(earlier ...report.EarlierLook) func(report.EarlierLook) report.Look {
	return func(now report.EarlierLook) report.Look {
		return report.Look{Look: now.Look, Performance: now.Performance, Earlier: earlier}
	}
}

// Wanted by hand.
func TestTrackIsOfAllLooks(t *testing.T) {
	t.Parallel()
	now := lookAt("2026-05-31", "2026-06-30", 2, monitor.Retrain, 0.79, month("2026-02", 0.72), month("2026-03", 0.7), month("2026-04", 0))
	now.Performance.Previous = &monitor.Previous{Version: 1, Vintages: []performance.Group{month("2026-02", 0.66)}}
	page := lookPage(t, after(
		lookAt("2025-12-31", "2026-01-31", 1, monitor.Nothing, 0.81, month("2025-10", 0.78), month("2025-11", 0)),
		lookAt("2026-01-31", "2026-02-28", 1, monitor.Alert, 0, month("2025-10", 0.77), month("2025-11", 0.75)),
		lookAt("2026-04-30", "2026-05-31", 2, monitor.Nothing, 0.8, month("2026-02", 0.71)),
	)(now))
	for _, test := range []struct{ name, want string }{
		{"a month that two looks know is as the newer one says", "2025-10: 200 with a label, 0 without; version 1: AUC 0.770 (0.760 to 0.780)<"},
		{"a month that has matured since", "2025-11: 200 with a label, 0 without; version 1: AUC 0.750"},
		{"which version it is held against, which may not be the last one before it", "version 1, an earlier champion"},
		{"the champion and that version", "2026-02: 200 with a label, 0 without; version 1: AUC 0.660 (0.650 to 0.670); version 2: AUC 0.720 (0.710 to 0.730)"},
		{"a month of too few rows", "2026-04: 20 with a label, 80 without; not enough data: 20 matured rows"},
		{"an estimate of an earlier look", "look of 2026-01-31, version 1: AUC estimated at 0.810 (0.800 to 0.820) for 300 rows, without labels"},
		{"an estimate of this look", "look of 2026-06-30, version 2: AUC estimated at 0.790"},
		{"a new champion", "<title>version 2 is champion instead of version 1</title>"},
		{"a verdict of an earlier look", "<title>2026-02-28: alert; version 1, 300 rows, 0 findings</title>"},
		{"what it was judged to be", "when judged</text>"},
		{"in words", "Version 2 had an AUC of 0.800 when it was judged. Of the 2 months since that have labels enough, it has 0.720 in the first, 2026-02, and 0.700 in the last, 2026-03. Without labels, the look of 2026-06-30 estimated 0.790."},
		{"for those who see no plot", "<desc>Version 2 had an AUC of 0.800"},
		{"as a table", `<th scope="row">2025-11</th><td>1</td><td>200</td><td>0</td><td>0.750 <small>0.740 to 0.760</small></td>`},
		{"looks as a table", `<th scope="row">2026-02-28</th><td class="l">alert</td><td>1</td><td>300</td><td>– <small></small></td>`},
	} {
		require.Contains(t, page, test.want, test.name)
	}
	require.Equal(t, 6, strings.Count(page, `<rect class="outlook"`), "three estimates, of AUC and of Brier score")
}

// What is known of a month is not forgotten by a look that measures it no more, nor is a track by one that measures nothing.
func TestTrackForgetsNothing(t *testing.T) {
	t.Parallel()
	page := lookPage(t, after(
		lookAt("", "2026-01-31", 1, monitor.Nothing, 0, month("2025-10", 0.78)), lookAt("", "2026-02-28", 1, monitor.Nothing, 0, month("2025-10", 0)),
	)(report.EarlierLook{Look: registry.Look{AsOf: "2026-03-31", Champion: 1}}))
	require.Contains(t, page, "Not measured in this look.")
	require.Contains(t, page, "version 1: AUC 0.780")
	require.Contains(t, page, "It has 0.780 in 2025-10, the only month since that has labels enough.")
}

// A look at rows of its own is no part of the course, and its own page shows them alone.
func TestTrackLeavesOutRowsOfTheirOwn(t *testing.T) {
	t.Parallel()
	own := lookAt("", "2026-02-28", 1, monitor.Alert, 0, month("1999-01", 0.61))
	own.Data = "rows.csv"
	usual := lookAt("", "2026-01-31", 1, monitor.Nothing, 0, month("2025-10", 0.78))
	page := lookPage(t, after(usual, own)(lookAt("", "2026-03-31", 1, monitor.Nothing, 0, month("2025-11", 0.77))))
	require.NotContains(t, page, "0.610")
	require.Contains(t, page, "version 1: AUC 0.780")
	page = lookPage(t, after(usual)(own))
	require.Contains(t, page, "version 1: AUC 0.610")
	require.NotContains(t, page, "version 1: AUC 0.780")
	require.NotContains(t, lookPage(t, report.Look{Look: registry.Look{AsOf: "2026-01-31", Champion: 1}}), `id="track"`, "nothing was measured")
}

// Sixty daily looks, and ten years, have no more labels than there is room for.
func TestTrackOfManyLooks(t *testing.T) {
	t.Parallel()
	var looks []report.EarlierLook
	for day := range 59 {
		looks = append(looks, lookAt("", fmt.Sprintf("2026-%02d-%02d", day/28+1, day%28+1), 1, monitor.Nothing, 0.8))
	}
	var months []performance.Group
	for year := range 10 {
		months = append(months, month(fmt.Sprintf("%d-01", 2016+year), 0.7))
	}
	page := lookPage(t, after(looks...)(lookAt("", "2026-03-31", 1, monitor.Nothing, 0, months...)))
	_, plot, _ := strings.Cut(page, `aria-label="AUC over time`)
	plot, _, _ = strings.Cut(plot, "</svg>")
	require.LessOrEqual(t, strings.Count(plot, "-01</text>"), 12)
	require.Contains(t, plot, "2020-01</text>")
	require.NotContains(t, plot, ">✓<", "signs have no room")
}

// Since when it does worse is said of looks at this champion alone, without a break.
func TestLookSaysSinceWhenItDoesWorse(t *testing.T) {
	t.Parallel()
	worse := func(look report.EarlierLook, is bool) report.EarlierLook {
		look.Performance.Change = performance.Change{Decayed: is, Differences: map[string]evaluate.Difference{"auc": {Estimate: -0.1}}}
		return look
	}
	page := lookPage(t, after(
		worse(lookAt("", "2026-01-31", 1, monitor.Alert, 0.8), true), worse(lookAt("", "2026-02-28", 2, monitor.Nothing, 0.8), false), worse(lookAt("", "2026-03-31", 2, monitor.Nothing, 0.8), true),
	)(worse(lookAt("", "2026-04-30", 2, monitor.Nothing, 0.8), true)))
	require.Contains(t, page, "beyond chance and tolerance (p &lt;0.0001), since 2026-03-31, 2 looks.")
}
