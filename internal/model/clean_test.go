package model

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
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

// A golden row is read back as the values that were scored.
func TestGoldenRowsHaveValuesOfEveryType(t *testing.T) {
	signature := []transform.Field{{Name: "home", Type: pipeline.Category}, {Name: "open", Type: pipeline.Boolean}, {Name: "urban", Type: pipeline.Boolean}, {Name: "term", Type: pipeline.Integer}, {Name: "age", Type: pipeline.Number}}
	var row GoldenRow
	require.NoError(t, json.Unmarshal([]byte(`{"application": {"home": "own", "open": true, "urban": false, "term": 36, "age": null}}`), &row))
	values, err := row.Values(signature)
	require.NoError(t, err)
	require.Equal(t, []transform.Value{{Text: "own"}, {Number: 1}, {}, {Number: 36}, {Missing: true}}, values)
	for i, wrong := range []any{1.0, 1.0, "yes", true} {
		_, err := GoldenRow{Application: map[string]any{signature[i].Name: wrong}}.Values(signature[i : i+1])
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
}
