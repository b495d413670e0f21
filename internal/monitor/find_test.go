package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/pipelines"
)

var limits = pipeline.Monitor{FalseDiscoveries: 0.05, MaxPSI: 0.1, MaxAUCDrop: 0.01}

// seen is a result of a feature whose PSI is beyond its limit, or not.
func seen(name string, p float64, beyond bool) drift.Result {
	return drift.Result{
		Feature: drift.Feature{Name: name}, P: p, Window: drift.Side{Rows: 700}, Reference: drift.Side{Rows: 9000},
		Statistics: []drift.Statistic{{Name: drift.PSI, Value: 0.3, Lower: 0.2, Limit: 0.1, Beyond: beyond}, {Name: drift.KS, Value: 0.4, Limit: 0.12, Beyond: beyond}},
	}
}

// quiet are features in which nothing is to be found.
func quiet(n int) (results []drift.Result) {
	for i := range n {
		results = append(results, seen(fmt.Sprint("quiet", i), 0.5, false))
	}
	return results
}

func found(t *testing.T, d Drift, tested json.RawMessage) ([]Finding, json.RawMessage) {
	t.Helper()
	if d.Together.P == 0 {
		d.Together.P = 1
	}
	findings, next, err := d.Find(limits, tested)
	require.NoError(t, err)
	return findings, next
}

// One of many features has a p of 0.03 by chance, and a look a day has one soon.
func TestFindControlsFalseDiscoveries(t *testing.T) {
	t.Parallel()
	alone, next := found(t, Drift{Overall: append(quiet(19), seen("income", 0.003, true))}, nil)
	require.Empty(t, alone, "0.003 among twenty is what chance brings")
	require.NotEmpty(t, next)
	clear, _ := found(t, Drift{Overall: append(quiet(19), seen("income", 1e-6, true))}, nil)
	require.Len(t, clear, 1)
	require.Equal(t, []any{OfData, "income", Statistic(drift.PSI), 0.3, 0.1, int64(700)}, []any{clear[0].Kind, clear[0].Feature, clear[0].Statistic, clear[0].Value, clear[0].Limit, clear[0].Rows})
	require.InDelta(t, 1e-6, *clear[0].P, 1e-12)

	// The same p-value is found in the first look and no more after fifty that found nothing: each look spends.
	weak := Drift{Overall: append(quiet(3), seen("income", 0.004, true))}
	first, _ := found(t, weak, nil)
	require.Len(t, first, 1)
	var state json.RawMessage
	for range 50 {
		_, state = found(t, Drift{Overall: quiet(4)}, state)
	}
	late, _ := found(t, weak, state)
	require.Empty(t, late)
}

// What had too few rows is no test: it spends nothing of what looks share, and makes no other test harder. A look of nothing else is none.
func TestFindCountsWhatWasTested(t *testing.T) {
	t.Parallel()
	short := drift.Result{Feature: drift.Feature{Name: "income"}, P: 1, Statistics: []drift.Statistic{}, Short: &drift.Shortage{}}
	untold := drift.Separation{P: 1, Short: &drift.Shortage{}}
	state := func(d Drift) (looks drift.Looks) {
		_, next, err := d.Find(limits, nil)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(next, &looks))
		return looks
	}
	nothing := state(Drift{Overall: []drift.Result{short}, Together: untold, Unseen: []Unseen{{Unseen: drift.Unseen{P: 1, Short: &drift.Shortage{}}}}})
	require.Zero(t, nothing.Looks)
	require.Empty(t, nothing.Spent)
	// By hand: 0.05 / ζ(1.6) = 0.0219 is the level of the first look. Of one test 0.015 is below it, of two it is not below a half of it.
	weak := Drift{Overall: []drift.Result{seen("income", 0.015, true)}, Together: untold}
	require.Equal(t, 1, state(weak).Looks)
	require.Equal(t, 1, state(weak).Found)
	weak.Together = drift.Separation{P: 1}
	require.Zero(t, state(weak).Found)
}

// The fewest rows that a spec may want are those of which drift is told.
func TestASpecWantsRowsEnough(t *testing.T) {
	t.Parallel()
	text, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	for rows, accepted := range map[int]bool{drift.MinRows: true, drift.MinRows - 1: false} {
		_, err := pipeline.Parse("spec.yaml", bytes.Replace(text, []byte("monitor:\n"), fmt.Appendf(nil, "monitor:\n  min_rows: %d\n", rows), 1))
		require.Equal(t, accepted, err == nil, "%v", err)
		if err != nil {
			require.Contains(t, err.Error(), "monitor.min_rows")
		}
	}
}

// The spec's rate is that of the next look, whatever it was before.
func TestFindTakesTheNewestRate(t *testing.T) {
	t.Parallel()
	_, state := found(t, Drift{Overall: quiet(4)}, nil)
	weak := Drift{Overall: append(quiet(3), seen("income", 0.002, true)), Together: drift.Separation{P: 1}}
	loose, strict := limits, limits
	loose.FalseDiscoveries, strict.FalseDiscoveries = 0.2, 0.01
	for wanted, m := range map[int]pipeline.Monitor{1: loose, 0: strict} {
		findings, _, err := weak.Find(m, state)
		require.NoError(t, err)
		require.Len(t, findings, wanted)
	}
}

func TestFindWantsWhatMatters(t *testing.T) {
	t.Parallel()
	dust, _ := found(t, Drift{Overall: []drift.Result{seen("income", 1e-12, false)}}, nil)
	require.Empty(t, dust, "of a million rows everything is significant")
	large, _ := found(t, Drift{Overall: []drift.Result{seen("income", 0.4, true)}}, nil)
	require.Empty(t, large, "of few rows anything is large")
	tiny, _ := found(t, Drift{Overall: []drift.Result{seen("income", 0, true)}}, nil)
	require.InDelta(t, 1e-16, *tiny[0].P, 0, "nobody knows a smaller one")
}

func TestFindTellsSegmentsWhereAllDoNot(t *testing.T) {
	t.Parallel()
	segments := []SegmentDrift{{Value: "bank", Results: []drift.Result{seen("income", 1e-9, true), seen("age", 1e-9, true)}}}
	only, _ := found(t, Drift{Segment: "kind", Segments: segments, Overall: []drift.Result{seen("income", 0.9, false), seen("age", 1e-9, true)}}, nil)
	require.Len(t, only, 2)
	require.Equal(t, []string{"age", ""}, []string{only[0].Feature, only[0].Segment})
	require.Equal(t, []string{"income", "kind=bank"}, []string{only[1].Feature, only[1].Segment})
	require.Contains(t, only[1].Message, "among kind=bank")
}

func TestFindTellsScoresUnitsAndAllTogether(t *testing.T) {
	t.Parallel()
	d := Drift{
		Overall: []drift.Result{seen("income", 1e-9, true), seen(Score.Name, 1e-9, true)}, Units: []Unit{{"income", 1. / 12}, {"amount", 100}},
		Together: drift.Separation{P: 1e-9, AUC: 0.9, Limit: 0.59, Beyond: true, Features: []drift.Lean{{Feature: "income"}}}, Fresh: 700,
	}
	all, _ := found(t, d, nil)
	var kinds []string
	for _, f := range all {
		kinds = append(kinds, fmt.Sprint(f.Kind, " ", f.Feature, " ", f.Statistic, " ", f.Meaning))
	}
	require.Equal(t, []string{"data_drift income psi false", "prediction_drift  psi false", "schema income unit true", "data_drift  classifier_auc false"}, kinds,
		"amount did not drift: no other unit is to be told")
	d.Together.Beyond = false
	fewer, _ := found(t, d, nil)
	require.Len(t, fewer, 3)
	_, _, err := d.Find(limits, json.RawMessage(`[]`))
	require.Equal(t, fault.Internal, fault.CodeOf(err))
}

// A version is gone back to where it is better by more than what matters. Wanted by hand: an AUC of 0.05 more with an error of 0.005 is, one of 0.012 is
// not by more than 0.01, and nothing is on the hundredth look that was just enough on the first.
func TestBetterWantsWhatMatters(t *testing.T) {
	t.Parallel()
	standing := func(auc, variance float64) performance.Standing {
		return performance.Standing{
			Version: 1, Basis: performance.OnLabels, Better: true, P: 1e-6,
			Differences: map[string]evaluate.Difference{"auc": evaluate.NewDifference(auc, variance), "brier": evaluate.NewDifference(0, 1e-6)},
		}
	}
	better := func(nth int, s performance.Standing) *Better {
		p := Performance{Versions: []Version{{Track: serving.Track{Version: 2, Policy: "p2"}}, {Track: serving.Track{Version: 1, Policy: "p1"}}}, Standings: []performance.Standing{s}, Nth: nth, NthMeasured: nth}
		p.settle(p.Standings, 1, limits)
		return p.Better()
	}
	require.Equal(t, []any{1, "p1", "labels"}, []any{better(1, standing(0.05, 25e-6)).Version, better(1, standing(0.05, 25e-6)).Policy, better(1, standing(0.05, 25e-6)).Basis})
	require.Nil(t, better(1, standing(0.012, 25e-6)))
	require.NotNil(t, better(1, standing(0.027, 25e-6)))
	require.Nil(t, better(100, standing(0.027, 25e-6)))
	not := standing(0.05, 25e-6)
	not.Better = false
	require.Nil(t, better(1, not), "worse in the other metric")
}
