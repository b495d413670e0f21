package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/report"
)

// decaying is a champion and four models of the past that each lose 0.01 AUC in 30 days, on the months after them.
func decaying(t *testing.T, loss float64) report.Cadence {
	t.Helper()
	c := report.Cadence{Pipeline: "loans", KnownAt: "2026-06-30", Tolerance: 0.02, Rows: 5000, Of: 5000, Months: 1, Notes: []string{"no model on rows up to 2025-01-31"}}
	var points []performance.AgePoint
	for m := range 5 {
		c.Models = append(c.Models, report.AgedModel{Name: fmt.Sprintf("backtest 2025-%02d-28", m+1), Trained: fmt.Sprintf("2025-%02d-28", m+1), Backtest: true, Rows: 400 + m})
		if m == 4 {
			c.Models[m] = report.AgedModel{Name: "version <1>", Trained: "2025-05-31", Champion: true}
		}
		for v := m; v < 8; v++ {
			age := float64(15 + 30*(v-m))
			noise := 0.001 * float64((v*7+m*3)%5-2)
			points = append(points, performance.AgePoint{Model: c.Models[m].Name, Vintage: fmt.Sprintf("2025-%02d", v+2), AgeDays: age, Rows: 600, Value: 0.75 - loss*age/30 + noise, StandardError: 0.01})
		}
	}
	c.Models = append(c.Models, report.AgedModel{Name: "version 2", Trained: "2026-06-30"})
	var err error
	c.Fit, err = performance.FitCadence(points, c.Tolerance)
	require.NoError(t, err)
	c.Count()
	return c
}

func TestCadencePageSaysHowOftenAndWhy(t *testing.T) {
	t.Parallel()
	c := decaying(t, 0.01)
	require.True(t, c.Fit.Within)
	require.Equal(t, []int{8, 7, 6, 5, 4, 0}, []int{c.Models[0].Vintages, c.Models[1].Vintages, c.Models[2].Vintages, c.Models[3].Vintages, c.Models[4].Vintages, c.Models[5].Vintages})
	data, err := report.CadenceHTML(c)
	require.NoError(t, err)
	page := string(data)
	days := fmt.Sprintf("%.0f days", c.Fit.RecommendedDays)
	require.Contains(t, page, `<div class="word">every `+days)
	require.Contains(t, page, "train by "+days, "on the plot")
	require.Contains(t, page, "0.020 lost", "the tolerance on the plot")
	require.Equal(t, 30, strings.Count(page, "<circle"), "a dot for each vintage of a model")
	require.Contains(t, page, `class="fitted"`)
	require.Contains(t, page, `class="band"`)
	require.Contains(t, page, "may be more than is tolerated")
	require.Contains(t, page, "with 97.5 % confidence, if the line goes on")
	require.Contains(t, page, "on the same vintages: a month that is harder for all of them is no decay")
	require.Contains(t, page, "no model on rows up to 2025-01-31")
	require.Contains(t, page, "Outcomes are those known on 2026-06-30")
	require.NotContains(t, page, "<1>", "names are escaped")
	require.Contains(t, page, `<circle class="dot good"`, "the champion stands out")
	again, err := report.CadenceHTML(c)
	require.NoError(t, err)
	require.Equal(t, page, string(again))
}

func TestCadencePageOfNoDecayAndOfTooLittle(t *testing.T) {
	t.Parallel()
	calm, err := report.CadenceHTML(decaying(t, 0))
	require.NoError(t, err)
	require.Contains(t, string(calm), "days, or less often")
	require.Contains(t, string(calm), "at least 225 days")
	c := decaying(t, 0.01)
	c.Fit, err = performance.FitCadence(nil, performance.DefaultTolerance)
	require.NoError(t, err)
	c.Count()
	page, err := report.CadenceHTML(c)
	require.NoError(t, err)
	require.Contains(t, string(page), `<div class="word">not enough data</div>`)
	require.NotContains(t, string(page), "<circle")
	require.NotContains(t, string(page), "What waiting costs")
}
