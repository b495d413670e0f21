package clean_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
)

// The short way is no other than the long one, bit for bit, where it answers at all.
func TestQuantityIsWhatCleanSays(t *testing.T) {
	t.Parallel()
	for _, of := range []pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Decimal, pipeline.Boolean, pipeline.Day} {
		plain := cleaner(t, of)
		t.Run(string(of), rapid.MakeCheck(func(t *rapid.T) {
			text := rapid.OneOf(rapid.StringMatching(`-?[0-9]{0,17}\.?[0-9]{0,17}`), rapid.StringMatching(`[-+ 0-9.eE,]{0,8}`)).Draw(t, "text")
			x, ok := plain.Quantity(text)
			if !ok {
				return
			}
			value, fault := plain.Clean(text)
			require.Equal(t, clean.None, fault)
			require.False(t, value.Missing)
			require.Equal(t, math.Float64bits(value.Number), math.Float64bits(x), "%q", text)
		}))
	}
}

// Most numbers go the short way; what has steps, or is written otherwise, does not.
func TestQuantityTakesMostNumbers(t *testing.T) {
	t.Parallel()
	number, whole := cleaner(t, pipeline.Number), cleaner(t, pipeline.Integer)
	for text, want := range map[string]float64{"0": 0, "-0": 0, "7": 7, "-12.5": -12.5, ".5": 0.5, "5.": 5, "9999.999": 9999.999, "123456789012345": 123456789012345} {
		x, ok := number.Quantity(text)
		require.True(t, ok, text)
		require.Equal(t, math.Float64bits(want), math.Float64bits(x), text)
	}
	for _, text := range []string{"", "-", ".", "1e3", "+1", " 1", "1,5", "1.2.3", "1234567890123456", "0x1", "NaN"} {
		_, ok := number.Quantity(text)
		require.False(t, ok, text)
	}
	_, ok := whole.Quantity("1.0")
	require.False(t, ok)
	_, ok = cleaner(t, pipeline.Number, codes("none", "-9")).Quantity("-9")
	require.False(t, ok, "a code is missing, no number")
}
