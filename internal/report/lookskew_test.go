package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// Wanted by hand.
func TestAPageShowsTheFeatureStore(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 7, 1, 6, 30, 0, 0, time.UTC)
	look := Look{Look: registry.Look{Pipeline: "cards", AsOf: "2026-07-01", Verdict: monitor.Alert}, Skew: &monitor.Skew{Views: []monitor.ViewSkew{
		{View: "bureau@2", Until: &until, Age: 7200, Promised: 86400, Entities: 950, Changed: 50, Features: []monitor.FeatureSkew{{Name: "score"}}},
		{View: "payments@1", Until: &until, Age: 180000, Promised: 86400, Entities: 1000, Features: []monitor.FeatureSkew{{Name: "late_30d", Differ: 3}, {Name: "late_90d", Differ: 5}}},
		{View: "calls@1"},
		{View: "letters@1", Until: &until, Age: 3, Writing: true},
	}}}
	page, err := LookHTML(look)
	require.NoError(t, err)
	for _, row := range []string{
		`<code>bureau@2</code></td><td class="l">2026-07-01 06:30 UTC</td><td>2 h</td><td>1 d</td><td>950</td><td>50</td><td class="wide">none</td>`,
		`<code>payments@1</code></td><td class="l">2026-07-01 06:30 UTC</td><td><span class="pill high">2 d</span></td><td>1 d</td><td>1000</td><td>0</td><td class="wide"><span class="pill high">late_30d (3)</span> <span class="pill high">late_90d (5)</span> </td>`,
		`<code>calls@1</code></td><td class="l">never written</td><td></td><td></td><td>0</td><td>0</td><td class="wide"><span class="pill high">all: decisions take defaults</span> </td>`,
		`<code>letters@1</code></td><td class="l">2026-07-01 06:30 UTC</td><td>3 s</td><td></td><td>0</td><td>0</td><td class="wide">not compared: it was being written</td>`,
		`<a href="#store">Feature store</a>`,
	} {
		require.Contains(t, string(page), row)
	}
	look.Skew = nil
	page, err = LookHTML(look)
	require.NoError(t, err)
	require.NotContains(t, string(page), "Feature store")
}
