package model

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// A bundle brings the cleaning to the predictor, and none that cannot be done.
func TestABundleHoldsTheCleaning(t *testing.T) {
	m := small()
	m.Contract.Fields[0].Clean = []pipeline.CleanStep{
		{Missing: &pipeline.Codes{Columns: []string{"income"}, Codes: []string{"-9"}, Reason: "no record"}},
		{Amount: &pipeline.Amount{Columns: []string{"income"}, Currency: "$"}},
	}
	bundle, err := m.Encode()
	require.NoError(t, err)
	back, err := Decode(bundle, Digest(bundle))
	require.NoError(t, err)
	require.Equal(t, m.Contract, back.Contract)

	m.Contract.Fields[0].Clean[1].Amount.Decimal = ","
	_, err = m.Encode()
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, `column "income": cleaning step 1`)
}

// A feature that a request may hold is a field beside the column that it becomes: of its type, and one that may be left out.
func TestABundleWhoseFeaturesAreGiven(t *testing.T) {
	late := pipeline.Column{Name: "late", Type: pipeline.Integer, Feature: "payments@1:late", Keys: map[string]string{"applicant_id": "customer"}, Default: "2"}
	bundle := func(field request.Field, store pipeline.FeatureStore) error {
		m := &Model{
			Name: "loans", Contract: request.Contract{Fields: []request.Field{field}, Added: []pipeline.Column{late}, Store: store},
			Encoder:   transform.Encoder{Fields: []transform.Field{{Name: "late", Type: pipeline.Integer}}, Scales: []transform.Scale{{SD: 1}}},
			Intercept: 1, Coefficients: []float64{1}, Background: []float64{0},
		}
		data, err := m.Encode()
		if err == nil {
			_, err = Decode(data, Digest(data))
		}
		return err
	}
	given := request.Field{Name: "late", Type: pipeline.Integer, Nullable: true}
	allowed := pipeline.FeatureStore{Given: true, Missing: pipeline.DefaultValue, Stale: pipeline.DefaultValue, DeadlineMillis: 25}
	require.NoError(t, bundle(given, allowed))
	require.ErrorContains(t, bundle(given, pipeline.FeatureStore{DeadlineMillis: 25}), "is there already")
	given.Nullable = false
	require.ErrorContains(t, bundle(given, allowed), "is there already")
	require.ErrorContains(t, bundle(request.Field{Name: "late", Type: pipeline.Number, Nullable: true}, allowed), "is there already")
}

// A golden row is read back as the values that were scored: of what the store would know, the default.
func TestGoldenRowsHaveValuesOfEveryType(t *testing.T) {
	signature := []transform.Field{
		{Name: "home", Type: pipeline.Category}, {Name: "open", Type: pipeline.Boolean}, {Name: "urban", Type: pipeline.Boolean}, {Name: "term", Type: pipeline.Integer},
		{Name: "age", Type: pipeline.Number, Nullable: true}, {Name: "late", Type: pipeline.Integer},
	}
	contract := request.Contract{Added: []pipeline.Column{{Name: "late", Type: pipeline.Integer, Feature: "payments@1:late", Keys: map[string]string{"applicant_id": "customer"}, Default: "2"}}}
	for _, f := range signature[:5] {
		contract.Fields = append(contract.Fields, request.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable})
	}
	reads, err := request.NewApplications(contract, signature)
	require.NoError(t, err)
	var row GoldenRow
	require.NoError(t, json.Unmarshal([]byte(`{"application": {"home": "own", "open": true, "urban": false, "term": 36, "age": null}}`), &row))
	values, err := Asked(reads, row.Application)
	require.NoError(t, err)
	require.Equal(t, []transform.Value{{Text: "own"}, {Number: 1}, {}, {Number: 36}, {Missing: true}, {Number: 2}}, values)
	for field, wrong := range map[string]any{"home": 1.0, "open": 1.0, "urban": "yes", "term": true, "late": 1} {
		application := map[string]any{"home": "own", "open": true, "urban": false, "term": 36, field: wrong}
		_, err := Asked(reads, application)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), field)
	}
}
