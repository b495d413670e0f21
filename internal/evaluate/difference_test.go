package evaluate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

var (
	pairedLabels = []float64{
		0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0,
		0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1,
	}
	pairedA = []float64{
		0.39, 0.5, 0.52, 0.27, 0.34, 0.11, 0.51, 0.71, 0.66, 0.51, 0.61, 0.74, 0.44, 0.53, 0.49, 0.78, 0.07, 0.47, 0.03, 0.03,
		0.1, 0.24, 0.25, 0.93, 0.34, 0.31, 0.09, 0.49, 0.44, 0.48, 0.3, 0.51, 0.12, 0.29, 0.75, 0.13, 0.56, 0.51, 0.6, 0.52,
	}
	pairedB = []float64{
		0.51, 0.5, 0.42, 0.13, 0.26, 0.31, 0.27, 0.85, 0.2, 0.44, 0.52, 0.68, 0.54, 0.15, 0.64, 0.8, 0.2, 0.36, 0.12, 0.14,
		0.22, 0.38, 0.22, 0.47, 0.46, 0.3, 0.13, 0.35, 0.61, 0.53, 0.13, 0.34, 0.22, 0.31, 0.71, 0.28, 0.33, 0.62, 0.56, 0.39,
	}
)

// Wanted values: numpy and scipy. AUC by DeLong's definition over the matrix of all pairs (numpy.cov of its means by row and by column), KS from
// scikit-learn's roc_curve, the others by the mean and the standard deviation of the rows' differences; p is 2 * scipy.stats.norm.sf.
func TestPairedAgainstNumpy(t *testing.T) {
	differences, err := Paired(pairedLabels, pairedA, pairedB)
	require.NoError(t, err)
	for name, want := range map[string][3]float64{
		"auc":      {0.16145833333333337, 0.06935078224785711, 0.01990466850429578},
		"ks":       {0.25, 0.15287107384129708, 0.10197255997122907},
		"brier":    {-0.0430875, 0.01997314324591387, 0.030984487771031095},
		"log_loss": {-0.0906105219973243, 0.04891026745691026, 0.06394158791096664},
		"accuracy": {0.15, 0.09163752450517143, 0.1016547043589233},
	} {
		got := differences[name]
		require.InDelta(t, want[0], got.Estimate, 1e-12, name)
		require.InDelta(t, want[1], got.StandardError, 1e-12, name)
		require.InDelta(t, want[2], got.P, 1e-12, name)
		require.InDelta(t, want[0]-1.959963984540054*want[1], got.Lower, 1e-12, name)
		require.InDelta(t, want[0]+1.959963984540054*want[1], got.Upper, 1e-12, name)
	}
	require.Len(t, differences, 5)
}

// Wanted values: numpy as above, on the first twenty rows of one and the last twenty of the other.
func TestIndependentAgainstNumpy(t *testing.T) {
	differences, err := Independent(pairedLabels[:20], pairedA[:20], pairedLabels[20:], pairedB[20:])
	require.NoError(t, err)
	require.InDelta(t, 0.06970806970806975, differences["auc"].Estimate, 1e-12)
	require.InDelta(t, 0.18286410416516344, differences["auc"].StandardError, 1e-12)
	require.InDelta(t, 0.7030537406129453, differences["auc"].P, 1e-12)
	require.InDelta(t, -0.01937000000000002, differences["brier_excess"].Estimate, 1e-12)
	require.InDelta(t, 0.05955962669106438, differences["brier_excess"].StandardError, 1e-12)
	require.InDelta(t, 0.15749999999999997, differences["calibration"].Estimate, 1e-12)
	require.InDelta(t, 0.15259177566304155, differences["calibration"].StandardError, 1e-12)
}

// Differences are those of the metrics that Evaluate tells; they turn with the order of the models, and a model does not differ from itself, nor
// in rank from what ranks alike.
func TestPairedIsTheDifferenceOfMetrics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 60).Draw(t, "n")
		y, a, b, square := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range y {
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "y"))
			a[i] = float64(rapid.IntRange(0, 10).Draw(t, "a")) / 10
			b[i] = float64(rapid.IntRange(0, 10).Draw(t, "b")) / 10
			square[i] = a[i] * a[i]
		}
		copy(y, []float64{0, 1, 0, 1})
		forth, err := Paired(y, a, b)
		require.NoError(t, err)
		back, err := Paired(y, b, a)
		require.NoError(t, err)
		ea, err := Evaluate(y, a)
		require.NoError(t, err)
		eb, err := Evaluate(y, b)
		require.NoError(t, err)
		for name, d := range forth {
			require.InDelta(t, eb.Metrics[name].Estimate-ea.Metrics[name].Estimate, d.Estimate, 1e-9, name)
			require.InDelta(t, -back[name].Estimate, d.Estimate, 1e-12, name)
			require.InDelta(t, back[name].P, d.P, 1e-9, name)
			require.True(t, d.P >= 0 && d.P <= 1, "%s: %v", name, d.P)
		}
		same, err := Paired(y, a, square)
		require.NoError(t, err)
		require.Equal(t, Difference{P: 1}, same["auc"])
		same, err = Paired(y, a, a)
		require.NoError(t, err)
		for name, d := range same {
			require.Equal(t, Difference{P: 1}, d, name)
		}
	})
}

func TestPairedRefusesWhatItCannotCompare(t *testing.T) {
	good := []float64{0.1, 0.2, 0.3, 0.4}
	for _, test := range []struct {
		y, a, b []float64
		want    fault.Code
	}{
		{[]float64{0, 1, 0, 1}, good, good[:3], fault.Invalid},
		{[]float64{0, 1, 0, 1}, good, []float64{0.1, 0.2, 0.3, math.NaN()}, fault.Invalid},
		{[]float64{0, 1, 0, math.NaN()}, good, good, fault.Invalid},
		{[]float64{0, 0, 0, 1}, good, good, fault.Refused},
		{[]float64{1, 1, 1, 0}, good, good, fault.Refused},
		{nil, nil, nil, fault.Refused},
	} {
		_, err := Paired(test.y, test.a, test.b)
		require.Equal(t, test.want, fault.CodeOf(err), "%+v", test)
		_, err = Independent(test.y, test.a, test.y, test.b)
		require.Equal(t, test.want, fault.CodeOf(err), "%+v", test)
	}
}

// Wanted by hand: with a standard error of 0.01, half the level of 0.025 is met from 2.2414 standard errors on.
func TestBeyondNoise(t *testing.T) {
	of := func(auc, brier float64) map[string]Difference {
		return map[string]Difference{"auc": NewDifference(auc, 1e-4), "brier": NewDifference(brier, 1e-4)}
	}
	for _, test := range []struct {
		auc, brier float64
		want       Outcome
	}{
		{0, 0, WithinNoise},
		{-0.0224, 0.0224, WithinNoise},
		{-0.0225, 0, Worse},
		{0, 0.0225, Worse},
		{0.0224, -0.0224, WithinNoise},
		{0.0225, 0, Better},
		{0, -0.0225, Better},
		{0.0225, 0.0225, Worse},
	} {
		outcome, why := BeyondNoise(of(test.auc, test.brier))
		require.Equal(t, test.want, outcome, "%+v: %s", test, why)
	}
	_, why := BeyondNoise(of(-0.05, 0.01))
	require.Equal(t, "worse beyond noise: auc -0.0500 (95 % interval -0.0696 to -0.0304), brier +0.0100 (-0.0096 to +0.0296)", why)
}

// Models that are equally good are called worse, and better, about as often as the level says: 2.5 % of 2,000, of which Poisson's law
// allows 30 to 72.
func TestEqualModelsAreSeldomBeyondNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	told := map[Outcome]int{}
	const n = 300
	y, a, b := make([]float64, n), make([]float64, n), make([]float64, n)
	for range 2000 {
		for i := range n {
			truth := random.NormFloat64()
			y[i] = 0
			if random.Float64() < 1/(1+math.Exp(1-truth)) {
				y[i] = 1
			}
			a[i] = 1 / (1 + math.Exp(1-truth-0.5*random.NormFloat64()))
			b[i] = 1 / (1 + math.Exp(1-truth-0.5*random.NormFloat64()))
		}
		differences, err := Paired(y, a, b)
		require.NoError(t, err)
		outcome, _ := BeyondNoise(differences)
		told[outcome]++
	}
	require.LessOrEqual(t, told[Worse], 72)
	require.LessOrEqual(t, told[Better], 72)
	require.Greater(t, told[Worse]+told[Better], 30, "nor never")
}

// Measure tells what Evaluate does; of KS the estimate is the same and the interval is another: wanted by numpy at the threshold of scikit-learn's
// roc_curve, KS ± 1.96 sqrt(tpr (1 - tpr) / (m - 1) + fpr (1 - fpr) / (n - 1)).
func TestMeasureIsEvaluate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 60).Draw(t, "n")
		y, p := make([]float64, n), make([]float64, n)
		for i := range y {
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "y"))
			p[i] = float64(rapid.IntRange(0, 10).Draw(t, "p")) / 10
		}
		copy(y, []float64{0, 1, 0, 1})
		e, err := Evaluate(y, p)
		require.NoError(t, err)
		metrics, err := Measure(y, p)
		require.NoError(t, err)
		require.Len(t, metrics, len(e.Metrics))
		for name, want := range e.Metrics {
			require.InDelta(t, want.Estimate, metrics[name].Estimate, 1e-9, name)
			if name != "ks" {
				require.InDelta(t, want.Lower, metrics[name].Lower, 1e-9, name)
				require.InDelta(t, want.Upper, metrics[name].Upper, 1e-9, name)
			}
		}
	})
	metrics, err := Measure(labels, scores)
	require.NoError(t, err)
	margin := 1.959963984540054 * math.Sqrt(0.8*0.2/4+0.2*0.8/4) // tpr 0.8, fpr 0.2
	require.InDelta(t, 0.6-margin, metrics["ks"].Lower, 1e-12)
	_, err = Measure([]float64{0, 0, 1}, []float64{0.1, 0.2, 0.3})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}
