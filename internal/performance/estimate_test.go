package performance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// Wanted values: numpy. The map by Newton's method on the three columns, estimates over the matrix of all pairs of rows, standard errors by numeric
// derivatives of the estimate in each row's probability and by the covariance of the map's weights.
func TestEstimateAgainstNumpy(t *testing.T) {
	t.Parallel()
	fresh := []float64{0.1, 0.2, 0.2, 0.35, 0.5, 0.5, 0.6, 0.8, 0.9, 0.05}
	e, err := Estimate(Reference{Labels: labels, Scores: scores}, fresh, nil, few)
	require.NoError(t, err)
	require.Empty(t, e.Note)
	for name, want := range map[string][3]float64{
		"auc":           {0.7993289738708282, 0.46134219506974244, 1},
		"brier":         {0.1925929994330565, 0.03433724242406905, 0.35084875644204394},
		"log_loss":      {0.5735995403642886, 0.16861595578663463, 0.9785831249419426},
		"accuracy":      {0.7406752300715271, 0.4458319564830222, 1},
		"positive_rate": {0.36421545576028713, 0.06564678194207374, 0.6627841295785005},
	} {
		require.InDelta(t, want[0], e.Metrics[name].Estimate, 1e-8, name)
		require.InDelta(t, want[1], e.Metrics[name].Lower, 1e-6, name)
		require.InDelta(t, want[2], e.Metrics[name].Upper, 1e-6, name)
	}
	require.Len(t, e.Metrics, 5)
	require.InDelta(t, 0.3, e.Extrapolated, 1e-12, "0.05, 0.1 and 0.9 are beyond the middle 99 % of the reference")
	require.Equal(t, "not valid under concept change", e.Caveat)
}

// The expected AUC is the mean of good pairs over the mean of pairs, over all ways in which labels may fall; its slope is how much it moves with
// each probability.
func TestExpectedAUCOverAllLabels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "rows")
		c, p := make([]float64, n), make([]float64, n)
		for i := range c {
			c[i] = rapid.Float64Range(0.05, 0.95).Draw(t, "probability")
			p[i] = float64(rapid.IntRange(0, 4).Draw(t, "score")) / 4
		}
		ratio := func(c []float64) float64 {
			var good, pairs float64
			for labels := range 1 << n {
				chance, g, m := 1.0, 0.0, 0.0
				for i := range n {
					if labels>>i&1 == 1 {
						chance *= c[i]
					} else {
						chance *= 1 - c[i]
					}
					for j := range n {
						if labels>>i&1 == 1 && labels>>j&1 == 0 {
							m++
							switch {
							case p[i] > p[j]:
								g++
							case p[i] == p[j]:
								g += 0.5
							}
						}
					}
				}
				good += chance * g
				pairs += chance * m
			}
			return good / pairs
		}
		e := expectedAUC(c, p)
		require.InDelta(t, ratio(c), e.estimate, 1e-9)
		var rows float64
		for i := range c {
			const h = 1e-5
			up, down := slices.Clone(c), slices.Clone(c)
			up[i] += h
			down[i] -= h
			require.InDelta(t, (ratio(up)-ratio(down))/(2*h), e.slope[i], 1e-6)
			rows += e.row[i]
		}
		require.InDelta(t, 0, rows, 1e-9)
	})
}

// Labels that are certain leave nothing to chance: what is expected is what evaluate measures.
func TestCertainLabelsAreWhatIsRealised(t *testing.T) {
	t.Parallel()
	metrics, err := evaluate.Measure(labels, scores)
	require.NoError(t, err)
	for name, e := range expectedOf(labels, scores) {
		require.InDelta(t, metrics[name].Estimate, e.estimate, 1e-12, name)
	}
}

// The interval holds what the labels show, in about 95 of 100 windows of other applicants: 300 windows, of which the binomial law allows 270 to
// 298 but for two in a thousand. docs/performance-estimates.md has more.
func TestIntervalsHoldWhatLabelsShow(t *testing.T) {
	t.Parallel()
	const windows = 300
	held := map[string]int{}
	for seed := range uint64(windows) {
		y, logOdds, _ := sample(3*seed, 1000, -1.5)
		reference := Reference{Labels: y, Scores: scored(3*seed, logOdds, 0, 1.5)}
		later, laterOdds, _ := sample(3*seed+1, 600, -0.8)
		p := scored(3*seed+1, laterOdds, 0, 1.5)
		e, err := Estimate(reference, p, nil, Limits{})
		require.NoError(t, err)
		shown, err := evaluate.Measure(later, p)
		require.NoError(t, err)
		for name, metric := range e.Metrics {
			truth := shown[name].Estimate
			if name == "positive_rate" {
				truth = float64(positives(later)) / float64(len(later))
			}
			if metric.Lower <= truth && truth <= metric.Upper {
				held[name]++
			}
		}
	}
	for name, count := range held {
		require.True(t, count >= 270 && count <= 298, "%s: %d of %d", name, count, windows)
	}
	require.Len(t, held, 5)
}

func TestEstimateOfApprovals(t *testing.T) {
	t.Parallel()
	y, _, p := sample(1, 4000, -1)
	_, _, fresh := sample(2, 4000, -1)
	approved := make([]bool, len(fresh))
	for i := range fresh {
		approved[i] = fresh[i] < 0.2
	}
	e, err := Estimate(Reference{Labels: y, Scores: p}, fresh, approved, Limits{})
	require.NoError(t, err)
	require.InDelta(t, 0.35, e.ApprovalRate.Estimate, 0.03)
	require.InDelta(t, 0.13, e.ApprovedPositive.Estimate, 0.02, "the mean probability below 0.2")
	require.Less(t, e.ApprovedPositive.Upper, e.Metrics["positive_rate"].Lower)
	e, err = Estimate(Reference{Labels: y, Scores: p}, fresh, make([]bool, len(fresh)), Limits{})
	require.NoError(t, err)
	require.Zero(t, e.ApprovalRate.Estimate)
	require.Nil(t, e.ApprovedPositive)
	_, err = Estimate(Reference{Labels: y, Scores: p}, fresh, approved[1:], Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

func TestEstimateOfTooLittle(t *testing.T) {
	t.Parallel()
	y, _, p := sample(1, 400, -1)
	for _, test := range []struct {
		reference Reference
		fresh     []float64
		says      string
	}{
		{Reference{Labels: y[:99], Scores: p[:99]}, p, "reference: not enough data: 99 matured rows"},
		{Reference{Labels: unknown(400), Scores: p}, p, "reference: not enough data: 0 matured rows"},
		{Reference{Labels: y, Scores: p}, p[:99], "not enough data: 99 rows to estimate on, at least 100 are needed"},
		{Reference{}, nil, "reference: not enough data"},
	} {
		e, err := Estimate(test.reference, test.fresh, nil, Limits{})
		require.NoError(t, err)
		require.Contains(t, e.Note, test.says)
		require.Nil(t, e.Metrics)
		require.Equal(t, NotUnderConceptChange, e.Caveat)
	}
	for _, fresh := range [][]float64{{math.NaN()}, {-1}, {2}} {
		_, err := Estimate(Reference{Labels: y, Scores: p}, fresh, nil, Limits{})
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
}

// Scores of exactly 0 and 1, all alike, or that tell the classes apart give numbers or a note, never what is not a number.
func TestEstimateOfExtremes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := 40
		draw := rapid.SampledFrom([]float64{0, 1e-300, 0.2, 0.5, 0.5, 1 - 1e-16, 1})
		y, p, fresh := make([]float64, n), make([]float64, n), make([]float64, n)
		perfect := rapid.Bool().Draw(t, "perfect")
		for i := range n {
			y[i] = float64(rapid.IntRange(0, 1).Draw(t, "label"))
			p[i], fresh[i] = draw.Draw(t, "reference"), draw.Draw(t, "fresh")
			if perfect {
				p[i] = y[i]
			}
		}
		e, err := Estimate(Reference{Labels: y, Scores: p}, fresh, nil, few)
		require.NoError(t, err)
		require.Equal(t, e.Note == "", e.Metrics != nil)
		for name, m := range e.Metrics {
			require.False(t, math.IsNaN(m.Estimate) || math.IsNaN(m.Lower) || math.IsNaN(m.Upper), "%s: %+v", name, m)
			require.True(t, m.Lower <= m.Estimate && m.Estimate <= m.Upper, "%s: %+v", name, m)
		}
		again, err := Estimate(Reference{Labels: y, Scores: p}, fresh, nil, few)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(e), fmt.Sprint(again))
	})
}

// Of approved applicants alone outcomes become known: an estimate of all would promise what they never show. The interval holds what they do show in 95 of
// 100 cases; who is approved is decided by the truth with noise, as an underwriter would.
func TestAnEstimateIsOfThoseWhoseOutcomesBecomeKnown(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(23, 1))
	draw := func(n int, living bool) (y, p []float64, approved []bool) {
		for len(p) < n {
			z := -1.6 + 1.15*random.NormFloat64()
			ok := z+0.9*random.NormFloat64() < -0.35
			if living && !ok {
				continue
			}
			label := 0.0
			if random.Float64() < sigmoid(z) {
				label = 1
			}
			y, p, approved = append(y, label), append(p, sigmoid(1.1*z)), append(approved, ok)
		}
		return y, p, approved
	}
	held, ofAll := map[string]int{}, map[string]int{}
	const times = 200
	for range times {
		before, scores, _ := draw(3000, true)
		y, p, approved := draw(3000, false)
		lent, theirs := pickWhere(y, approved), pickWhere(p, approved)
		shown, err := evaluate.Measure(lent, theirs)
		require.NoError(t, err)
		for _, of := range []struct {
			selective bool
			held      map[string]int
		}{{true, held}, {false, ofAll}} {
			e, err := Estimate(Reference{Labels: before, Scores: scores, Approved: of.selective}, p, approved, Limits{})
			require.NoError(t, err)
			require.Equal(t, of.selective, e.Rows == len(lent))
			require.Equal(t, of.selective, strings.Contains(e.Caveat, OfApproved))
			require.InDelta(t, float64(len(lent))/3000, e.ApprovalRate.Estimate, 1e-12)
			for _, name := range []string{"auc", "brier", "log_loss", "accuracy"} {
				if i := e.Metrics[name]; i.Lower <= shown[name].Estimate && shown[name].Estimate <= i.Upper {
					of.held[name]++
				}
			}
			if i := e.ApprovedPositive; i.Lower <= float64(positives(lent))/float64(len(lent)) && float64(positives(lent))/float64(len(lent)) <= i.Upper {
				of.held["positive"]++
			}
		}
	}
	t.Log("of approved:", held, "of all:", ofAll)
	for name, n := range held {
		require.GreaterOrEqual(t, n, 179, name) // 190 but for one in a thousand
	}
	require.Less(t, ofAll["brier"], 100)
}

// What is expected is a metric that is measured once labels are known.
func TestWhatIsExpectedIsMeasured(t *testing.T) {
	t.Parallel()
	for name := range expectedOf([]float64{0.2, 0.7}, []float64{0.3, 0.6}) {
		_, measured := evaluate.MetricOf(name)
		require.True(t, measured, name)
	}
}
