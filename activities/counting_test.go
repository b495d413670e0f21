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
		return registry.Look{AsOf: asOf, Champion: 2, Matured: matured}
	}
	looks := []registry.Look{
		look("2026-01-08", 400), look("2026-01-07", 300), look("2026-01-06", 300), look("2026-01-05", 100), look("2026-01-04", 99), look("2026-01-03", 0),
		{AsOf: "2026-01-02", Champion: 1, Matured: 900}, {AsOf: "2026-01-01", Champion: 2, Matured: 150, Data: "rows.csv"}, {AsOf: "2026-01-01", Champion: 2, Matured: 150, Data: "others.csv"},
	}
	require.Equal(t, 1, measuredBefore(looks, 2, "2026-01-05", true))
	require.Equal(t, 2, measuredBefore(looks, 2, "2026-01-06", true))
	require.Equal(t, 3, measuredBefore(looks, 2, "2026-01-08", true), "the 7th had the outcomes of the 6th")
	require.Equal(t, 4, measuredBefore(looks, 2, "2026-01-09", true))
	require.Equal(t, 3, measuredBefore(looks, 2, "2026-01-02", false), "without a column of time there are no other looks than at rows of their own")

	m, _ := remember(looks, 2, "2026-01-09", true)
	require.Equal(t, 7, m.Nth)
	m, _ = remember(looks, 2, "2026-01-09", false)
	require.Equal(t, 9, m.Nth)
}
