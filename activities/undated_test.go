package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

func TestTheLastLookThatHadEnoughSaysWhatWasThere(t *testing.T) {
	made := facts{Checked: dataset.Checked{Rows: 103}, Undated: 3}
	enough := func(asOf string, dated, undated int64) registry.Look {
		return registry.Look{AsOf: asOf, Enough: true, Days: &monitor.Days{Dated: dated, Undated: undated}}
	}
	require.Equal(t, monitor.Days{Dated: 100, Undated: 3}, daysBefore(nil, "2026-06-30", made))
	few := enough("2026-06-29", 900, 9)
	few.Enough = false
	newestFirst := []registry.Look{
		enough("2026-06-01", 50, 1), // of a past that was looked at before
		enough("2026-06-30", 800, 8),
		few,
		{AsOf: "2026-06-28", Enough: true}, // of rows of their own
		enough("2026-06-27", 700, 7),
		enough("2026-06-26", 600, 6),
	}
	require.Equal(t, monitor.Days{Dated: 700, Undated: 7}, daysBefore(newestFirst, "2026-06-30", made), "a look of the same day repeats that one")
	require.Equal(t, monitor.Days{Dated: 800, Undated: 8}, daysBefore(newestFirst, "2026-07-01", made))
	require.Equal(t, monitor.Days{Dated: 17, Undated: 4}, ExtractOutput{Rows: 1, Refused: 2, Earlier: 4, Later: 10, Undated: 4}.Days())
}
