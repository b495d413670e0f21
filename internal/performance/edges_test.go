package performance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
)

// Two standard errors away have a p-value of 0.0228 on one side (a table of the normal distribution). Scores may promise too little and too much, so that it
// counts twice for the calibration; an AUC only falls, a Brier score only rises.
func TestWhichDecayHasTwoSides(t *testing.T) {
	t.Parallel()
	const side = 0.0227501
	for _, test := range []struct {
		metric         string
		estimate, want float64
	}{
		{"calibration", 0.03, 2 * side}, {"calibration", -0.03, 2 * side},
		{"auc", -0.03, side}, {"brier_excess", 0.03, side},
	} {
		require.InEpsilon(t, test.want, worse(test.metric, evaluate.NewDifference(test.estimate, 1e-4), 0.01), 1e-5, "%+v", test)
	}
	require.Greater(t, worse("auc", evaluate.NewDifference(0.03, 1e-4), 0.01), 0.99)
	require.Greater(t, worse("brier_excess", evaluate.NewDifference(-0.03, 1e-4), 0.01), 0.99)
}

// scoredBy are models of ages 30 days apart on the same vintages, with something that is neither the model's nor the vintage's.
func scoredBy(models, vintages int) (points []AgePoint) {
	for v := range vintages {
		for m := range models {
			points = append(points, AgePoint{
				Model: fmt.Sprint(m), Vintage: fmt.Sprint(v), AgeDays: float64(30 * (v + m)), Value: 0.7 + 0.001*float64((3*v+5*m+v*m)%7), StandardError: 0.01,
			})
		}
	}
	return points
}

// Errors are shared within models and within vintages: there are as many degrees of freedom as of those of which there are fewer, less one.
func TestDegreesOfFreedomAreOfTheFewer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ models, vintages, want int }{{4, 9, 3}, {9, 5, 4}, {6, 6, 5}} {
		var l line
		require.True(t, l.withinVintages(scoredBy(test.models, test.vintages)))
		require.InDelta(t, test.want, l.student.Nu, 0, "%+v", test)
	}
}

// That points of a vintage lie on the line by chance makes nothing surer: the error of their own measurements stays.
func TestSharedVintagesNeverNarrow(t *testing.T) {
	t.Parallel()
	points := scoredBy(3, 8)
	for i := range points {
		points[i].Value = 0.8 - 0.0001*points[i].AgeDays
	}
	l := fitLine(points)
	own := l.slopeError
	require.Positive(t, own)
	l.sharedVintages(points)
	require.InDelta(t, own, l.slopeError, 0)
	require.InDelta(t, 7, l.student.Nu, 0, "eight vintages")
}
