package monitor

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/serving"
)

// observed is a champion and an older version, scores being log-odds with so much noise, in 400 rows of each month.
func observed(nth int, champion, older []float64) Observed {
	rng := rand.New(rand.NewPCG(3, 4))
	of := func(s *Scored, n int, day, first, second float64) {
		if s.Scores == nil {
			s.Scores = make([][]float64, 2)
		}
		for range n {
			z := rng.NormFloat64() - 1
			p := func(noise float64) float64 { return 1 / (1 + math.Exp(-z-noise*rng.NormFloat64())) }
			label := 0.0
			if rng.Float64() < p(0) {
				label = 1
			}
			s.Labels, s.Days, s.Approved = append(s.Labels, label), append(s.Days, day), append(s.Approved, true)
			s.Scores[0], s.Scores[1] = append(s.Scores[0], p(first)), append(s.Scores[1], p(second))
		}
	}
	o := Observed{Versions: []Version{{Track: serving.Track{Version: 2, Policy: "p2"}}, {Track: serving.Track{Version: 1, Policy: "p1"}}}, Nth: nth}
	of(&o.Reference, 2000, 20_000, champion[0], older[0])
	for m := range champion {
		of(&o.Outcomes, 400, dataset.Day(time.Date(2025, time.Month(1+m), 15, 0, 0, 0, 0, time.UTC)), champion[m], older[m])
	}
	of(&o.Fresh, 200, 20_400, champion[0], older[0])
	o.Applicants = o.Fresh
	return o
}

// noises are of ten months, the last two of which have another one.
func noises(calm, last float64) []float64 {
	return []float64{calm, calm, calm, calm, calm, calm, calm, calm, last, last}
}

// A champion that became bad two months ago is found, and the version before, which did not, is gone back to on these months; in all ten it is no better.
func TestWhatBecameBadLatelyIsFound(t *testing.T) {
	t.Parallel()
	p, err := Measure(observed(10, noises(0.2, 1.6), noises(0.5, 0.5)), limits)
	require.NoError(t, err)
	found := p.Findings(limits)
	require.Len(t, found, 2)
	require.Equal(t, []any{OfPerformance, AUCChange, "2025-09", int64(800), -0.01}, []any{found[0].Kind, found[0].Statistic, found[0].Since, found[0].Rows, found[0].Limit})
	require.Contains(t, found[0].Message, "does worse on 800 rows with labels since 2025-09 than when it was judged: auc -0.")
	require.InDelta(t, p.Change.Decisive().Differences["auc"].Estimate, found[0].Value, 0)
	require.Equal(t, []any{BrierDifference, "2025-09", int64(800)}, []any{found[1].Statistic, found[1].Since, found[1].Rows})
	require.Equal(t, 1, p.Better().Version)
	require.Contains(t, p.Better().Message, "on 800 rows since 2025-09 (labels)")

	whole := p
	whole.Change.Recent, whole.Change.Since, whole.Recent = nil, "", nil
	require.Nil(t, whole.Better(), "averaged away")
}

// Where both became bad there is nothing to go back to; where neither did nothing is found, and a version that is better in two months is none to go back to.
func TestWhatBothLostIsNoReasonToGoBack(t *testing.T) {
	t.Parallel()
	both, err := Measure(observed(10, noises(0.2, 1.6), noises(0.2, 1.6)), limits)
	require.NoError(t, err)
	require.Len(t, both.Findings(limits), 1)
	require.Nil(t, both.Better())
	neither, err := Measure(observed(10, noises(0.8, 0.8), noises(0.8, 0)), limits)
	require.NoError(t, err)
	require.Empty(t, neither.Findings(limits))
	require.Empty(t, neither.Recent)
}

// Where the AUC is as before what is told is the calibration: scores that promise too little. Wanted by hand.
func TestDecayOfCalibrationIsCalledSo(t *testing.T) {
	t.Parallel()
	o := observed(1, noises(0.2, 0.2), noises(0.2, 0.2))
	for i, p := range o.Outcomes.Scores[0] {
		o.Outcomes.Scores[0][i] = p / 3
	}
	p, err := Measure(o, limits)
	require.NoError(t, err)
	found := p.Findings(limits)
	require.NotEmpty(t, found)
	require.Equal(t, []any{offPromise, ""}, []any{found[0].Statistic, found[0].Since})
	require.Greater(t, found[0].Value, 0.02)
	require.InDelta(t, 0.06*0.45, found[0].Limit, 0.001, "about three in ten default, which has a standard deviation of 0.45")

	o = observed(1, noises(0.2, 0.2), noises(0.2, 0.2))
	for i, p := range o.Outcomes.Scores[0] {
		o.Outcomes.Scores[0][i] = math.Sqrt(p)
	}
	p, err = Measure(o, limits)
	require.NoError(t, err)
	found = p.Findings(limits)
	require.NotEmpty(t, found, "scores that promise too much")
	require.Equal(t, offPromise, found[0].Statistic)
	require.Less(t, found[0].Value, -0.02)
}

// A value that the champion never saw is a finding where it is beyond chance and matters, and says what the champion makes of it.
func TestFindTellsUnseenValues(t *testing.T) {
	t.Parallel()
	of := func(p float64, beyond, read bool) Unseen {
		return Unseen{drift.Unseen{Feature: "city", Reference: 9000, Window: 700, Unseen: 70, Values: 3, Share: 0.1, Lower: 0.08, Expected: 0.002, Limit: 0.012, P: p, Beyond: beyond}, read}
	}
	all, _ := found(t, Drift{Overall: quiet(5), Unseen: []Unseen{of(1e-9, true, true)}}, nil)
	require.Len(t, all, 1)
	require.Equal(t, []any{OfSchema, "city", unseenValues, 0.1, 0.012, int64(700), false}, []any{all[0].Kind, all[0].Feature, all[0].Statistic, all[0].Value, all[0].Limit, all[0].Rows, all[0].Meaning})
	require.Contains(t, all[0].Message, "3 different ones in 70 of 700 fresh rows (10 %, at least 8 %, where chance brings 0.2 %); the champion scores them as none of the values that it knows")
	unread, _ := found(t, Drift{Unseen: []Unseen{of(1e-9, true, false)}}, nil)
	require.Contains(t, unread[0].Message, "the champion does not read the column")
	for _, quiet := range []Unseen{of(0.5, true, true), of(1e-9, false, true)} {
		none, _ := found(t, Drift{Unseen: []Unseen{quiet}}, nil)
		require.Empty(t, none)
	}
	short := of(1e-9, true, true)
	short.Short = &drift.Shortage{}
	none, next := found(t, Drift{Unseen: []Unseen{short}}, nil)
	require.Empty(t, none)
	require.Contains(t, string(next), `"looks":1`)
	alone, _ := found(t, Drift{Unseen: []Unseen{of(0.003, true, true)}}, nil)
	require.Len(t, alone, 1)
	chance, _ := found(t, Drift{Overall: quiet(40), Unseen: []Unseen{of(0.003, true, true)}}, nil)
	require.Empty(t, chance, "0.003 among forty is what chance brings")
}
