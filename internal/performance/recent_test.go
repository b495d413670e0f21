package performance

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// months are n rows of each month of 2025, whose scores have so much noise.
func months(n int, noise ...float64) (w Window) {
	for m, sd := range noise {
		y, logOdds, _ := sample(uint64(40+m), n, -1)
		w.Labels, w.Scores = append(w.Labels, y...), append(w.Scores, scored(uint64(70+m), logOdds, sd, 1)...)
		for range n {
			w.Days = append(w.Days, dayOf("2025-01-15")+math.Floor(30.4*float64(m)))
		}
	}
	return w
}

func judgedBy(n int) Reference {
	y, logOdds, _ := sample(7, n, -1)
	return Reference{Labels: y, Scores: scored(8, logOdds, 0.2, 1)}
}

const (
	calm = 0.2
	bad  = 1.3
)

// What began in the last two of ten months is found where it began; the whole alone does not show it. Wanted by hand: the months.
func TestFreshDecayIsFoundWhereItBegan(t *testing.T) {
	t.Parallel()
	reference := judgedBy(3000)
	fresh := months(400, calm, calm, calm, calm, calm, calm, calm, calm, bad, bad)
	tolerance := Tolerance{AUC: 0.02, Calibration: 0.06}
	undated := fresh
	undated.Days = nil
	whole, err := Changed(reference, undated, tolerance, Limits{})
	require.NoError(t, err)
	require.Empty(t, whole.Recent)
	require.Nil(t, whole.Decisive())
	change, err := Changed(reference, fresh, tolerance, Limits{})
	require.NoError(t, err)
	require.True(t, change.Decayed)
	require.Less(t, 1e3*change.P, whole.P, "averaged away")
	require.Equal(t, "2025-09", change.Since)
	require.Equal(t, []any{800, 2, "2025-09"}, []any{change.Decisive().Rows, change.Decisive().Vintages, change.Decisive().Since})
	require.Contains(t, change.Note, "beside what such scores should show: auc -0.")
	require.True(t, change.Decisive().Holds(dayOf("2025-09-01")))
	require.False(t, change.Decisive().Holds(dayOf("2025-08-31")))
	require.False(t, change.Decisive().Holds(math.NaN()))
	var since []string
	for _, r := range change.Recent {
		since = append(since, r.Since)
	}
	require.Equal(t, []string{"2025-10", "2025-09", "2025-08", "2025-07", "2025-05", "2025-03"}, since)
	require.InDelta(t, min(1, 12*change.Decisive().P), change.P, 1e-15, "half of the level for six of them")
	require.Equal(t, whole.Differences, change.Differences)

	calmed, err := Changed(reference, months(400, bad, bad, calm, calm, calm, calm, calm, calm, calm, calm), tolerance, Limits{})
	require.NoError(t, err)
	require.Empty(t, calmed.Since, "what is over")
	ever, err := Changed(reference, months(400, bad, bad, bad, bad), tolerance, Limits{})
	require.NoError(t, err)
	require.True(t, ever.Decayed)
	require.Empty(t, ever.Since, "the whole says it best")
}

// Applicants who are more alike have a lower AUC, and what became of them is what their scores foretold: a month of them is no decay, however many they are.
func TestApplicantsWhoAreAlikeAreNoDecay(t *testing.T) {
	t.Parallel()
	y, _, p := sample(1, 4000, -1)
	w := Window{}
	for m := range 4 {
		labels, _, scores := sample(uint64(10+m), 12_000, -1)
		for i := range labels {
			if z := logit(scores[i]); m == 3 && math.Abs(z+1) > 1 {
				continue
			}
			w.Labels, w.Scores, w.Days = append(w.Labels, labels[i]), append(w.Scores, scores[i]), append(w.Days, dayOf("2025-01-15")+31*float64(m))
		}
	}
	change, err := Changed(Reference{Labels: y, Scores: p}, w, Tolerance{AUC: 0.01, Calibration: 0.06}, Limits{})
	require.NoError(t, err)
	last := change.Recent[0]
	require.Less(t, last.Differences["auc"].Upper, -0.05, "the AUC itself is lower")
	require.Greater(t, last.Expected["auc"].Upper, -0.01)
	require.Greater(t, last.P, 0.05)
	require.False(t, change.Decayed)
}

// Vintages of too few rows are looked at together with those before them; rows without a day, and immature ones, are of no vintage.
func TestRecentVintagesNeedRows(t *testing.T) {
	t.Parallel()
	w := months(60, calm, calm, calm, calm, calm)
	for i := 240; i < 300; i++ {
		w.Labels[i] = math.NaN()
	}
	for i := range 10 {
		w.Days[i] = math.NaN()
	}
	change, err := Changed(judgedBy(500), w, Tolerance{}, Limits{})
	require.NoError(t, err)
	var got []Recent
	for _, r := range change.Recent {
		got = append(got, Recent{Since: r.Since, Vintages: r.Vintages, Rows: r.Rows})
	}
	require.Equal(t, []Recent{{Since: "2025-03", Vintages: 2, Rows: 120}, {Since: "2025-02", Vintages: 3, Rows: 180}}, got)
	one, err := Changed(judgedBy(500), months(200, calm), Tolerance{}, Limits{})
	require.NoError(t, err)
	require.Empty(t, one.Recent, "the newest of one is the whole")
}

// For a change of any age there is a number of vintages that loses at most a seventh of the evidence. Wanted by hand: the numbers.
func TestVintagesBack(t *testing.T) {
	t.Parallel()
	require.Empty(t, vintagesBack(0))
	require.Empty(t, vintagesBack(1))
	require.Equal(t, []int{1}, vintagesBack(2))
	require.Equal(t, []int{1, 2, 3, 4, 6, 8}, vintagesBack(12))
	require.Equal(t, []int{1, 2, 3, 4, 6, 8, 12}, vintagesBack(13))
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(3, 500).Draw(t, "vintages")
		age := rapid.IntRange(1, (k-1)*3/4).Draw(t, "age")
		best := 0.0
		for _, n := range vintagesBack(k) {
			best = math.Max(best, math.Min(float64(n), float64(age))/math.Sqrt(float64(n*age)))
		}
		require.Greater(t, best, 0.86, "%d of %d", age, k) // the square root of 3/4
	})
}

// The same rows give the same to the bit.
func TestRecentIsDeterministic(t *testing.T) {
	t.Parallel()
	w := months(150, calm, bad, calm)
	first, err := Changed(judgedBy(400), w, Tolerance{}, Limits{})
	require.NoError(t, err)
	again, err := Changed(judgedBy(400), w, Tolerance{}, Limits{})
	require.NoError(t, err)
	require.Equal(t, first, again)
}
