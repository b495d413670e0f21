package predictor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/transform"
)

func bound(x float64) *float64 { return &x }

// bundle writes a model of three fields: higher debt and renting push towards default. The spec declares a fourth, which the model does not read.
func bundle(t testing.TB) Config {
	m := &model.Model{
		Name: "loans",
		Contract: request.Contract{
			Fields: []request.Field{
				{Name: "purpose", Type: pipeline.Category, Nullable: true},
				{Name: "income", Type: pipeline.Number, Nullable: true, Min: bound(0)},
				{Name: "debt", Type: pipeline.Number, Min: bound(0), Max: bound(5)},
				{Name: "home", Type: pipeline.Category, Domain: []string{"own", "rent"}},
			},
			Identifiers: []string{"application_id", "application_date"},
		},
		Encoder: transform.Encoder{
			Fields: []transform.Field{
				{Name: "debt", Type: pipeline.Number},
				{Name: "income", Type: pipeline.Number, Nullable: true},
				{Name: "home", Type: pipeline.Category, Levels: []string{"own", "rent"}},
			},
			Scales: []transform.Scale{{Mean: 1, SD: 1}, {Mean: 100, SD: 50}, {SD: 1}},
		},
		Intercept: -1, Coefficients: []float64{2, -1, 0.5, -0.5, 0.5}, Background: []float64{0, 0, 0.1, 0.5, 0.5},
	}
	data, err := m.Encode()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.bundle")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	cfg := Config{Bundle: path, Digest: model.Digest(data), Version: 7, Meaning: pipeline.MeaningDefault}
	cfg.Policy, cfg.PolicyDigest = document(t, string(rule.Document()))
	return cfg
}

var rule = decision.Policy{Cutoff: 0.5, Reasons: map[string]string{"debt": "too much debt"}}

// document writes a policy document, and returns its file and digest.
func document(t testing.TB, text string) (path, digest string) {
	path = filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path, sha256hex.Of([]byte(text))
}

func handler(t testing.TB, cfg Config) http.Handler {
	p, err := New(cfg)
	require.NoError(t, err)
	return p.Handler()
}

func TestARequestThatIsTooLarge(t *testing.T) {
	for _, path := range []string{"/v1/decisions", "/v1/decisions/batch"} {
		answer := post(handler(t, bundle(t)), path, strings.Repeat(" ", 1<<20)+"{}")
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Code)
		require.JSONEq(t, `{"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": "the request is larger than 1 MiB", "code": "invalid"}`, answer.Body.String())
	}
}

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

// Wanted values by hand: z = -1 + 2·(3-1) + -1·(150-100)/50 + 0.5 = 2.5, so p = 1/(1+exp(-2.5)) = 0.924141819978757.
func TestDecide(t *testing.T) {
	answer := post(handler(t, bundle(t)), "/v1/decisions", `{"debt": 3, "income": 150, "home": "rent"}`)
	require.Equal(t, 200, answer.Code, answer.Body)
	var d Decision
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &d))
	require.Equal(t, "decline", d.Verdict)
	require.InDelta(t, 0.924141819978757, d.Probability, 1e-15)
	require.Equal(t, 7, d.Model.Version)
	require.Equal(t, rule.Digest(), d.Policy.Digest)
	require.Equal(t, "debt", d.Reasons[0].Field)
	require.Equal(t, "too much debt", d.Reasons[0].Text)
	require.Equal(t, "home", d.Reasons[1].Field)
	require.Len(t, d.Reasons, 2, "income spoke for the applicant")
	require.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	require.Equal(t, strconv.FormatFloat(d.Probability, 'g', -1, 64), answer.Header().Get("LoanOps-Probability"))

	answer = post(handler(t, bundle(t)), "/v1/decisions", `{"debt": 0, "income": null, "home": "own"}`)
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &d))
	require.Equal(t, "approve", d.Verdict)
	require.Empty(t, d.Reasons)
}

// An approval label turns the verdict around: a high score approves.
func TestMeaningApproval(t *testing.T) {
	cfg := bundle(t)
	cfg.Meaning = pipeline.MeaningApproval
	var d Decision
	require.NoError(t, json.Unmarshal(post(handler(t, cfg), "/v1/decisions", `{"debt": 3, "home": "rent"}`).Body.Bytes(), &d))
	require.Equal(t, "approve", d.Verdict)
}

// What a client may send is what the spec declares: fields that the model does not read are checked and then say nothing, identifiers come along,
// and a category without a domain takes any text.
func TestWhatTheModelDoesNotReadIsCheckedAndIgnored(t *testing.T) {
	h := handler(t, bundle(t))
	var want, got Decision
	require.NoError(t, json.Unmarshal(post(h, "/v1/decisions", `{"debt": 3, "income": 150, "home": "rent"}`).Body.Bytes(), &want))
	for _, more := range []string{
		`"purpose": "a boat"`, `"purpose": null`, `"purpose": "` + strings.Repeat("x", 100) + `"`,
		`"application_id": "A-1", "application_date": "2026-06-30"`, `"application_id": 17`, `"application_id": null`,
	} {
		answer := post(h, "/v1/decisions", `{"debt": 3, "income": 150, "home": "rent", `+more+`}`)
		require.Equal(t, 200, answer.Code, answer.Body)
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &got))
		got.DecisionID = want.DecisionID
		require.Equal(t, want, got)
	}
	for _, more := range []string{
		`"purpose": 3`, `"purpose": ""`, `"purpose": "` + strings.Repeat("x", 101) + `"`, `"purpose": "a", "purpose": "b"`,
		`"application_id": {}`, `"application_id": true`, `"application_id": "` + strings.Repeat("x", 101) + `"`, `"application_id": 1, "application_id": 2`,
		`"gender": "f"`,
	} {
		answer := post(h, "/v1/decisions", `{"debt": 3, "income": 150, "home": "rent", `+more+`}`)
		require.Equal(t, 422, answer.Code, "%s: %s", more, answer.Body)
	}
}

func TestBadInputNamesEveryWrongFieldAndNoValue(t *testing.T) {
	h := handler(t, bundle(t))
	for _, test := range []struct {
		name, path, body string
		status           int
		fields           []string
	}{
		{"not JSON", "/v1/decisions", `{"debt": `, 400, nil},
		{"a list", "/v1/decisions", `[1]`, 400, nil},
		{"nothing", "/v1/decisions", ``, 400, nil},
		{"two objects", "/v1/decisions", `{"debt":1,"home":"own"}{}`, 400, nil},
		{"deep", "/v1/decisions", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), 400, nil},
		{"empty object", "/v1/decisions", `{}`, 422, []string{"debt", "home"}},
		{"all wrong", "/v1/decisions", `{"debt": "secret", "income": -3, "home": "secret", "extra": 1}`, 422, []string{"debt", "extra", "home", "income"}},
		{"null where a value is needed", "/v1/decisions", `{"debt": null, "home": "own"}`, 422, []string{"debt"}},
		{"out of range", "/v1/decisions", `{"debt": 5.01, "home": "own"}`, 422, []string{"debt"}},
		{"too large for a number", "/v1/decisions", `{"debt": 1e999, "home": "own"}`, 422, []string{"debt"}},
		{"NaN", "/v1/decisions", `{"debt": NaN, "home": "own"}`, 400, nil},
		{"number as text", "/v1/decisions", `{"debt": "1", "home": "own"}`, 422, []string{"debt"}},
		{"boolean", "/v1/decisions", `{"debt": true, "home": "own"}`, 422, []string{"debt"}},
		{"object as value", "/v1/decisions", `{"debt": {"x": 1}, "home": "own"}`, 422, []string{"debt"}},
		{"twice", "/v1/decisions", `{"debt": 1, "debt": 2, "home": "own"}`, 422, []string{"debt"}},
		{"other case", "/v1/decisions", `{"Debt": 1, "debt": 1, "home": "own"}`, 422, []string{"Debt"}},
		{"too large", "/v1/decisions", `{"debt": ` + strings.Repeat(" ", 2<<20) + `1}`, 413, nil},
		{"batch without list", "/v1/decisions/batch", `{"applications": 3}`, 422, []string{"applications"}},
		{"empty batch", "/v1/decisions/batch", `{"applications": []}`, 422, []string{"applications"}},
		{"batch too long", "/v1/decisions/batch", `{"applications": [` + strings.Repeat("{},", 1000) + `{}]}`, 422, []string{"applications"}},
		{"batch with one wrong", "/v1/decisions/batch", `{"applications": [{"debt":1,"home":"own"},{"debt":9,"home":"own"}]}`, 422, []string{"applications[1].debt"}},
		{"batch of numbers", "/v1/decisions/batch", `{"applications": [1]}`, 422, []string{"applications[0]"}},
		{"unknown path", "/v2/decisions", `{}`, 404, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := post(h, test.path, test.body)
			require.Equal(t, test.status, answer.Code, answer.Body)
			require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
			var p problem.Problem
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p))
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Field)
				require.NotEmpty(t, e.Detail)
			}
			slices.Sort(fields)
			require.Equal(t, test.fields, fields)
			require.NotContains(t, answer.Body.String(), "secret")
		})
	}
	request := httptest.NewRequest(http.MethodPost, "/v1/decisions", strings.NewReader(`debt=1`))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	require.Equal(t, 415, answer.Code)
	answer = httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/decisions", nil))
	require.Equal(t, 405, answer.Code)
}

func TestVeryManyWrongFieldsAreCounted(t *testing.T) {
	var members []string
	for i := range 5000 {
		members = append(members, fmt.Sprintf(`"f%d": 1`, i))
	}
	var p problem.Problem
	require.NoError(t, json.Unmarshal(post(handler(t, bundle(t)), "/v1/decisions", "{"+strings.Join(members, ",")+"}").Body.Bytes(), &p))
	require.Len(t, p.Errors, 100)
	require.Contains(t, p.Detail, "the first 100 of 5002 are listed")
}

func TestBatchAndSingleAgree(t *testing.T) {
	h := handler(t, bundle(t))
	var applications []string
	for i := range 50 {
		applications = append(applications, fmt.Sprintf(`{"debt": %v, "income": %d, "home": "own"}`, float64(i)/10, 10*i))
	}
	answer := post(h, "/v1/decisions/batch", `{"applications": [`+strings.Join(applications, ",")+`]}`)
	var batch struct{ Decisions []Decision }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &batch))
	for i, body := range applications {
		var d Decision
		require.NoError(t, json.Unmarshal(post(h, "/v1/decisions", body).Body.Bytes(), &d))
		require.InDelta(t, d.Probability, batch.Decisions[i].Probability, 0)
		require.Equal(t, d.Policy, batch.Decisions[i].Policy)
	}
}

// A copy is decided as any request is, marked, and not counted among the decisions.
func TestMirroredRequestsAreMarkedAndNotCounted(t *testing.T) {
	h := handler(t, bundle(t))
	for _, test := range []struct{ path, body string }{
		{"/v1/decisions", `{"debt": 3, "income": 150, "home": "rent"}`},
		{"/v1/decisions/batch", `{"applications": [{"debt": 3, "home": "rent"}, {"debt": 0, "home": "own"}]}`},
	} {
		request := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("LoanOps-Mirrored", "true")
		copied := httptest.NewRecorder()
		h.ServeHTTP(copied, request)
		require.Equal(t, 200, copied.Code)
		asked := post(h, test.path, test.body)
		require.NotContains(t, asked.Body.String(), "mirrored")
		require.Equal(t, strings.Count(asked.Body.String(), "decision_id"), strings.Count(copied.Body.String(), `"mirrored":true`), "each decision")
		for _, name := range []string{"LoanOps-Probability", "LoanOps-Verdict", "LoanOps-Model-Version"} {
			require.Equal(t, asked.Header().Get(name), copied.Header().Get(name))
		}
	}
	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, page.Body.String(), `loanops_decisions_total{model_name="loans",verdict="decline"} 2`)
	require.Contains(t, page.Body.String(), `loanops_decisions_total{model_name="loans",verdict="approve"} 1`)
	require.Contains(t, page.Body.String(), `loanops_score_count{model_name="loans"} 3`)
}

// What the platform asks itself is decided and answered as any request is, and not counted among the decisions.
func TestSyntheticRequestsAreNotCounted(t *testing.T) {
	h := handler(t, bundle(t))
	for _, test := range []struct{ path, body string }{
		{"/v1/decisions", `{"debt": 3, "income": 150, "home": "rent"}`},
		{"/v1/decisions/batch", `{"applications": [{"debt": 3, "home": "rent"}, {"debt": 0, "home": "own"}]}`},
	} {
		for _, marks := range [][]string{{"LoanOps-Synthetic"}, {"LoanOps-Synthetic", "LoanOps-Mirrored"}, {}} {
			request := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
			request.Header.Set("Content-Type", "application/json")
			for _, mark := range marks {
				request.Header.Set(mark, "true")
			}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			require.Equal(t, 200, answer.Code)
			require.NotContains(t, answer.Body.String(), "synthetic")
			require.Equal(t, len(marks) == 2, strings.Contains(answer.Body.String(), `"mirrored":true`))
		}
	}
	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, page.Body.String(), `loanops_decisions_total{model_name="loans",verdict="decline"} 2`)
	require.Contains(t, page.Body.String(), `loanops_decisions_total{model_name="loans",verdict="approve"} 1`)
	require.Contains(t, page.Body.String(), `loanops_score_count{model_name="loans"} 3`)
}

// The document describes this model, is valid, and the running server keeps to it.
func TestAnswersKeepToTheOpenAPIDocument(t *testing.T) {
	h := handler(t, bundle(t))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	document, err := openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	require.Equal(t, []string{"debt", "home"}, document.Components.Schemas["Application"].Value.Required)
	var codes []fault.Code
	for _, code := range document.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		codes = append(codes, fault.Code(code.(string)))
	}
	require.Equal(t, fault.Codes(), codes, "what kinds of fault an answer may name")
	router, err := gorillamux.NewRouter(document)
	require.NoError(t, err)
	for body, valid := range map[string]bool{`{"debt": 3, "home": "rent"}`: true, `{"debt": 9, "home": "boat"}`: false, `{"debt": 3, "home": "rent", "purpose": null, "application_id": 3}`: true} {
		request := httptest.NewRequest(http.MethodPost, "/v1/decisions", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		route, parameters, err := router.FindRoute(request)
		require.NoError(t, err)
		input := &openapi3filter.RequestValidationInput{
			Request: request, Route: route, PathParams: parameters,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
		err = openapi3filter.ValidateRequest(t.Context(), input)
		require.Equal(t, valid, err == nil, "%v", err)
		got := post(h, "/v1/decisions", body)
		require.Equal(t, valid, got.Code == 200)
		require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: got.Code, Header: got.Header(), Body: io.NopCloser(got.Body),
		}))
	}
}

func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"another digest": func(c *Config) { c.Digest = strings.Repeat("0", 64) },
		"meaning":        func(c *Config) { c.Meaning = "good" },
		"cutoff":         func(c *Config) { c.Policy, c.PolicyDigest = document(t, `{"cutoff":1.5}`) },
		"no cutoff":      func(c *Config) { c.Policy, c.PolicyDigest = document(t, `{}`) },
		"another policy": func(c *Config) { c.Policy, _ = document(t, `{"cutoff":0.25}`) },
		"unknown rule":   func(c *Config) { c.Policy, c.PolicyDigest = document(t, `{"cutoff":0.25,"review":0.2}`) },
		"drill":          func(c *Config) { c.Drill = "explode" },
	} {
		cfg := bundle(t)
		spoil(&cfg)
		_, err := New(cfg)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
	}
}

// A gateway that knows an address of before must not have another model decide about its applicants.
func TestWhatIsMeantForAnotherPredictorIsNotDecided(t *testing.T) {
	cfg := bundle(t)
	cfg.Version = 3
	h := handler(t, cfg)
	for meant, code := range map[string]int{
		"": 200, "loans/3/" + cfg.PolicyDigest: 200,
		"cards/3/" + cfg.PolicyDigest: 421, "loans/2/" + cfg.PolicyDigest: 421, "loans/3/": 421, "loans/3/" + strings.Repeat("0", 64): 421,
	} {
		for _, path := range []string{"/v1/decisions", "/v1/decisions/batch", "/openapi.json"} {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			if path != "/openapi.json" {
				body := map[string]string{"/v1/decisions": `{"debt": 3, "home": "rent"}`, "/v1/decisions/batch": `{"applications": [{"debt": 3, "home": "rent"}]}`}[path]
				request = httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("LoanOps-Meant", meant)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			require.Equal(t, code, answer.Code, "%q at %s: %s", meant, path, answer.Body)
		}
	}
	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, page.Body.String(), `loanops_decisions_total{model_name="loans",verdict="decline"} 4`, "what is meant for others is not counted either")
}

func BenchmarkDecide(b *testing.B) {
	h := handler(b, bundle(b))
	b.ReportAllocs()
	for b.Loop() {
		if answer := post(h, "/v1/decisions", `{"debt": 3, "income": 150, "home": "rent"}`); answer.Code != 200 {
			b.Fatal(answer.Body)
		}
	}
}
