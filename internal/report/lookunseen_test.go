package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// Values that the reference does not have stand with their column's other tests, where there are any. Wanted by hand.
func TestLookShowsUnseenValues(t *testing.T) {
	t.Parallel()
	with := func(of drift.Unseen) string {
		l := measured(t)
		changed := *l.Drift
		of.Feature = segment
		changed.Unseen = []monitor.Unseen{{Unseen: of}}
		l.Drift = &changed
		return lookPage(t, l)
	}
	const row, told = `<th scope="row">rows of unseen values</th>`, "that no row of the reference has"
	page := with(drift.Unseen{Reference: 9000, Window: 2000, Unseen: 200, Values: 3, Share: 0.1, Lower: 0.08, Expected: 0.002, Limit: 0.012, P: 1e-9, Beyond: true})
	require.Contains(t, page, row+`<td>10 %</td><td>8 %</td><td>1.2 %</td><td>&lt;0.0001</td><td><span class="pill high">beyond</span></td>`)
	require.Contains(t, page, "3 values that no row of the reference has, in 200 of 2,000 fresh rows; chance brings 0.2 %.")
	require.Contains(t, page, `<details class="col beyond" id="f5" data-name="institution_type"`)

	page = with(drift.Unseen{Reference: 9000, Window: 2000, Unseen: 1, Values: 1, Share: 0.0005, Lower: 0.0001, Expected: 0.002, Limit: 0.012, P: 1})
	require.Contains(t, page, row+`<td>0.05 %</td><td>0.01 %</td><td>1.2 %</td><td>1.00</td><td></td>`)
	require.Contains(t, page, "1 value that no row of the reference has, in 1 of 2,000 fresh rows")

	for _, nothing := range []drift.Unseen{{Window: 2000, P: 1}, {Window: 20, Unseen: 5, Values: 5, P: 1, Short: &drift.Shortage{}}} {
		page := with(nothing)
		require.NotContains(t, page, row)
		require.NotContains(t, page, told)
	}
}
