package performance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// history is models of which one is trained every quarter, on the months after it: each month has a level of its own, and the level falls by harder a
// month for all models; each model has an offset of its own.
func history(random *rand.Rand, models int, lossPerDay, harder float64) (points []AgePoint) {
	levels := make([]float64, 3*models+3)
	for i := range levels {
		levels[i] = 0.75 - harder*float64(i) + 0.015*random.NormFloat64()
	}
	for m := range models {
		offset := 0.004 * random.NormFloat64()
		for month := 3 * m; month < len(levels); month++ {
			age := 15 + 30*float64(month-3*m)
			points = append(points, AgePoint{
				Model: fmt.Sprint("model ", m), Vintage: fmt.Sprint("month ", month), AgeDays: age, Rows: 1000, StandardError: 0.015,
				Value: levels[month] + offset - lossPerDay*age + 0.003*random.NormFloat64(),
			})
		}
	}
	return points
}

// Wanted by hand: on every vintage the older model is worse by 0.001 for each of its 30 days more, and vintages differ by far more.
func TestALossWithinVintagesIsExact(t *testing.T) {
	t.Parallel()
	var points []AgePoint
	for v, level := range []float64{0.9, 0.6, 0.8, 0.7, 0.65} {
		for m := range 4 {
			age := float64(15 + 30*(v+m))
			points = append(points, AgePoint{Model: fmt.Sprint(m), Vintage: fmt.Sprint(v), AgeDays: age, Value: level - 0.001*float64(v+m), StandardError: 0.01})
		}
	}
	points[0].Value += 1e-9 // else there is no noise at all, and no interval
	c, err := FitCadence(points, DefaultTolerance)
	require.NoError(t, err)
	require.True(t, c.Within)
	require.InDelta(t, 0.001*365.25/12/30, c.LossPerMonth.Estimate, 1e-8)
	require.InDelta(t, 210+15, c.Line[24].AgeDays, 1e-9)
	require.InDelta(t, 225, c.RecommendedDays, 0, "of 225 days 0.0075 are lost")
	require.NotNil(t, c.ExceededDays)
	require.InDelta(t, 300, *c.ExceededDays, 1)
	require.InDelta(t, 0.003, c.Waiting[2].Estimate, 1e-8, "90 days")
	require.Len(t, c.Waiting, 4, "those up to the oldest age")
}

// A portfolio that gets harder for every model is no decay: retraining does not cure it. The interval holds the true loss in 95 of 100
// histories, where vintages and models have levels of their own.
func TestVintagesThatAreHarderForAllAreNoDecay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for _, models := range []int{4, 6, 8} {
		for _, truth := range []float64{0, 0.0001} {
			held, found := 0, 0
			const histories = 400
			for range histories {
				c, err := FitCadence(history(random, models, truth, 0.004), DefaultTolerance)
				require.NoError(t, err)
				require.True(t, c.Within)
				if month := truth * daysPerMonth; c.LossPerMonth.Lower <= month && month <= c.LossPerMonth.Upper {
					held++
				}
				if c.P <= 0.025 {
					found++
				}
			}
			require.GreaterOrEqual(t, held, 366, "%d models, %v a day", models, truth) // 380 but for one in a thousand
			if truth == 0 {
				require.LessOrEqual(t, found, 21, "%d models", models) // 10 but for one in a thousand
			}
		}
	}
}

// The order of the points changes nothing; one model alone, and vintages that each one model has scored, are left to the line through all points.
func TestWithoutModelsOnTheSameVintagesALineIsFitted(t *testing.T) {
	t.Parallel()
	points := history(rand.New(rand.NewPCG(5, 6)), 5, 0.0001, 0)
	want, err := FitCadence(points, DefaultTolerance)
	require.NoError(t, err)
	slices.Reverse(points)
	got, err := FitCadence(points, DefaultTolerance)
	require.NoError(t, err)
	require.InDelta(t, want.LossPerMonth.Estimate, got.LossPerMonth.Estimate, 1e-12)
	require.InDelta(t, want.LossPerMonth.Upper, got.LossPerMonth.Upper, 1e-12)

	one := slices.DeleteFunc(slices.Clone(points), func(p AgePoint) bool { return p.Model != "model 0" })
	apart := slices.Clone(points)
	for i := range apart {
		apart[i].Vintage = fmt.Sprint(i)
	}
	three := slices.DeleteFunc(slices.Clone(points), func(p AgePoint) bool { return p.Model > "model 2" })
	for name, points := range map[string][]AgePoint{"one model": one, "no common vintage": apart, "three models": three} {
		c, err := FitCadence(points, DefaultTolerance)
		require.NoError(t, err)
		require.False(t, c.Within, name)
		require.NotNil(t, c.LossPerMonth)
	}
}

// Three models of about one age on the same vintages are no three histories: the interval holds the truth, no decay, in 95 of 100; nine points of three
// vintages are too few.
func TestModelsOnOneVintageErrTogether(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	held := 0
	for range 400 {
		var points []AgePoint
		for v := range 8 {
			level := 0.75 + 0.015*random.NormFloat64()
			for m := range 3 {
				points = append(points, AgePoint{
					Model: fmt.Sprint(m), Vintage: fmt.Sprint(v), AgeDays: float64(30*v + 10*m), Value: level + 0.003*random.NormFloat64(), StandardError: 0.015,
				})
			}
		}
		c, err := FitCadence(points, DefaultTolerance)
		require.NoError(t, err)
		require.False(t, c.Within)
		if c.LossPerMonth.Lower <= 0 && c.LossPerMonth.Upper >= 0 {
			held++
		}
	}
	require.GreaterOrEqual(t, held, 366, "380 but for one in a thousand")

	few := slices.DeleteFunc(history(random, 3, 0, 0), func(p AgePoint) bool { return p.Vintage < "month 6" })
	few = slices.DeleteFunc(few, func(p AgePoint) bool { return p.Vintage > "month 8" })
	c, err := FitCadence(few, DefaultTolerance)
	require.NoError(t, err)
	require.Contains(t, c.Note, "not enough data: 3 vintages")
}
