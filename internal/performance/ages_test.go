package performance

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

func dayOf(text string) float64 {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return float64(at.Unix() / (24 * 3600))
}

// rows are n a month on its 15th from January 2025 on; every fourth is positive, and the scores are right on three of four.
func monthly(n, months int) (labels, days, scores []float64) {
	for m := range months {
		for i := range n {
			labels = append(labels, float64((i%4)/3))
			days = append(days, dayOf(time.Date(2025, time.Month(1+m), 15, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)))
			scores = append(scores, float64(1+(i*7)%11)/12)
		}
	}
	return labels, days, scores
}

// A model is measured on whole vintages that began after all that it has seen, and its age counts from what it was fitted to.
func TestAgesCountFromTheTraining(t *testing.T) {
	t.Parallel()
	labels, days, scores := monthly(200, 6)
	old := Aged{"old", dayOf("2024-11-30"), dayOf("2024-12-31"), scores}
	young := Aged{"young", dayOf("2025-02-28"), dayOf("2025-03-01"), scores}
	points, months, err := Ages([]Aged{old, young}, labels, days, Limits{})
	require.NoError(t, err)
	require.Equal(t, 1, months)
	var of []string
	for _, p := range points {
		of = append(of, p.Model+" "+p.Vintage)
		require.Equal(t, 200, p.Rows)
		require.Positive(t, p.StandardError)
	}
	require.Equal(t, []string{"old 2025-01", "old 2025-02", "old 2025-03", "old 2025-04", "young 2025-04", "old 2025-05", "young 2025-05", "old 2025-06", "young 2025-06"}, of,
		"March had begun when the young one had seen its first")
	require.InDelta(t, 46, points[0].AgeDays, 1e-9, "from 30 November to 15 January")
	require.InDelta(t, 46, points[4].AgeDays, 1e-9, "from 28 February to 15 April")
}

// Immature rows are no rows; those that one of the models refuses count for none; who refuses most of a vintage is not measured on it.
func TestAgesAreOfTheSameRows(t *testing.T) {
	t.Parallel()
	labels, days, scores := monthly(200, 2)
	for i := range 20 {
		labels[i] = math.NaN()
	}
	some, most := slices.Clone(scores), slices.Clone(scores)
	for i := range 200 {
		if i >= 150 {
			some[i] = math.NaN()
		}
		if i < 120 {
			most[i] = math.NaN()
		}
	}
	before := dayOf("2024-12-31")
	points, _, err := Ages([]Aged{{"a", before, before, scores}, {"b", before, before, some}, {"c", before, before, most}}, labels, days, Limits{})
	require.NoError(t, err)
	rows := map[string]int{}
	for _, p := range points {
		rows[p.Model+" "+p.Vintage] = p.Rows
	}
	require.Equal(t, map[string]int{"a 2025-01": 130, "b 2025-01": 130, "a 2025-02": 200, "b 2025-02": 200, "c 2025-02": 200}, rows)
}

// Where months hold too few rows vintages are quarters, or years.
func TestVintagesAreAsLongAsTheyMustBe(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]struct {
		months int
		names  []string
	}{100: {1, []string{"2025-02", "2025-03", "2025-04", "2025-05", "2025-06"}}, 40: {3, []string{"2025-Q2"}}, 10: {12, nil}} {
		labels, days, scores := monthly(n, 6)
		seen := dayOf("2025-01-20")
		points, months, err := Ages([]Aged{{"m", seen, seen, scores}}, labels, days, Limits{})
		require.NoError(t, err)
		require.Equal(t, want.months, months, "%d rows a month", n)
		var names []string
		for _, p := range points {
			names = append(names, p.Vintage)
		}
		require.Equal(t, want.names, names)
	}
	require.Equal(t, "2025", periodName(periodOf(dayOf("2025-07-03"), 12), 12))
	_, _, err := Ages([]Aged{{"m", 0, 0, []float64{0.5}}}, nil, nil, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

func TestCutoffs(t *testing.T) {
	t.Parallel()
	var year, years []float64
	for day := dayOf("2025-01-01"); day <= dayOf("2025-12-20"); day++ {
		year = append(year, day)
	}
	for day := dayOf("2020-01-01"); day <= dayOf("2025-12-31"); day++ {
		years = append(years, day, math.NaN())
	}
	written := func(days []float64) (texts []string) {
		for _, day := range days {
			texts = append(texts, dataset.DayOf(day).Format(time.DateOnly))
		}
		return texts
	}
	require.Equal(t, []string{
		"2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30", "2025-07-31", "2025-08-31", "2025-09-30", "2025-10-31", "2025-11-30",
	}, written(Cutoffs(year)), "the first has a tenth of the days before it")
	quarters := written(Cutoffs(years))
	require.Len(t, quarters, 12)
	require.Equal(t, "2020-09-30", quarters[0])
	require.Equal(t, "2025-09-30", quarters[11], "nothing comes after the last day")
	require.Contains(t, quarters, "2022-12-31")
	require.Empty(t, Cutoffs(nil))
	require.Empty(t, Cutoffs([]float64{math.NaN(), 5, 5}))
}
