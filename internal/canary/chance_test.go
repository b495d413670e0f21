package canary

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// Wanted values by hand. Against a known rate it is Chernoff's: KL(0.1, 0.01) = 0.1·ln 10 + 0.9·ln(0.9/0.99) = 0.144479. Two equal samples without a
// margin meet in their pooled share, 0.05: 50·(KL(0.1, 0.05) + KL(0, 0.05)) = 50·(0.1·ln 2 + 0.9·ln(0.9/0.95) - ln 0.95) = 3.597376.
func TestExcess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		x, n, sx, sn int64
		margin, want float64
	}{
		{"a known rate", 5, 50, 0, 1e12, 0.01, math.Exp(-50 * 0.144479)},
		{"two samples", 5, 50, 0, 50, 0, math.Exp(-3.597376)},
		{"the reverse is no excess", 0, 50, 5, 50, 0, 1},
		{"within the margin", 5, 50, 0, 50, 0.1, 1},
		{"as expected to fall", 5, 50, 10, 50, -0.1, 1},
		{"a fall that stayed away: p is 1 for stable, half of it has the challenger's 50", 50, 50, 50, 50, -0.5, math.Exp2(-50)},
		{"no data", 0, 0, 0, 50, 0, 1},
		{"nothing to compare with", 50, 50, 0, 0, 0, 1},
	} {
		require.InEpsilon(t, test.want, excess(test.x, test.n, test.sx, test.sn, test.margin), 1e-4, test.name)
	}
}

// Whatever the true rate of stable: a challenger at its limit is found beyond it no more often than said. Every outcome is enumerated, so that
// small counts are what is looked at.
func TestExcessIsOnTheSafeSide(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 7, 40, 150} {
		for _, sn := range []int64{1, 12, 90, 400} {
			for _, margin := range []float64{0, 0.01, 0.05} {
				bounds := make([][]float64, n+1)
				for x := range n + 1 {
					bounds[x] = make([]float64, sn+1)
					for sx := range sn + 1 {
						bounds[x][sx] = excess(x, n, sx, sn, margin)
					}
				}
				for _, p := range []float64{0, 0.0005, 0.003, 0.01, 0.05, 0.3, 0.7, 0.94} {
					chances := map[float64]float64{0.1: 0, 1e-2: 0, 1e-4: 0, 1e-6: 0}
					challenger, stable := distuv.Binomial{N: float64(n), P: p + margin}, distuv.Binomial{N: float64(sn), P: p}
					for x := range n + 1 {
						px := probability(challenger, x)
						for sx := range sn + 1 {
							for level := range chances {
								if bounds[x][sx] <= level {
									chances[level] += px * probability(stable, sx)
								}
							}
						}
					}
					for level, chance := range chances {
						require.LessOrEqual(t, chance, level, "%d against %d, margin %g, rate %g", n, sn, margin, p)
					}
				}
			}
		}
	}
}

// Wanted by hand: without a margin the likelihood ratio of McNemar's test, 12 against 4 of which each would be 8: exp(-(12·ln 1.5 + 4·ln 0.5)).
func TestDiscordance(t *testing.T) {
	t.Parallel()
	require.InEpsilon(t, math.Exp(-(12*math.Log(1.5) + 4*math.Log(0.5))), discordance(12, 4, 1000, 0), 1e-6)
	require.InEpsilon(t, math.Exp2(-100), discordance(100, 0, 100, 0), 1e-6, "each pair might have been the other way round")
	require.InDelta(t, 1, discordance(12, 4, 1000, 0.008), 0)
	require.InDelta(t, 1, discordance(0, 0, 0, 0), 0)
}

// Every outcome of pairs is enumerated for a challenger at its limit.
func TestDiscordanceIsOnTheSafeSide(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{5, 60, 250} {
		for _, margin := range []float64{0, 0.01, 0.05} {
			for _, p := range []float64{0, 0.001, 0.01, 0.1, 0.4} {
				for _, level := range []float64{0.1, 1e-2, 1e-4, 1e-6} {
					chance := 0.0
					either := distuv.Binomial{N: float64(n), P: 2*p + margin}
					for discordant := range n + 1 {
						broken := distuv.Binomial{N: float64(discordant), P: (p + margin) / math.Max(2*p+margin, 1e-300)}
						for x := range discordant + 1 {
							if discordance(x, discordant-x, n, margin) <= level {
								chance += probability(either, discordant) * probability(broken, x)
							}
						}
					}
					require.LessOrEqual(t, chance, level, "%d pairs, margin %g, rate %g", n, margin, p)
				}
			}
		}
	}
}

func probability(b distuv.Binomial, x int64) float64 {
	if b.P == 0 || b.P == 1 { // gonum's logarithm of 0
		if float64(x) == b.P*b.N {
			return 1
		}
		return 0
	}
	return b.Prob(float64(x))
}

// More events never look less like an excess, and a wider margin never more.
func TestExcessIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, sn := rapid.Int64Range(1, 1e6).Draw(t, "n"), rapid.Int64Range(1, 1e6).Draw(t, "sn")
		x, sx := rapid.Int64Range(0, n).Draw(t, "x"), rapid.Int64Range(0, sn).Draw(t, "sx")
		margin := rapid.Float64Range(-0.5, 0.5).Draw(t, "margin")
		bound := excess(x, n, sx, sn, margin)
		require.True(t, bound >= 0 && bound <= 1, "%v", bound)
		const rounding = 1e-9
		if x < n {
			require.LessOrEqual(t, excess(x+1, n, sx, sn, margin), bound*(1+rounding))
		}
		if sx < sn {
			require.GreaterOrEqual(t, excess(x, n, sx+1, sn, margin), bound*(1-rounding))
		}
		require.GreaterOrEqual(t, excess(x, n, sx, sn, margin+0.01), bound*(1-rounding))
		require.GreaterOrEqual(t, uncertainExcess(x, n, sx, sn, margin, 1e-4), bound*(1-rounding), "what is uncertain is no surer")
	})
}

// Wanted by hand: with very large samples of shares 0.3 and 0.2 all that can give way is the margin, by 0.1: exp(-0.1²/(2·variance)).
func TestUncertainExcess(t *testing.T) {
	t.Parallel()
	const n = 1_000_000_000_000
	require.InEpsilon(t, math.Exp(-0.1*0.1/(2*0.0004)), uncertainExcess(3*n/10, n, 2*n/10, n, 0, 0.0004), 1e-3)
	require.InDelta(t, 1, uncertainExcess(3*n/10, n, 2*n/10, n, 0.1001, 0.0004), 0)
}

// Wanted by hand: 2·exp(-2·0.01·200), two samples of 400 being worth one of 200.
func TestKolmogorovSmirnov(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 2*math.Exp(-4), ksChance(0.1, 1./400+1./400), 1e-12)
	require.InDelta(t, 1, ksChance(0.001, 1./400), 0, "never more than certain")
}
