package monitor

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// incomes are drawn as packages simulate's are: log-normal, about 55,000 a year.
func incomes(seed uint64, n int, times float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Round(times * math.Exp(10.9+0.5*r.NormFloat64()))
	}
	return values
}

func TestUnitFactor(t *testing.T) {
	t.Parallel()
	was := append(incomes(1, 5000, 1), math.NaN(), 0, 0)
	for _, test := range []struct {
		name  string
		fresh []float64
		want  float64 // 0: none
	}{
		{"monthly", incomes(2, 500, 1./12), 1. / 12},
		{"in cents", incomes(3, 500, 100), 100},
		{"in thousands", incomes(4, 5000, 0.001), 0.001},
		{"the same", incomes(5, 500, 1), 0},
		{"a shock of 30 %", incomes(6, 500, 0.7), 0},
		{"ten times", incomes(7, 500, 10), 0},
		{"too few", incomes(8, 99, 1./12), 0},
		{"half of them monthly", append(incomes(9, 500, 1), incomes(10, 500, 1./12)...), 0},
		{"all zero", make([]float64, 500), 0},
	} {
		factor, found := unitFactor(was, test.fresh)
		require.Equal(t, test.want != 0, found, "%s: %v", test.name, factor)
		if found {
			require.InEpsilon(t, test.want, factor, 0.1, test.name)
		}
	}
}

// No drift never looks like another unit, nor do values that any of them may be.
func TestUnitFactorNeverPanics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Float64()).Draw(t, "values")
		long := make([]float64, 0, 200)
		for len(values) > 0 && len(long) < 200 {
			long = append(long, values...)
		}
		factor, found := unitFactor(long, long)
		require.False(t, found, "%v", factor)
	})
}
