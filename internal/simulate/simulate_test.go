package simulate_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

func day(text string) pipeline.Date {
	t, err := time.Parse(pipeline.DateLayout, text)
	if err != nil {
		panic(err)
	}
	return pipeline.Date{Time: t}
}

var config = pipeline.Simulate{Rows: 6000, Seed: 7, From: day("2024-01-01"), To: day("2026-06-30")}

func TestSameSeedSameBytes(t *testing.T) {
	first, err := encoded(simulate.Flat(config, time.Time{}))
	require.NoError(t, err)
	second, err := encoded(simulate.Flat(config, time.Time{}))
	require.NoError(t, err)
	require.Equal(t, first, second)
	other := config
	other.Seed = 8
	third, err := encoded(simulate.Flat(other, time.Time{}))
	require.NoError(t, err)
	require.NotEqual(t, first, third)
}

// What was known earlier is a prefix of what is known later, apart from outcomes, which are added by the day they are known.
func TestALaterDayOnlyAdds(t *testing.T) {
	early, earlyOutcomes, _ := simulate.Generate(config, day("2025-06-30").Time)
	late, lateOutcomes, _ := simulate.Generate(config, time.Time{})
	require.Less(t, early.Rows(), late.Rows())
	require.Less(t, earlyOutcomes.Rows(), lateOutcomes.Rows())
	rows := make([]int, early.Rows())
	for i := range rows {
		rows[i] = i
	}
	earlyBytes, err := encoded(early)
	require.NoError(t, err)
	prefixBytes, err := encoded(late.Select(rows))
	require.NoError(t, err)
	require.Equal(t, earlyBytes, prefixBytes)
	later := map[string]string{}
	for i, id := range lateOutcomes.Column(simulate.Entity).Texts {
		later[id] = lateOutcomes.Column(simulate.Label).Texts[i]
	}
	for i, id := range earlyOutcomes.Column(simulate.Entity).Texts {
		require.Equal(t, earlyOutcomes.Column(simulate.Label).Texts[i], later[id])
	}
}

// Outcomes are selective and late: only approved applications have one, never before it could be known.
func TestOutcomesAreSelectiveAndLate(t *testing.T) {
	flat := simulate.Flat(config, time.Time{})
	label, approved := flat.Column(simulate.Label), flat.Column("approved")
	applied, known := flat.Column("application_date"), flat.Column("outcome_date")
	var defaults, labels, approvals float64
	for i := range flat.Rows() {
		if approved.Texts[i] == "yes" {
			approvals++
		}
		if label.Missing(i) {
			continue
		}
		labels++
		require.Equal(t, "yes", approved.Texts[i])
		require.LessOrEqual(t, known.Floats[i], dataset.Day(config.To.Time))
		wait := known.Floats[i] - applied.Floats[i]
		if label.Texts[i] == "1" {
			defaults++
			require.Less(t, wait, float64(simulate.MaturityDays))
		} else {
			require.InDelta(t, simulate.MaturityDays, wait, 0)
		}
	}
	require.InDelta(t, 0.75, approvals/float64(flat.Rows()), 0.12, "share approved by the legacy policy")
	require.InDelta(t, 0.15, defaults/labels, 0.08, "share of defaults")
	require.Less(t, labels, approvals, "the youngest loans have no outcome yet")
}

func TestPopulationIsPlausible(t *testing.T) {
	flat := simulate.Flat(config, time.Time{})
	types := map[string]int{}
	for _, value := range flat.Column("institution_type").Texts {
		types[value]++
	}
	require.Len(t, types, 8)
	for _, column := range []string{"annual_income", "employment_years", "debt_to_income", "utilisation"} {
		missing := 0
		for _, value := range flat.Column(column).Floats {
			if math.IsNaN(value) {
				missing++
			}
		}
		share := float64(missing) / float64(flat.Rows())
		require.Greater(t, share, 0.01, column)
		require.Less(t, share, 0.12, column)
	}
}

func encoded(t dataset.Table) ([]byte, error) {
	var out bytes.Buffer
	err := dataset.WriteParquet(&out, t)
	return out.Bytes(), err
}
