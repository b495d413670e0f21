package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/serving"
)

// Wanted from the reference: these are the keys that clients of the findings read.
func TestDecayIsToldByWhatDecided(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]Statistic{"auc": "auc_change", "calibration": "calibration", "brier_excess": "brier_excess"} {
		p := Performance{
			Versions: []Version{{Track: serving.Track{Version: 2}}}, Nth: 1, NthMeasured: 1,
			Change: performance.Change{Decayed: true, By: by, Differences: map[string]evaluate.Difference{by: {Estimate: 0.2}}, Allowed: map[string]float64{by: 0.1}},
		}
		found := p.Findings(limits)
		require.Len(t, found, 1, by)
		require.Equal(t, want, found[0].Statistic)
		require.InDelta(t, 0.2, found[0].Value, 0)
	}
}
