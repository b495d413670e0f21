package performance

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func vintages(values ...float64) []AgePoint {
	points := make([]AgePoint, len(values))
	for i, e := range []float64{.008, .007, .009, .008, .010, .009}[:len(values)] {
		points[i] = AgePoint{AgeDays: float64(15 + 30*i), Rows: 1000, Value: values[i], StandardError: e}
	}
	return points
}

// Wanted values: statsmodels' WLS with a fixed scale where the vintages scatter no more than their errors, else with its own; scipy.stats.t.
func TestCadenceAgainstStatsmodels(t *testing.T) {
	t.Parallel()
	points := vintages(.780, .772, .768, .751, .752, .739)
	slices.Reverse(points)
	c, err := FitCadence(points, DefaultTolerance)
	require.NoError(t, err)
	within(t, c.LossPerMonth, 0.008261456917186692, 0.0025649833257737078, 0.013957930508599675)
	within(t, c.AtZero, 0.7843788860791938, 0.7663095704452636, 0.802448201713124)
	require.InDelta(t, 0.00788888594267139, c.P, 1e-9)
	require.InDelta(t, 21, c.RecommendedDays, 0, "21.8 whole days")
	require.False(t, c.AtLeast)
	require.InDelta(t, 1, c.Scatter, 0)
	require.Len(t, c.Points, 6)
	require.InDelta(t, 15, c.Points[0].AgeDays, 0, "by age")
	require.InDelta(t, .780-1.959963984540054*.008, c.Points[0].Lower, 1e-12)
	require.Len(t, c.Line, 25)
	require.Equal(t, *c.AtZero, c.Line[0].Metric)
	require.InDelta(t, 165, c.Line[24].AgeDays, 1e-9)
	require.Contains(t, c.Note, "0.008261 is lost per month (95 % interval 0.002565 to 0.01396): up to 21 days the loss is within 0.01")

	c, err = FitCadence(vintages(.80, .74, .79, .72, .77, .70), DefaultTolerance)
	require.NoError(t, err)
	require.InDelta(t, 16.050761283583583, c.Scatter, 1e-9)
	half := (c.LossPerMonth.Upper - c.LossPerMonth.Lower) / 2
	require.InDelta(t, 0.00027005724722877216*2.7764451051977987*365.25/12, half, 1e-9)
	require.Contains(t, c.Note, "no decay is found")
}

// A higher tolerance never shortens the period, which is at most the oldest age; a loss is a rise of what is to be low.
func TestCadenceByTolerance(t *testing.T) {
	t.Parallel()
	points := vintages(.780, .772, .768, .751, .752, .739)
	last := 0.0
	for _, tolerance := range []float64{0.001, 0.01, 0.02, 0.05, 0.075, 0.076, 1} {
		c, err := FitCadence(points, tolerance)
		require.NoError(t, err)
		require.GreaterOrEqual(t, c.RecommendedDays, last)
		require.LessOrEqual(t, c.RecommendedDays, 165.0)
		require.Equal(t, tolerance >= 0.076, c.AtLeast, "%v", tolerance) // 165 days of at most 0.01396 a month
		last = c.RecommendedDays
	}
	mirrored := slices.Clone(points)
	for i := range mirrored {
		mirrored[i].Value = 1 - mirrored[i].Value
	}
	gains, err := FitCadence(mirrored, DefaultTolerance)
	require.NoError(t, err)
	require.True(t, gains.AtLeast)
	require.InDelta(t, 165, gains.RecommendedDays, 0)
	require.Contains(t, gains.Note, "up to the oldest age seen, 165 days, the loss is within 0.01")
}

// The interval of the loss holds the true one in 95 of 100 histories: 2,000, of which the binomial law allows 1,868 to 1,931 but for one in
// a thousand; where vintages scatter as their errors say, intervals are somewhat wide.
func TestCadenceIntervalsHoldTheTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, extra := range []float64{1, 3} {
		held := 0
		for range 2000 {
			var points []AgePoint
			for i := range 8 {
				age := float64(30 * i)
				points = append(points, AgePoint{AgeDays: age, Value: 0.75 - 0.0002*age + 0.01*extra*random.NormFloat64(), StandardError: 0.01})
			}
			c, err := FitCadence(points, DefaultTolerance)
			require.NoError(t, err)
			if truth := 0.0002 * 365.25 / 12; c.LossPerMonth.Lower <= truth && truth <= c.LossPerMonth.Upper {
				held++
			}
		}
		require.GreaterOrEqual(t, held, 1868, "%v", extra)
		require.LessOrEqual(t, held, 1985, "%v", extra)
	}
}

func TestCadenceOfTooLittle(t *testing.T) {
	t.Parallel()
	for says, points := range map[string][]AgePoint{
		"not enough data: 0 vintages, at least 4 are needed":                            nil,
		"not enough data: 3 vintages":                                                   vintages(.78, .77, .76),
		"not enough data: the vintages' ages are within 0 days, at least 30 are needed": slices.Repeat(vintages(.78), 5),
	} {
		c, err := FitCadence(points, DefaultTolerance)
		require.NoError(t, err)
		require.Contains(t, c.Note, says)
		require.Nil(t, c.LossPerMonth)
		require.Empty(t, c.Line)
		require.Len(t, c.Points, len(points))
		require.Zero(t, c.RecommendedDays)
	}
	for _, p := range []AgePoint{{AgeDays: -1, StandardError: 1}, {StandardError: 0}, {StandardError: math.NaN()}, {AgeDays: math.NaN(), StandardError: 1}, {Value: math.NaN(), StandardError: 1}} {
		_, err := FitCadence([]AgePoint{p}, DefaultTolerance)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%+v", p)
	}
	_, err := FitCadence(nil, -1)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
