package performance

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// Wanted values: statsmodels' Logit (slope) and GLM with an offset (intercept), z by its definition in numpy with scipy.stats.norm, the expected
// calibration error in Python over the groups of reliability_test.go.
func TestCalibrationAgainstStatsmodels(t *testing.T) {
	t.Parallel()
	c := calibrated(labels, scores)
	require.InDelta(t, 0.39, c.MeanPredicted, 1e-12)
	require.InDelta(t, 0.4, c.Observed.Estimate, 1e-12)
	within := func(got *evaluate.Metric, estimate, lower, upper float64) {
		t.Helper()
		require.InDelta(t, estimate, got.Estimate, 1e-7)
		require.InDelta(t, lower, got.Lower, 1e-7)
		require.InDelta(t, upper, got.Upper, 1e-7)
	}
	within(c.Intercept, 0.04960991, -0.63923398, 0.73845381)
	within(c.Slope, 1.25480692777, 0.31791006, 2.19170379)
	require.InDelta(t, -0.3776460730232845, c.Z, 1e-12)
	require.InDelta(t, 0.7056935335185383, c.P, 1e-12)
	require.InDelta(t, 0.2055, c.ExpectedError, 1e-12)
	require.Empty(t, c.Note)
}

// Where no slope can be known it is not measured: all scores alike, and classes that are told apart without error.
func TestCalibrationWithoutASlope(t *testing.T) {
	t.Parallel()
	for _, p := range [][]float64{{0.5, 0.5, 0.5, 0.5}, {0.1, 0.2, 0.8, 0.9}, {0, 0, 1, 1}} {
		c := calibrated([]float64{0, 0, 1, 1}, p)
		require.Nil(t, c.Slope, "%v", p)
		require.NotEmpty(t, c.Note)
	}
	require.InDelta(t, 1, calibrated([]float64{0, 1}, []float64{0, 1}).P, 0, "right and certain is calibrated")
	require.Zero(t, calibrated([]float64{1, 0}, []float64{0, 1}).P, "wrong and certain is not")
}

// A label that has not matured changes nothing but the count of such rows, whatever its score is.
func TestImmatureLabelsAreNotCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := Window{}
		mature := Window{}
		groups := Segment{Column: "institution"}
		kept := Segment{Column: "institution"}
		n := rapid.IntRange(0, 80).Draw(t, "rows")
		immature := 0
		for range n {
			label, score := float64(rapid.IntRange(0, 1).Draw(t, "label")), rapid.Float64Range(0, 1).Draw(t, "score")
			day, value := float64(rapid.IntRange(20000, 20070).Draw(t, "day")), rapid.SampledFrom([]string{"bank", "union", ""}).Draw(t, "value")
			if rapid.IntRange(0, 3).Draw(t, "immature") == 0 {
				label = math.NaN()
				immature++
			}
			w.Labels, w.Scores, w.Days, groups.Values = append(w.Labels, label), append(w.Scores, score), append(w.Days, day), append(groups.Values, value)
			if !math.IsNaN(label) {
				mature.Labels, mature.Scores, mature.Days = append(mature.Labels, label), append(mature.Scores, score), append(mature.Days, day)
				kept.Values = append(kept.Values, value)
			}
		}
		w.Segments, mature.Segments = []Segment{groups}, []Segment{kept}
		got, err := Realise(w, few)
		require.NoError(t, err)
		again, err := Realise(w, few)
		require.NoError(t, err)
		require.Equal(t, got, again)
		want, err := Realise(mature, few)
		require.NoError(t, err)
		require.Equal(t, immature, got.Overall.Immature)
		require.Equal(t, n-immature, got.Overall.Rows)
		got.Overall.Immature = 0
		require.Equal(t, want.Overall, got.Overall)
		byName := map[string]Group{}
		for _, g := range want.Vintages {
			byName[g.Name] = g
		}
		rows := 0
		for _, g := range got.Vintages {
			rows += g.Rows
			g.Immature = 0
			if g.Rows > 0 {
				require.Equal(t, byName[g.Name], g)
			}
		}
		require.Equal(t, n-immature, rows, "every matured row is in one vintage")
	})
}

func day(text string) float64 {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return dataset.Day(at)
}

// Wanted by the calendar.
func TestVintages(t *testing.T) {
	t.Parallel()
	days := []float64{day("2027-01-03"), day("2026-02-28"), day("2026-03-01"), math.NaN(), day("2027-01-01"), day("2026-12-31"), day("2027-01-04"), day("1969-12-31")}
	r, err := Realise(Window{Scores: make([]float64, len(days)), Days: days}, Limits{})
	require.NoError(t, err)
	var names []string
	rows := 0
	for _, g := range r.Vintages {
		names = append(names, g.Name)
		rows += g.Immature
		require.Contains(t, g.Note, "not enough data: 0 matured rows, at least 100 are needed")
	}
	require.Equal(t, len(days), rows)
	require.Equal(t, []string{"1969-12", "2026-02", "2026-03", "2026-12", "2027-01", "no day"}, names)
}

// Values of too few matured rows are one group together, as are those after the first twenty.
func TestSegmentsOfFewRowsAreMerged(t *testing.T) {
	t.Parallel()
	w := Window{Segments: []Segment{{Column: "institution"}, {Column: "empty"}}}
	add := func(value string, label float64) {
		w.Labels, w.Scores = append(w.Labels, label), append(w.Scores, 0.5)
		w.Segments[0].Values = append(w.Segments[0].Values, value)
		w.Segments[1].Values = append(w.Segments[1].Values, "")
	}
	for i := range 25 {
		for j := range 4 {
			add(fmt.Sprintf("v%02d", i), float64(j%2))
		}
	}
	for range 9 {
		add("young", math.NaN()) // many rows, none matured
	}
	add("rare", 1)
	r, err := Realise(w, few)
	require.NoError(t, err)
	require.Len(t, r.Segments, 2)
	groups := r.Segments[0].Groups
	require.Len(t, groups, 21)
	require.Equal(t, "v00", groups[0].Name)
	rest := groups[20]
	require.Equal(t, []any{"", 7, 21, 9}, []any{rest.Name, rest.Merged, rest.Rows, rest.Immature})
	require.Len(t, r.Segments[1].Groups, 1)
	require.Equal(t, 101, r.Segments[1].Groups[0].Rows)
	require.Empty(t, r.Vintages, "no days, no vintages")
}

func TestTooFewRowsAreAResult(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rows, positive int
		limits         Limits
		says           string
	}{
		{99, 50, Limits{}, "not enough data: 99 matured rows, at least 100 are needed"},
		{100, 9, Limits{}, "not enough data: 9 of 100 matured rows are positive, at least 10 of each class are needed"},
		{100, 91, Limits{}, "not enough data: 91 of 100 matured rows are positive"},
		{100, 100, Limits{}, "not enough data"},
		{100, 10, Limits{}, ""},
		{4, 1, Limits{Rows: 1, Class: 1}, "at least 2 of each class"},
		{1, 0, Limits{}, "1 matured row,"},
	} {
		y := make([]float64, test.rows)
		for i := range test.positive {
			y[i] = 1
		}
		r, err := Realise(Window{Scores: slices.Repeat([]float64{0.5}, test.rows), Labels: y}, test.limits)
		require.NoError(t, err)
		require.Contains(t, r.Overall.Note, test.says)
		require.Equal(t, test.says == "", r.Overall.Metrics != nil && r.Overall.Calibration != nil, "%+v", test)
	}
}

func TestWindowsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, w := range []Window{
		{Scores: []float64{0.5}, Labels: []float64{1, 0}},
		{Scores: []float64{1.5}}, {Scores: []float64{math.NaN()}},
		{Scores: []float64{0.5}, Labels: []float64{2}},
		{Scores: []float64{0.5}, Days: []float64{1, 2}},
		{Scores: []float64{0.5}, Segments: []Segment{{Column: "a"}}},
	} {
		_, err := Realise(w, Limits{})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%+v", w)
	}
}
