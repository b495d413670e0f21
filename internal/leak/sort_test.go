package leak

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Rows are sorted as by the standard library, those of one key as they stood, few or many.
func TestSortKeyedIsTheStableSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]keyed, rapid.SampledFrom([]int{0, 1, 5, 2047, 2048, 5000}).Draw(t, "rows"))
		mask := rapid.SampledFrom([]uint64{0, 7, 1 << 63, 0xff00ff, math.MaxUint64}).Draw(t, "mask")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for i := range rows {
			rows[i] = keyed{rng.Uint64() & mask, int32(i)}
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		sortKeyed(rows)
		require.Equal(t, want, rows)
	})
}

func TestAscendingBitsAreInTheOrderOfNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64}))
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		require.Equal(t, cmp.Compare(a, b), cmp.Compare(ascendingBits(a), ascendingBits(b)))
	})
}
