package performance

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// Wanted values: Python, by bisection in the sorted scores and Wilson's formula. The fifth group has three rows: 0.31 twice belongs to the fourth.
func TestReliabilityAgainstPython(t *testing.T) {
	t.Parallel()
	r, err := Relied(labels, scores, few)
	require.NoError(t, err)
	want := []struct {
		rows                              int
		predicted, observed, lower, upper float64
	}{
		{4, 0.1275, 0, 0, 0.4898908364545973}, {4, 0.1725, 0, 0, 0.4898908364545973}, {4, 0.23, 0.25, 0.04558726080970055, 0.6993581574175981},
		{5, 0.294, 0.6, 0.2307242812760128, 0.882379225767352}, {3, 0.34, 0, 0, 0.5614970317550455}, {4, 0.3875, 0.25, 0.04558726080970055, 0.6993581574175981},
		{4, 0.4675, 0.75, 0.30064184258240184, 0.9544127391902995}, {4, 0.525, 0.5, 0.15003898915214953, 0.8499610108478505},
		{4, 0.6075, 1, 0.5101091635454027, 1}, {4, 0.76, 0.5, 0.15003898915214953, 0.8499610108478505},
	}
	require.Len(t, r.Bins, len(want))
	for i, bin := range r.Bins {
		require.Equal(t, want[i].rows, bin.Rows, i)
		require.InDelta(t, want[i].predicted, bin.Predicted, 1e-12, i)
		require.InDelta(t, want[i].observed, bin.Observed.Estimate, 1e-12, i)
		require.InDelta(t, want[i].lower, bin.Observed.Lower, 1e-12, i)
		require.InDelta(t, want[i].upper, bin.Observed.Upper, 1e-12, i)
	}
	require.Equal(t, 40, r.Rows)
	require.Equal(t, calibrated(labels, scores), *r.Calibration)
	require.Equal(t, []int{2, 3}, []int{r.Scores[20], r.Scores[22]}, "0.2 twice, 0.22 three times")
}

// Rows without a label change nothing, nor does the order of the rows; every row is in one group, rows of one score are together, and no group is
// of less than half a tenth of the rows.
func TestReliabilityKeepsRowsTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 200).Draw(t, "rows")
		levels := rapid.IntRange(1, 60).Draw(t, "levels")
		y, p := make([]float64, n), make([]float64, n)
		for i := range y {
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "label"))
			p[i] = float64(rapid.IntRange(0, levels).Draw(t, "score")) / float64(levels)
		}
		copy(y, []float64{0, 1, 0, 1})
		r, err := Relied(y, p, few)
		require.NoError(t, err)
		turnedY, turnedP := slices.Clone(y), slices.Clone(p)
		slices.Reverse(turnedY)
		slices.Reverse(turnedP)
		turned, err := Relied(append(turnedY, math.NaN()), append(turnedP, 0.5), few)
		require.NoError(t, err)
		rows, counted, apart := 0, 0, 0.0
		require.Len(t, turned.Bins, len(r.Bins))
		for i, bin := range r.Bins {
			require.Equal(t, bin.Observed, turned.Bins[i].Observed)
			require.InDelta(t, bin.Predicted, turned.Bins[i].Predicted, 1e-12)
			require.GreaterOrEqual(t, bin.Rows, max(1, n/20))
			if i > 0 {
				require.Greater(t, bin.Predicted, r.Bins[i-1].Predicted, "of two groups with one score, the means would be alike")
			}
			rows += bin.Rows
			apart += float64(bin.Rows) * math.Abs(bin.Predicted-bin.Observed.Estimate) / float64(n)
		}
		for _, of := range r.Scores {
			counted += of
		}
		require.Equal(t, []int{n, n, n}, []int{r.Rows, rows, counted})
		require.InDelta(t, r.Calibration.ExpectedError, apart, 1e-12)
	})
}

func TestReliabilityOfTooLittle(t *testing.T) {
	t.Parallel()
	r, err := Relied(nil, []float64{0.1, 0.2}, Limits{})
	require.NoError(t, err)
	require.Equal(t, Reliability{Note: "not enough data: 0 matured rows, at least 100 are needed"}, r)
	_, err = Relied([]float64{0, 1}, []float64{0.1, 1.2}, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	r, err = Relied([]float64{0, 1, 1, 0}, []float64{0, 1, 1, 0}, few)
	require.NoError(t, err)
	require.Equal(t, []int{2, 2}, []int{r.Scores[0], r.Scores[99]}, "a score of 1 is in the last bin")
}
