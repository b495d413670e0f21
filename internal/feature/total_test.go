package feature_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
)

// A total is what math/big says, in any order, and says when it is no 64-bit number.
func TestTotals(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		xs := make([]int64, 1+random.IntN(6))
		for i := range xs {
			xs[i] = []int64{math.MaxInt64, math.MinInt64, 0, -1, 1, random.Int64() - math.MaxInt64/2}[random.IntN(6)]
		}
		var sum feature.Total
		want := new(big.Int)
		for _, x := range xs {
			sum, want = sum.Plus(feature.TotalOf(x)), want.Add(want, big.NewInt(x))
		}
		var back feature.Total
		for i := range xs {
			back = back.Plus(feature.TotalOf(xs[len(xs)-1-i]))
		}
		require.Equal(t, sum, back)
		got, fits := sum.Int64()
		require.Equal(t, want.IsInt64(), fits, xs)
		if fits {
			require.Equal(t, want.Int64(), got)
		}
	}
}
