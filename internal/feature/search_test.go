package feature_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
)

func references(found []feature.Found) []string {
	names := []string{}
	for _, f := range found {
		names = append(names, f.Reference)
	}
	return names
}

// The order is that of where a word stands: the whole name, in a name, a tag, what people are told, the view or entity.
func TestSearch(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	c := r.catalogue()
	for text, want := range map[string][]string{
		"bureau":                {"bureau", "bureau:bureau_score", "bureau:segment", "bureau:worst_score_90d"},
		"score":                 {"bureau:bureau_score", "bureau:worst_score_90d"},
		"bureau score":          {"bureau:bureau_score", "bureau:worst_score_90d"},
		"SCORE too low":         {"bureau:bureau_score"}, // its reason
		"points":                {"bureau:bureau_score"}, // its unit
		"person":                {"applicant"},           // its tag
		"risk-data":             {"applicant", "credit"}, // its owner
		"late":                  {"payments:late_90d"},
		"payments:late_90d":     {"payments:late_90d"},
		"income":                {"payment_to_income", "strain_per_income"},
		"boolean":               {},
		"credit nothing":        {},
		"applicant late_90d":    {"payments:late_90d"},
		"what the credit burea": {"bureau"},
	} {
		require.Equal(t, want, references(c.Search(text)), text)
	}
	require.Empty(t, c.Search(" "))
}

func TestListHasWhatCanBeUsed(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(bureau, false)
	r.apply(with("max: 850", "max: 900"), true)
	r.apply("entities: [{name: card, keys: [card_id]}]", true)
	plan, err := r.catalogue().Retire("payment_to_income", "")
	require.NoError(t, err)
	r.add(plan)
	list := r.catalogue().List()
	require.Equal(t, []string{
		"applicant", "card", "both", "both:strain", "bureau", "bureau:bureau_score", "bureau:segment", "bureau:worst_score_90d",
		"payments", "payments:late_90d", "payments:paid_30d", "payments:mean_paid_30d", "payments:payments_365d", "payments:last_amount",
		"visits", "visits:channel", "strain_per_income", "credit",
	}, references(list))
	require.Equal(t, feature.Staged, list[1].Stage)
	require.Equal(t, 1, list[4].Version, "bureau means its first version")
	require.Equal(t, "integer", list[9].Type, "a sum of booleans")
	require.Equal(t, "applicant", list[9].Entity)
}

// Who would notice a change is told of by what they name; a name that a service has as a whole is a name of every feature of it.
func TestNaming(t *testing.T) {
	t.Parallel()
	r := &register{t: t}
	r.apply(`entities: [{name: applicant, keys: [applicant_id]}, {name: alone, keys: [k]}]
views:
  - {name: bureau, entity: applicant, events: true, features: [{name: score, type: integer}, {name: debt, type: number}]}
  - {name: both, entity: applicant, sql: {dialect: duckdb, from: [bureau], query: SELECT 1}, features: [{name: one, type: integer}]}
expressions:
  - {name: strain, expression: debt / income, features: [bureau:debt], type: number}
  - {name: bureau_less, expression: income * 2, type: number}
services:
  - {name: all, features: [bureau, strain]}
  - {name: scores, features: [bureau:score, "both@1:one"]}
  - {name: older, features: [both]}
`, false)
	plan, err := r.catalogue().Retire("older", "")
	require.NoError(t, err)
	r.add(plan)
	c := r.catalogue()
	for _, test := range []struct {
		kind       feature.Kind
		name, only string
		want       []string
	}{
		{feature.KindEntity, "applicant", "", []string{"view both@1", "view bureau@1"}},
		{feature.KindEntity, "alone", "", []string{}},
		{feature.KindView, "bureau", "", []string{"view both@1", "expression strain@1", "service all@1", "service scores@1"}},
		{feature.KindView, "bureau", "score", []string{"view both@1", "service all@1", "service scores@1"}},
		{feature.KindView, "bureau", "debt", []string{"view both@1", "expression strain@1", "service all@1"}},
		{feature.KindView, "both", "", []string{"service scores@1"}},
		{feature.KindExpression, "strain", "", []string{"service all@1"}},
		{feature.KindExpression, "bureau_less", "", []string{}},
		{feature.KindService, "all", "", []string{}},
	} {
		require.Equal(t, test.want, c.Naming(test.kind, test.name, test.only), "%s %s:%s", test.kind, test.name, test.only)
	}
	v, err := c.View("bureau")
	require.NoError(t, err)
	require.Equal(t, "debt", v.View.Feature("debt").Name)
	require.Nil(t, v.View.Feature("none"))
}
