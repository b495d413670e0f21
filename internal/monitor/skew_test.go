package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted by hand.
func TestSkewIsFound(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	same := []FeatureSkew{{"late_30d", 0}, {"late_90d", 0}}
	for _, test := range []struct {
		name string
		view ViewSkew
		want []Finding
	}{
		{"the same", ViewSkew{Until: &until, Age: 3600, Promised: 86400, Entities: 900, Features: same}, nil},
		{"nothing promised", ViewSkew{Until: &until, Age: 1e9, Entities: 900, Features: same}, nil},
		{"as old as promised", ViewSkew{Until: &until, Age: 86400, Promised: 86400, Features: same}, nil},
		{"being written", ViewSkew{Until: &until, Age: 3600, Promised: 86400, Writing: true}, nil},
		{"never written", ViewSkew{Promised: 86400}, []Finding{{
			Kind: OfSkew, Feature: "payments@2", Statistic: "not_materialized",
			Message: "nothing of payments@2 is in the online store, so that decisions are made with defaults where the champion has learned from values: loanops features materialize payments@2",
		}}},
		{"older than promised, and another value", ViewSkew{Until: &until, Age: 90000, Promised: 86400, Entities: 800, Features: []FeatureSkew{{"late_30d", 0}, {"late_90d", 2}}}, []Finding{
			{Kind: OfSkew, Feature: "payments@2", Statistic: "age", Value: 90000, Limit: 86400, Message: "what decisions read of payments@2 was known 25h0m0s ago, and its freshness promises 24h0m0s: loanops features materialize payments@2"},
			{Kind: OfSkew, Feature: "payments@2:late_90d", Statistic: "skew", Value: 0.0025, Rows: 800, Message: "payments@2:late_90d: decisions read another value than trainings for 2 of 800 entities at the same moment; loanops features materialize payments@2 --anew writes the online store again"},
		}},
	} {
		test.view.View = "payments@2"
		skew := Skew{Views: []ViewSkew{test.view}}
		require.Equal(t, test.want, skew.Find(), test.name)
	}
}

func TestPeopleAreToldOfSkew(t *testing.T) {
	t.Parallel()
	on := every(pipeline.ReactNothing)
	found := []Finding{{Kind: OfSkew, Feature: "payments@2"}}
	require.Equal(t, Nothing, Decide(on, Evidence{Champion: 1, Rows: 500, MinRows: 500, Findings: found}).Verdict)
	on.Skew = pipeline.ReactAlert
	decided := Decide(on, Evidence{Champion: 1, Rows: 500, MinRows: 500, Findings: found})
	require.Equal(t, Alert, decided.Verdict)
	require.Equal(t, []string{"skew payments@2"}, decided.About)
}
