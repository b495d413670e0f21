package evaluate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

var (
	labels = []float64{0, 0, 1, 1, 0, 1, 0, 1, 1, 0}
	scores = []float64{0.1, 0.4, 0.35, 0.8, 0.2, 0.9, 0.35, 0.6, 0.5, 0.55}
)

// Wanted values: scikit-learn's roc_auc_score, brier_score_loss, log_loss, accuracy_score (border 0.5) and the maximum of tpr - fpr
// of roc_curve; the variance of the AUC 0.0152 from DeLong's definition over all pairs, in numpy.
func TestMetricsAgainstScikitLearn(t *testing.T) {
	e, err := Evaluate(labels, scores)
	require.NoError(t, err)
	for name, want := range map[string]float64{"auc": 0.86, "ks": 0.6, "brier": 0.15175, "log_loss": 0.4650919298844903, "accuracy": 0.8} {
		require.InDelta(t, want, e.Metrics[name].Estimate, 1e-12, name)
		require.LessOrEqual(t, e.Metrics[name].Lower, want, name)
		require.GreaterOrEqual(t, e.Metrics[name].Upper, want, name)
	}
	require.InDelta(t, 0.86-statistics.Normal975*math.Sqrt(0.0152), e.Metrics["auc"].Lower, 1e-12)
	require.InDelta(t, 1, e.Metrics["auc"].Upper, 0, "an interval stays within what the metric can be")
	require.Equal(t, Point{0, 0}, e.ROC[0])
	require.Equal(t, Point{1, 1}, e.ROC[len(e.ROC)-1])
}

func TestAUCAgainstAllPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(t, "n")
		y, p := make([]float64, n), make([]float64, n)
		for i := range y {
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "y"))
			p[i] = float64(rapid.IntRange(0, 10).Draw(t, "p")) / 10 // many ties
		}
		y[0], y[1] = 0, 1
		var wins, pairs float64
		for i := range y {
			for j := range y {
				if y[i] == 1 && y[j] == 0 {
					pairs++
					switch {
					case p[i] > p[j]:
						wins++
					case p[i] == p[j]:
						wins += 0.5
					}
				}
			}
		}
		e, err := Evaluate(y, p)
		require.NoError(t, err)
		require.InDelta(t, wins/pairs, e.Metrics["auc"].Estimate, 1e-12)
		rows := 0
		for _, bin := range e.Calibration {
			rows += bin.Rows
		}
		require.Equal(t, n, rows)
		again, err := Evaluate(y, p)
		require.NoError(t, err)
		require.Equal(t, e, again, "same inputs, same intervals")
	})
}

func TestEvaluateRefusesWhatItCannotMeasure(t *testing.T) {
	_, err := Evaluate([]float64{1, 1}, []float64{0.5, 0.6})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	for _, p := range []float64{math.NaN(), -0.1, 1.1, math.Inf(1)} {
		_, err = Evaluate([]float64{1, 0}, []float64{p, 0.5})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", p)
	}
	_, err = Evaluate([]float64{1}, nil)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

func bound(x float64) *float64 { return &x }

// Which side of a bound passes decides what reaches lenders.
func TestGatePassesOnTheRightSideOfItsBound(t *testing.T) {
	metrics := map[string]Metric{"auc": {Estimate: 0.75, Lower: 0.7, Upper: 0.8}, "brier": {Estimate: 0.15}, "ks": {Estimate: math.NaN()}}
	against := Comparison{Differences: map[string]Difference{"auc": {Estimate: -0.03}}}
	for _, test := range []struct {
		name string
		gate pipeline.Gate
		want bool
		text string
	}{
		{"above min", pipeline.Gate{Metric: "auc", Min: bound(0.74)}, true, "auc is 0.7500"},
		{"equal to min", pipeline.Gate{Metric: "auc", Min: bound(0.75)}, true, ""},
		{"below min", pipeline.Gate{Metric: "auc", Min: bound(0.76)}, false, "at least 0.76 is wanted"},
		{"lower end below min", pipeline.Gate{Metric: "auc", Value: "lower", Min: bound(0.74)}, false, "lower end of auc (estimate 0.7500) is 0.7000"},
		{"upper end above max", pipeline.Gate{Metric: "auc", Value: "upper", Max: bound(0.79)}, false, "upper end"},
		{"below max", pipeline.Gate{Metric: "brier", Max: bound(0.2)}, true, ""},
		{"equal to max", pipeline.Gate{Metric: "brier", Max: bound(0.15)}, true, ""},
		{"above max", pipeline.Gate{Metric: "brier", Max: bound(0.1)}, false, "at most 0.1 is wanted"},
		{"not a number", pipeline.Gate{Metric: "ks", Min: bound(0), Max: bound(1)}, false, ""},
		{"not measured", pipeline.Gate{Metric: "accuracy", Min: bound(0)}, false, "was not measured"},
		{"small drop", pipeline.Gate{Metric: "auc_drop", Max: bound(0.05)}, true, ""},
		{"large drop", pipeline.Gate{Metric: "auc_drop", Max: bound(0.02)}, false, "auc_drop is 0.0300"},
	} {
		t.Run(test.name, func(t *testing.T) {
			passed, checks := Gate([]pipeline.Gate{test.gate}, metrics, against)
			require.Equal(t, test.want, passed)
			require.Contains(t, checks[0].Message, test.text)
		})
	}
	passed, checks := Gate([]pipeline.Gate{{Metric: "auc_drop", Max: bound(0)}}, metrics, Comparison{Note: "there is no champion yet"})
	require.True(t, passed)
	require.Equal(t, "auc_drop: skipped, there is no champion yet", checks[0].Message)
}

func TestGateNeedsEveryCheck(t *testing.T) {
	metrics := map[string]Metric{"auc": {Estimate: 0.75}}
	gates := []pipeline.Gate{{Metric: "auc", Min: bound(0.9)}, {Metric: "auc", Min: bound(0.5)}}
	passed, checks := Gate(gates, metrics, Comparison{})
	require.False(t, passed)
	require.Len(t, checks, 2)
}

// What a model must be beside the champion decides what is delivered. Wanted by hand: 0.02 ± 0.0196 is beyond noise in both metrics at half the level,
// 0.01 with the same error is not.
func TestAgainst(t *testing.T) {
	beside := func(auc, brier float64) Comparison {
		return Comparison{Differences: map[string]Difference{"auc": NewDifference(auc, 1e-4), "brier": NewDifference(brier, 1e-4)}}
	}
	for _, test := range []struct {
		name   string
		wanted pipeline.Against
		with   Comparison
		passed bool
		text   string
	}{
		{"worse", pipeline.NotWorse, beside(-0.05, 0), false, "not worse is wanted"},
		{"worse, and any will do", pipeline.AnyOf, beside(-0.05, 0), true, "worse beyond noise"},
		{"worse in its probabilities", pipeline.NotWorse, beside(0.05, 0.05), false, "worse beyond noise"},
		{"within noise", pipeline.NotWorse, beside(-0.01, 0.01), true, "within noise"},
		{"within noise, where better is wanted", pipeline.IsBetter, beside(0.01, -0.01), false, "better beyond noise is wanted"},
		{"better", pipeline.IsBetter, beside(0.05, 0), true, "better beyond noise"},
		{"worse, where better is wanted", pipeline.IsBetter, beside(-0.05, 0), false, "worse beyond noise"},
		{"the champion itself", pipeline.IsBetter, Comparison{Same: true, Differences: beside(0, 0).Differences}, true, "it is the champion"},
		{"nothing compared", pipeline.IsBetter, Comparison{Note: "it cannot score these rows"}, true, "not comparable, it cannot score these rows"},
	} {
		check := Against(test.wanted, test.with)
		require.Equal(t, test.passed, check.Passed, test.name)
		require.Contains(t, check.Message, test.text, test.name)
	}
}
