package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
)

// Wanted by hand. The lower bound of a drifting feature is half its PSI.
func TestLookSaysWhichRowsDriftMostAndSinceWhen(t *testing.T) {
	t.Parallel()
	tiny := drifting("income", 0.9, true)
	tiny.Window.Rows = 4
	var looks []report.EarlierLook
	for i, psi := range []float64{0.01, 0.4, 0.5} {
		beyond := psi > 0.1
		d := monitor.Drift{
			Segment: "lender", Overall: []drift.Result{drifting("income", psi, beyond), drifting("age", 0.02, false)},
			Segments: []monitor.SegmentDrift{
				{Value: "calm", Results: []drift.Result{drifting("income", 0.02, false), drifting("age", 0.01, false)}},
				{Value: "moved", Results: []drift.Result{drifting("income", 2*psi, beyond), drifting("age", 0.03, false)}},
				{Value: "person", Results: []drift.Result{tiny, tiny}},
			},
		}
		looks = append(looks, report.EarlierLook{Look: registry.Look{AsOf: fmt.Sprintf("2026-%02d", i+1), Champion: 1}, Drift: &d})
	}
	last := looks[2]
	page := lookPage(t, report.Look{Look: last.Look, Drift: last.Drift, Earlier: looks[:2]})
	for _, test := range []struct{ name, want string }{
		{"of a feature: since when, and where most", ">since 2026-02, 2 looks; most in moved</text>"},
		{"of rows: since when, and what most", ">since 2026-02, 2 looks; most in income</text>"},
		{"heading", "Which lender drifts most"},
		{"the lower bound, with the estimate", "<title>moved, 2026-02: income 0.800, at least: 0.400</title>"},
	} {
		require.Contains(t, page, test.want, test.name)
	}
	_, places, _ := strings.Cut(page, "Which lender drifts most")
	require.Less(t, strings.Index(places, ">moved</text>"), strings.Index(places, ">calm</text>"), "what drifts most comes first")
	require.NotContains(t, page, "person")
}
