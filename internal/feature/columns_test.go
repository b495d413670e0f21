package feature_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

const forColumns = `
entities:
  - {name: applicant, keys: [applicant_id]}
views:
  - name: payments
    entity: applicant
    events: true
    columns: [{name: late, type: boolean}, {name: amount, type: decimal, min: 0, max: 100}]
    features:
      - {name: late_90d, aggregate: sum, of: late, over: 90d, default: 0, reason: payments were late, unit: count}
      - {name: largest_90d, aggregate: max, of: amount, over: 90d}
      - {name: paid_90d, aggregate: sum, of: amount, over: 90d}
expressions:
  - {name: paid_to_debt, expression: paid_90d / debt, features: ["payments:paid_90d"], type: number, reason: little was paid}
services:
  - {name: credit, features: ["payments:late_90d", "payments:largest_90d", paid_to_debt]}
`

func catalogueOf(t *testing.T, text string) *feature.Catalogue {
	t.Helper()
	folder, err := feature.Read([]feature.File{{Name: "f.yaml", Data: []byte(text)}}, nil)
	require.NoError(t, err)
	empty, err := feature.NewCatalogue(nil)
	require.NoError(t, err)
	plan, err := empty.Plan(folder.Definitions, false)
	require.NoError(t, err)
	catalogue, err := empty.After(plan)
	require.NoError(t, err)
	return catalogue
}

// What a service comes to in a spec: what is asked for trains, what only an expression reads does not.
func TestColumnsOfASpec(t *testing.T) {
	t.Parallel()
	low, high := 0.0, 100.0
	spec := pipeline.Spec{Columns: []pipeline.Column{{Name: "debt", Type: pipeline.Number}}, Ignore: []string{"customer"}, Features: []string{"credit"},
		FeatureStore: pipeline.FeatureStore{Keys: map[string]string{"applicant_id": "customer"}, Missing: pipeline.DefaultValue}}
	catalogue := catalogueOf(t, forColumns)
	columns, err := catalogue.Columns(spec)
	require.NoError(t, err)
	keys := map[string]string{"applicant_id": "customer"}
	require.Equal(t, []pipeline.Column{
		{Name: "late_90d", Type: pipeline.Integer, Reason: "payments were late", Unit: "count", Feature: "payments@1:late_90d", Keys: keys, Default: "0"},
		{Name: "largest_90d", Type: pipeline.Decimal, Min: &low, Max: &high, MissingMax: 1, Feature: "payments@1:largest_90d", Keys: keys},
		{Name: "paid_90d", Type: pipeline.Decimal, MissingMax: 1, Feature: "payments@1:paid_90d", Keys: keys, Unused: true},
		{Name: "paid_to_debt", Type: pipeline.Number, MissingMax: 1, Reason: "little was paid", Expression: "paid_90d / debt"},
	}, columns)

	spec.FeatureStore.Missing = pipeline.RefuseDecision
	_, err = catalogue.Columns(spec)
	require.ErrorContains(t, err, "payments@1:largest_90d has no default, by which the platform's own requests are decided")
	spec.FeatureStore.Given = true
	columns, err = catalogue.Columns(spec)
	require.NoError(t, err)
	require.Zero(t, columns[1].MissingMax, "a row without it breaks a rule")

	for want, change := range map[string]func(s *pipeline.Spec){
		`the spec has no column "applicant_id"; name it in ignore`:                        func(s *pipeline.Spec) { s.FeatureStore.Keys = nil },
		"late_90d is a column of the spec and a feature of the store; rename one of them": func(s *pipeline.Spec) { s.Ignore = append(s.Ignore, "late_90d") },
		`there is no view or expression or service "score"`:                               func(s *pipeline.Spec) { s.Features = []string{"score"} },
	} {
		other := spec
		other.Ignore = append([]string{}, spec.Ignore...)
		change(&other)
		_, err := catalogue.Columns(other)
		require.Error(t, err, want)
		require.Contains(t, []fault.Code{fault.Invalid, fault.NotFound}, fault.CodeOf(err))
		require.ErrorContains(t, err, want)
	}
}
