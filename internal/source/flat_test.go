package source

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whole numbers are their digits, as programs that write CSV files write them; others are the shortest text that reads back.
func TestNumbersAsTexts(t *testing.T) {
	t.Parallel()
	for want, x := range map[string]float64{"17": 17, "12345678": 12345678, "-12345678901": -12345678901, "0.1": 0.1, "1e+15": 1e15, "2.5e-07": 2.5e-7, "": math.NaN(), "+Inf": math.Inf(1)} {
		require.Equal(t, want, number(x, 64))
	}
	require.Equal(t, "16777216", number(float64(float32(16777216)), 32))
	require.Equal(t, "0.1", number(float64(float32(0.1)), 32))
}
