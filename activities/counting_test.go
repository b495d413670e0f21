package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/registry"
)

// Only looks that could test something use up a chance of an error: those with enough outcomes, and more of them than before. Wanted by hand.
func TestLooksThatTestedNothingAreNotCounted(t *testing.T) {
	t.Parallel()
	look := func(asOf string, matured int64) registry.Look {
		return registry.Look{AsOf: asOf, Champion: 2, Rows: 600, Matured: matured}
	}
	looks := []registry.Look{
		look("2026-01-08", 400), look("2026-01-07", 300), look("2026-01-06", 300), look("2026-01-05", 100), look("2026-01-04", 99), look("2026-01-03", 0),
		{AsOf: "2026-01-02", Champion: 1, Matured: 900}, {AsOf: "2026-01-01", Champion: 2, Rows: 600, Matured: 150, Data: "rows.csv", Dataset: "rows"}, {AsOf: "2026-01-01", Champion: 2, Rows: 600, Matured: 150, Data: "others.csv", Dataset: "others"},
	}
	before := func(asOf string, timed bool) int {
		m, _ := remember(looks, 2, asOf, timed)
		return m.NthMeasuredOf("these")
	}
	require.Equal(t, 2, before("2026-01-05", true))
	require.Equal(t, 3, before("2026-01-06", true))
	require.Equal(t, 4, before("2026-01-08", true), "the 7th had as many outcomes as the 6th")
	require.Equal(t, 4, before("2026-01-09", true))
	require.Equal(t, 3, before("2026-01-02", false), "without a column of time there are no other looks than at rows of their own")

	m, _ := remember(looks, 2, "2026-01-09", true)
	require.Equal(t, 7, m.Nth)
	m, _ = remember(looks, 2, "2026-01-09", false)
	require.Equal(t, 9, m.Nth)
}

// Nor do looks of one day go uncounted, where each has outcomes that the one before had not; one on the very same outcomes repeats that. Wanted by hand.
func TestLooksOfOneDayAreCountedByTheirOutcomes(t *testing.T) {
	t.Parallel()
	look := func(asOf, outcomes string, matured int64) registry.Look {
		return registry.Look{AsOf: asOf, Champion: 2, Matured: matured, Dataset: "rows", Outcomes: outcomes}
	}
	// The newest first: at noon there are as many outcomes as in the morning, and others of them.
	looks := []registry.Look{look("2026-01-08", "evening", 500), look("2026-01-08", "noon", 400), look("2026-01-08", "morning", 400), look("2026-01-08", "night", 99), look("2026-01-07", "before", 300)}
	m, _ := remember(looks, 2, "2026-01-08", true)
	require.Equal(t, 4, m.NthMeasuredOf("later"), "after those of the day before, of the morning and of the evening")
	require.Equal(t, 3, m.NthMeasuredOf("evening"))
	require.Equal(t, 2, m.NthMeasuredOf("morning"))
	require.Equal(t, 2, m.NthMeasuredOf("night"))
	m, _ = remember(looks, 2, "2026-01-09", true)
	require.Equal(t, 4, m.NthMeasuredOf("later"))
}
