package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// Wanted values: by hand; the lower bounds are Wilson's formula in Python.
func TestUndatedRowsAreForReview(t *testing.T) {
	t.Parallel()
	made := Days{Dated: 20_000}
	for _, test := range []struct {
		name        string
		now, before Days
		fresh       int64
		accepted    float64
		found       int64 // new rows of no day; 0 is no finding
	}{
		{"as many as there were", Days{20_600, 3}, Days{20_000, 3}, 600, 0, 0},
		{"one of a million", Days{1_020_000, 1}, made, 1_000_000, 0, 0},
		{"four of few", Days{20_000, 4}, made, 0, 0, 0},
		{"all that is new", Days{20_000, 5}, made, 0, 0, 5},
		{"five of 600: at least 0.35 %, where 0.1 % are slips", Days{20_595, 5}, made, 595, 0, 5},
		{"five of 20,000", Days{40_000, 5}, made, 20_000, 0, 0},
		{"60 of 600, where 5 % are accepted: at least 7.9 %", Days{20_540, 60}, made, 540, 0.05, 60},
		{"60 of 600, where 9 % are accepted", Days{20_540, 60}, made, 540, 0.09, 0},
		{"rows before the last day count as well", Days{40_000, 15}, made, 600, 0, 0},
		// Half of what was there is gone, and half of its 100 undated rows.
		{"old parts are removed", Days{10_600, 50}, Days{20_000, 100}, 600, 0, 0},
		{"old parts are removed, and new rows have no day", Days{10_300, 350}, Days{20_000, 100}, 300, 0.01, 300},
		// Made of a file of its own: of the source nothing was counted.
		{"a champion of a smaller file", Days{1_000_600, 50}, Days{1000, 0}, 600, 0, 0},
		{"a champion of a greater file", Days{10_000, 60}, Days{2_000_000, 100}, 540, 0, 60},
		{"nothing was counted before", Days{600, 100}, Days{}, 600, 0, 0},
	} {
		found := Undated("applied", test.now, test.before, test.fresh, test.accepted)
		if test.found == 0 {
			require.Empty(t, found, test.name)
			continue
		}
		require.Len(t, found, 1, test.name)
		require.Contains(t, found[0].Message, `have no day in "applied" that can be read`)
		require.InDelta(t, float64(test.found), found[0].Value*float64(found[0].Rows), 0.5, test.name)
		require.Equal(t, Review, Decide(every(pipeline.ReactNothing), Evidence{Champion: 1, Findings: found}).Verdict)
	}
}

// One row of no day among a million is a slip, and keeps no monitor from going back to what is better.
func TestASlipOfADayStopsNothing(t *testing.T) {
	t.Parallel()
	found := append(Undated("applied", Days{1_020_000, 1}, Days{20_000, 0}, 1_000_000, 0), Finding{Kind: OfPerformance, Message: "decay"})
	on := pipeline.MonitorOn{Performance: pipeline.ReactRollBack}
	require.Equal(t, RolledBack, Decide(on, Evidence{Champion: 2, Rows: 1_000_000, MinRows: 500, Findings: found, Better: &Better{Track: serving.Track{Version: 1}, Message: "better"}}).Verdict)
}
