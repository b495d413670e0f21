package simulate_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

func cardConfig() pipeline.Simulate {
	cfg := config
	cfg.Product = pipeline.Card
	return cfg
}

// Cards have outcomes as loans have: of approved applications, not before they can be known; and a later day only adds.
func TestCardsEndAsLoansDo(t *testing.T) {
	t.Parallel()
	flat := simulate.Flat(cardConfig(), time.Time{})
	require.Equal(t, 6000, flat.Rows())
	var approvals, labels, defaults float64
	types := map[string]bool{}
	for i := range flat.Rows() {
		require.True(t, strings.HasPrefix(flat.Column(simulate.Entity).Texts[i], "C"))
		types[flat.Column("institution_type").Texts[i]] = true
		approved := flat.Column("approved").Texts[i] == "yes"
		if approved {
			approvals++
		}
		if flat.Column(simulate.Label).Missing(i) {
			continue
		}
		labels++
		require.True(t, approved)
		known := flat.Column("outcome_date").Floats[i]
		require.LessOrEqual(t, known, dataset.Day(config.To.Time))
		wait := known - flat.Column("application_date").Floats[i]
		if flat.Column(simulate.Label).Texts[i] == "1" {
			defaults++
			require.GreaterOrEqual(t, wait, 30.0)
			require.Less(t, wait, float64(simulate.MaturityDays))
		} else {
			require.InDelta(t, simulate.MaturityDays, wait, 0)
		}
	}
	require.Len(t, types, 8)
	require.InDelta(t, 0.86, approvals/6000, 0.05)
	require.InDelta(t, 0.17, defaults/labels, 0.04)
	require.Less(t, labels, approvals)
	for column, most := range map[string]float64{"annual_income": 0.08, "housing_cost_to_income": 0.08, "card_utilisation": 0.05} {
		_, missing := mean(t, flat, column)
		require.Greater(t, missing, 0.01, column)
		require.Less(t, missing, most, column)
	}
	income, _ := mean(t, flat, "annual_income")
	limit, _ := mean(t, flat, "requested_limit")
	require.InDelta(t, 0.12, limit/income, 0.04)

	early := simulate.Flat(cardConfig(), day("2025-06-30").Time)
	label, then := early.Column(simulate.Label), flat.Column(simulate.Label)
	known := 0
	for i := range early.Rows() {
		require.Equal(t, early.Column(simulate.Applicant).Texts[i], flat.Column(simulate.Applicant).Texts[i])
		require.True(t, early.Column("application_date").Floats[i] <= dataset.Day(day("2025-06-30").Time))
		if !label.Missing(i) {
			known++
			require.Equal(t, label.Texts[i], then.Texts[i])
		}
	}
	require.Positive(t, known)
	require.Less(t, float64(known), labels)
	require.False(t, math.IsNaN(income))
}
