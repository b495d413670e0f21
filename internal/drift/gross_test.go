package drift_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
)

// incomes are log-normal, moved by so much of their logarithm.
func incomes(seed uint64, n int, moved float64) []float64 {
	values := normal(seed, n, math.Log(40_000)+moved, 0.5)
	for i, x := range values {
		values[i] = math.Exp(x)
	}
	return values
}

// A dust of drift that matters to no statistic does not matter for a few values that somebody typed wrong, on either side and however far out; another unit,
// which all rows have, does, and so do a twentieth of the rows.
func TestAFewGrossValuesMakeNoDrift(t *testing.T) {
	t.Parallel()
	reference, dust := rows(incomes(1, 200_000, 0)...), incomes(2, 100_000, 0.02)
	require.False(t, compared(t, features[:1], reference, rows(dust...))[0].Beyond())
	for i, gross := range []float64{1e12, 1e12, -1e15, 1e300, math.Inf(1)} {
		dust[1000*i+5] = gross
		r := compared(t, features[:1], reference, rows(dust...))[0]
		require.Less(t, r.P, 1e-6, "the dust is there")
		require.False(t, r.Beyond(), "%d gross values: %+v", i+1, r.Statistics)
	}
	for i := range 5000 {
		dust[i] = 1e7
	}
	require.True(t, statistic(t, compared(t, features[:1], reference, rows(dust...))[0], drift.Wasserstein).Beyond)
}
