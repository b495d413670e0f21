package profile_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// overTime is the profile of a column over days.
func overTime(days []float64, c dataset.Column) profile.Profile {
	t := dataset.Table{Columns: []dataset.Column{{Name: "day", Kind: dataset.Date, Floats: days}, c}}
	return profile.Of(t, profile.About{Role: hidden, Time: "day"}).Profile("x")
}

func day(year, month, day int) float64 {
	return dataset.Day(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC))
}

// By hand: 300 rows in January of which 30 are b, 300 in February of which 150 are; all 600 hold 180 b. Half a row is added to every bin.
func TestStabilityIndex(t *testing.T) {
	t.Parallel()
	var days []float64
	c := dataset.Column{Name: "text", Kind: dataset.Text}
	for i := range 600 {
		month, text := 1+i/300, "a"
		if month == 1 && i%10 == 0 || month == 2 && i%2 == 0 {
			text = "b"
		}
		days, c.Texts, c.Valid = append(days, day(2026, month, 1+i%28)), append(c.Texts, text), append(c.Valid, true)
	}
	p := overTime(days, c)
	require.Equal(t, []profile.Period{{Name: "2026-01", Rows: 300}, {Name: "2026-02", Rows: 300}}, p.Periods)
	got := p.Columns[0].Stability
	a, b := 420.5/601, 180.5/601
	want := (270.5/301-a)*math.Log(270.5/301/a) + (30.5/301-b)*math.Log(30.5/301/b)
	require.InDelta(t, want, got.Periods[0].PSI, 1e-12)
	require.InDelta(t, (150.5/301-a)*math.Log(150.5/301/a)+(150.5/301-b)*math.Log(150.5/301/b), got.Periods[1].PSI, 1e-12)
	require.InDelta(t, want, *got.PSI, 1e-12)
	require.Equal(t, "2026-01", got.Worst)
	require.Equal(t, []string{"a", "b"}, got.Levels)
	require.InDeltaSlice(t, []float64{0.5, 0.5}, got.Periods[1].Shares, 1e-12)
}

// By hand: missing values are a bin. Of 200 rows each, a column has 100, 60 and 40 a, b and missing in January, 100, 100 and none in February.
func TestMissingValuesAreUnstable(t *testing.T) {
	t.Parallel()
	var days []float64
	c := dataset.Column{Name: "text", Kind: dataset.Text}
	for i := range 400 {
		text := "a"
		if i%200 >= 100 {
			text = "b"
		}
		days, c.Texts, c.Valid = append(days, day(2026, 1+i/200, 1)), append(c.Texts, text), append(c.Valid, i < 160 || i >= 200)
	}
	got := overTime(days, c).Columns[0].Stability
	want := 0.0
	for _, share := range [][2]float64{{100.5 / 201.5, 200.5 / 401.5}, {60.5 / 201.5, 160.5 / 401.5}, {40.5 / 201.5, 40.5 / 401.5}} {
		want += (share[0] - share[1]) * math.Log(share[0]/share[1])
	}
	require.InDelta(t, want, got.Periods[0].PSI, 1e-12)
}

// Means and missing values by period, by hand. A period of few rows decides nothing.
func TestMeansByPeriod(t *testing.T) {
	t.Parallel()
	p := overTime([]float64{day(2026, 1, 31), day(2026, 1, 1), day(2026, 2, 1), day(2026, 2, 2), day(2026, 2, 28)},
		dataset.Column{Name: "n", Floats: []float64{1, 3, 10, math.NaN(), 30}})
	got := p.Columns[0].Stability
	require.Nil(t, got.PSI)
	require.Equal(t, []float64{2, 20}, []float64{*got.Periods[0].Mean, *got.Periods[1].Mean})
	require.InDelta(t, 1.0/3, got.Periods[1].Missing, 1e-15)
}

// Nobody follows a text of very few rows.
func TestRareTextsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var days []float64
	c := dataset.Column{Name: "text", Kind: dataset.Text}
	for i := range 40 {
		text := "own"
		if i < 4 {
			text = "Ann"
		}
		days, c.Texts, c.Valid = append(days, day(2026, 1+i%2, 1)), append(c.Texts, text), append(c.Valid, true)
	}
	require.Equal(t, []string{"own"}, overTime(days, c).Columns[0].Stability.Levels)
}

// A shift of all numbers is seen, the same numbers again are not.
func TestAShiftIsUnstable(t *testing.T) {
	t.Parallel()
	var days, same, shifted []float64
	for i := range 3000 {
		days = append(days, day(2026, 1+i/500, 1))
		same = append(same, float64(500+i*37%300))
		shifted = append(shifted, same[i]+float64(60*(i/500)))
	}
	require.Less(t, *overTime(days, dataset.Column{Name: "n", Floats: same}).Columns[0].Stability.PSI, 0.02)
	got := overTime(days, dataset.Column{Name: "n", Floats: shifted})
	require.Greater(t, *got.Columns[0].Stability.PSI, 0.25)
	require.Equal(t, "unstable", got.Observations[0].Rule)
}

// Months become quarters, years, five years and ten years when they are more than 24; one wrong date coarsens nothing.
func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		months      int
		first, last string
		periods     int
	}{{24, "1999-01", "2000-12", 24}, {25, "1999 Q1", "2001 Q1", 9}, {72, "1999 Q1", "2004 Q4", 24}, {73, "1999", "2005", 7}, {300, "1995–1999", "2020–2024", 6}, {2000, "1990–1999", "2160–2169", 18}} {
		var days []float64
		for i := range of.months {
			days = append(days, day(1999, 1+i, 15))
		}
		if of.months == 300 { // 25 years are too many
			require.Equal(t, day(2023, 12, 15), days[299])
		}
		p := overTime(days, dataset.Column{Name: "n", Floats: make([]float64, of.months)}).Periods
		require.Equal(t, []any{of.first, of.last, of.periods}, []any{p[0].Name, p[len(p)-1].Name, len(p)}, "%d months", of.months)
	}
	p := overTime([]float64{day(1800, 1, 1), day(2026, 3, 31), day(2026, 4, 1), math.NaN()}, dataset.Column{Name: "n", Floats: make([]float64, 4)}).Periods
	require.Equal(t, []string{"1800-01", "2026-03", "2026-04"}, []string{p[0].Name, p[1].Name, p[2].Name})
	require.Len(t, p, 3, "a row without a day is in no period")
}

func TestNoTimeNoStability(t *testing.T) {
	t.Parallel()
	p := of(table([]float64{1, 2, 3})).Profile("x")
	require.Empty(t, p.Periods)
	require.Nil(t, p.Columns[0].Stability)
}
