package predictor

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// cleaning is a predictor of a model whose fields are cleaned, and of every type.
func cleaning(t *testing.T) http.Handler {
	columns := func(name string) []string { return []string{name} }
	m := &model.Model{
		Name: "cleaned",
		Contract: request.Contract{Fields: []request.Field{
			{Name: "amount", Type: pipeline.Decimal, Min: bound(1), Clean: []pipeline.CleanStep{{Amount: &pipeline.Amount{Columns: columns("amount"), Currency: "$"}}}},
			{Name: "home", Type: pipeline.Category, Nullable: true, Domain: []string{"own", "rent"}, Clean: []pipeline.CleanStep{
				{Trim: &pipeline.Trim{Columns: columns("home")}}, {Map: &pipeline.Map{Columns: columns("home"), Values: map[string]string{"house": "own"}}},
			}},
			{Name: "trades", Type: pipeline.Integer, Nullable: true, Min: bound(0), Clean: []pipeline.CleanStep{
				{Missing: &pipeline.Codes{Columns: columns("trades"), Codes: []string{"-9"}, Reason: "no record"}},
			}},
			{Name: "term", Type: pipeline.Integer, Min: bound(6), Max: bound(360), Unit: "months"},
			{Name: "urban", Type: pipeline.Boolean},
			{Name: "rate", Type: pipeline.Decimal, Nullable: true},
		}},
		Encoder:   transform.Encoder{Fields: []transform.Field{{Name: "amount", Type: pipeline.Decimal}, {Name: "urban", Type: pipeline.Boolean}}, Scales: []transform.Scale{{SD: 1000}, {SD: 1}}},
		Intercept: -1, Coefficients: []float64{1, 1}, Background: []float64{0, 0},
	}
	data, err := m.Encode()
	require.NoError(t, err)
	cfg := bundle(t)
	cfg.Bundle, cfg.Digest = filepath.Join(t.TempDir(), "model.bundle"), model.Digest(data)
	require.NoError(t, os.WriteFile(cfg.Bundle, data, 0o600))
	return handler(t, cfg)
}

// However an application is written, it is the same one: z = -1 + 1234.5/1000 + 1, p = 1/(1+exp(-z)).
func TestDecideCleans(t *testing.T) {
	h := cleaning(t)
	var identities []string
	for _, body := range []string{
		`{"amount": 1234.5, "home": "own", "trades": null, "term": 36, "urban": true}`,
		`{"amount": "$1,234.50", "home": " house ", "trades": -9, "term": 36.0, "urban": true, "rate": null}`,
	} {
		answer := post(h, "/v1/decisions", body)
		require.Equal(t, 200, answer.Code, answer.Body)
		var d Decision
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &d))
		require.InDelta(t, 0.7746052089114484, d.Probability, 1e-12)
		identities = append(identities, answer.Header().Get("LoanOps-Application"))
	}
	require.Equal(t, identities[0], identities[1])
}

// What the document says of raw values is what the server does, but where cleaning decides: there a schema takes every text.
func TestTheDocumentSaysWhatIsTakenBeforeCleaning(t *testing.T) {
	h := cleaning(t)
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	document, err := openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	properties := document.Components.Schemas["Application"].Value.Properties
	for name, want := range map[string]string{
		"amount": "cleaned before it is looked at, and then a number of at most 4 decimal places, of at least 1; it may be an amount such as $1,234.50",
		"home":   `cleaned before it is looked at, and then one of own, rent; white space around it is removed; "house" becomes "own"`,
		"trades": "cleaned before it is looked at, and then a whole number of at least 0; -9 means that it is missing (no record)",
		"term":   "in months", "urban": "", "rate": "at most 4 decimal places",
	} {
		require.Equal(t, want, properties[name].Value.Description, name)
	}
	router, err := gorillamux.NewRouter(document)
	require.NoError(t, err)
	good := map[string]string{"amount": "5", "home": `"own"`, "trades": "1", "term": "36", "urban": "true", "rate": "0.5"}
	for _, test := range []struct {
		field, raw     string
		schema, server bool
	}{
		{"amount", `"$5"`, true, true}, {"amount", "0", true, false}, {"amount", "true", false, false}, {"amount", "null", false, false},
		{"home", `" house "`, true, true}, {"home", "null", true, true}, {"home", `""`, true, true}, {"home", "1", false, false}, {"home", `"boat"`, true, false},
		{"trades", "-9", true, true}, {"trades", "null", true, true}, {"trades", "-8", true, false}, {"trades", `"-9"`, false, false}, {"trades", "1.5", false, false},
		{"term", "36", true, true}, {"term", "5", false, false}, {"term", "36.5", false, false}, {"term", `"36"`, false, false},
		{"urban", "false", true, true}, {"urban", `"yes"`, false, false}, {"urban", "1", false, false}, {"urban", "null", false, false},
		{"rate", "0.1234", true, true}, {"rate", "0.12345", true, false}, {"rate", "null", true, true}, {"rate", `"0.5"`, false, false},
	} {
		var members []string
		for name, raw := range good {
			if name == test.field {
				raw = test.raw
			}
			members = append(members, `"`+name+`": `+raw)
		}
		body := "{" + strings.Join(members, ", ") + "}"
		asked := httptest.NewRequest(http.MethodPost, "/v1/decisions", strings.NewReader(body))
		asked.Header.Set("Content-Type", "application/json")
		route, parameters, err := router.FindRoute(asked)
		require.NoError(t, err)
		err = openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
			Request: asked, Route: route, PathParams: parameters, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		})
		require.Equal(t, test.schema, err == nil, "%s: %s: %v", test.field, test.raw, err)
		require.Equal(t, test.server, post(h, "/v1/decisions", body).Code == 200, "%s: %s", test.field, test.raw)
	}
}
