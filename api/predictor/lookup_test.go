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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// looking writes a model that reads one field, two features of the store and what is computed of one of them.
func looking(t testing.TB, of pipeline.FeatureStore) Config {
	keys := map[string]string{"applicant_id": "customer"}
	fields := []request.Field{{Name: "debt", Type: pipeline.Number}}
	if of.Given {
		fields = append(fields, request.Field{Name: "late", Type: pipeline.Integer, Nullable: true}, request.Field{Name: "score", Type: pipeline.Number, Nullable: true})
	}
	m := &model.Model{
		Name: "loans",
		Contract: request.Contract{
			Fields:      fields,
			Identifiers: []string{"customer"},
			Added: []pipeline.Column{
				{Name: "late", Type: pipeline.Integer, Feature: "payments@2:late_90d", Keys: keys, Default: "1"},
				{Name: "score", Type: pipeline.Number, Feature: "bureau@1:score", Keys: keys, MissingMax: 1},
				{Name: "late_debt", Type: pipeline.Number, Expression: "late * debt", MissingMax: 1},
			},
			Store: of,
		},
		Encoder: transform.Encoder{
			Fields: []transform.Field{
				{Name: "debt", Type: pipeline.Number}, {Name: "late", Type: pipeline.Integer}, {Name: "score", Type: pipeline.Number, Nullable: true},
				{Name: "late_debt", Type: pipeline.Number, Nullable: true},
			},
			Scales: []transform.Scale{{SD: 1}, {SD: 1}, {Mean: 600, SD: 100}, {SD: 1}},
		},
		Intercept: -1, Coefficients: []float64{0.1, 0.2, -0.3, 0.4, 0.5, 0.6}, Background: make([]float64, 6),
	}
	data, err := m.Encode()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.bundle")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	cfg := Config{Bundle: path, Digest: model.Digest(data), Version: 7, Meaning: pipeline.MeaningDefault}
	cfg.Policy, cfg.PolicyDigest = document(t, string(rule.Document()))
	return cfg
}

var forgiving = pipeline.FeatureStore{Missing: pipeline.DefaultValue, Stale: pipeline.DefaultValue, DeadlineMillis: 1000}

// storing stands in for the feature store: it answers with results, and keeps what it was asked.
func storing(t testing.TB, results string, asked *[]string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		_, _ = io.WriteString(w, results)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func decided(t testing.TB, cfg Config, body string) (d Decision) {
	answer := post(handler(t, cfg), "/v1/decisions", body)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &d))
	return d
}

const (
	known   = `{"metadata":{},"results":[{"values":["a-17"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[3],"statuses":["PRESENT"],"event_timestamps":["2026-03-31T09:30:00.000001Z"]},{"values":[700.5],"statuses":["PRESENT"],"event_timestamps":["2026-01-31T00:00:00Z"]}]}`
	stale   = `{"metadata":{},"results":[{"values":["a-17"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[null],"statuses":["OUTSIDE_MAX_AGE"],"event_timestamps":["2020-03-31T00:00:00Z"]},{"values":[700.5],"statuses":["PRESENT"],"event_timestamps":["2026-01-31T00:00:00Z"]}]}`
	unknown = `{"metadata":{},"results":[{"values":["a-17"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[null],"statuses":["NOT_FOUND"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":[null],"statuses":["NOT_FOUND"],"event_timestamps":["1970-01-01T00:00:00Z"]}]}`
	asksOne = `{"features":["payments@2:late_90d","bureau@1:score"],"entities":{"applicant_id":["a-17"]}}`
)

// The score of a row, by hand: the sigmoid of the intercept and what each encoded column adds.
func scoreOf(t testing.TB, cfg Config, row ...transform.Value) float64 {
	data, err := os.ReadFile(cfg.Bundle)
	require.NoError(t, err)
	m, err := model.Decode(data, cfg.Digest)
	require.NoError(t, err)
	p, err := m.Score(row)
	require.NoError(t, err)
	return p
}

func at(text string) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return &at
}

func TestWhatTheStoreKnowsGoesIntoTheDecision(t *testing.T) {
	t.Parallel()
	number := func(x float64) transform.Value { return transform.Value{Number: x} }
	none := transform.Value{Missing: true}
	for name, test := range map[string]struct {
		answer string
		row    []transform.Value
		want   map[string]Looked
	}{
		"known": {known, []transform.Value{number(2), number(3), number(700.5), number(6)}, map[string]Looked{
			"late": {3.0, feature.Present, at("2026-03-31T09:30:00.000001Z")}, "score": {700.5, feature.Present, at("2026-01-31T00:00:00Z")},
		}},
		"stale: the default, and when the newest row was true": {stale, []transform.Value{number(2), number(1), number(700.5), number(2)}, map[string]Looked{
			"late": {1.0, feature.TooOld, at("2020-03-31T00:00:00Z")}, "score": {700.5, feature.Present, at("2026-01-31T00:00:00Z")},
		}},
		"not known":      {unknown, []transform.Value{number(2), number(1), none, number(2)}, map[string]Looked{"late": {1.0, feature.NotFound, nil}, "score": {nil, feature.NotFound, nil}}},
		"another answer": {`{"results":[]}`, []transform.Value{number(2), number(1), none, number(2)}, map[string]Looked{"late": {1.0, unavailable, nil}, "score": {nil, unavailable, nil}}},
		"no answer":      {`no`, []transform.Value{number(2), number(1), none, number(2)}, map[string]Looked{"late": {1.0, unavailable, nil}, "score": {nil, unavailable, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			cfg := looking(t, forgiving)
			cfg.Features.URL = storing(t, test.answer, &asked)
			cfg.Features.KeyFile = filepath.Join(t.TempDir(), "key")
			require.NoError(t, os.WriteFile(cfg.Features.KeyFile, []byte("secret\n"), 0o600))
			d := decided(t, cfg, `{"debt": 2, "customer": "a-17"}`)
			require.Equal(t, []string{"POST /get-online-features Bearer secret " + asksOne}, asked)
			require.Equal(t, test.want, d.Features)
			require.InDelta(t, scoreOf(t, cfg, test.row...), d.Probability, 0)
		})
	}
}

// A client that does not name the applicant, or a predictor that was not told of a store, decides with the defaults.
func TestWithoutAKeyOrAStoreDefaultsDecide(t *testing.T) {
	t.Parallel()
	var asked []string
	cfg := looking(t, forgiving)
	want := scoreOf(t, cfg, transform.Value{Number: 2}, transform.Value{Number: 1}, transform.Value{Missing: true}, transform.Value{Number: 2})
	require.InDelta(t, want, decided(t, cfg, `{"debt": 2, "customer": "a-17"}`).Probability, 0)
	cfg.Features.URL = storing(t, unknown, &asked)
	require.InDelta(t, want, decided(t, cfg, `{"debt": 2}`).Probability, 0)
	require.InDelta(t, want, decided(t, cfg, `{"debt": 2, "customer": null}`).Probability, 0)
	require.Empty(t, asked, "nobody is named")
}

// What an application says itself counts, be it nobody's or somebody's of whom the store knows another value.
func TestWhatIsGivenCounts(t *testing.T) {
	t.Parallel()
	var asked []string
	of := forgiving
	of.Given, of.Missing, of.Stale = true, pipeline.RefuseDecision, pipeline.RefuseDecision
	cfg := looking(t, of)
	cfg.Features.URL = storing(t, unknown, &asked)
	want := scoreOf(t, cfg, transform.Value{Number: 2}, transform.Value{Number: 5}, transform.Value{Number: 640}, transform.Value{Number: 10})
	for _, sent := range []string{`{"debt": 2, "late": 5, "score": 640}`, `{"debt": 2, "late": 5, "score": 640, "customer": "a-17"}`} {
		d := decided(t, cfg, sent)
		require.InDelta(t, want, d.Probability, 0, sent)
		require.Equal(t, map[string]Looked{"late": {5.0, given, nil}, "score": {640.0, given, nil}}, d.Features)
	}
	require.Len(t, asked, 1, "the second names somebody")
	refused := post(handler(t, cfg), "/v1/decisions", `{"debt": 2, "late": 5, "score": null}`)
	require.Equal(t, http.StatusUnprocessableEntity, refused.Code, "what is not given is looked up")
	require.Contains(t, refused.Body.String(), `"score"`)
	require.NotContains(t, refused.Body.String(), `"late"`)
}

// A store that never answers: the decision is made all the same, when its deadline is over.
func TestADecisionDoesNotWaitForADeadStore(t *testing.T) {
	t.Parallel()
	ends := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ends }))
	t.Cleanup(func() { close(ends); server.Close() })
	of := forgiving
	of.DeadlineMillis = 5
	cfg := looking(t, of)
	cfg.Features.URL = server.URL
	d := decided(t, cfg, `{"debt": 2, "customer": "a-17"}`)
	require.Equal(t, unavailable, d.Features["late"].Status)
}

func TestASpecMayRefuse(t *testing.T) {
	t.Parallel()
	refuse := pipeline.RefuseDecision
	for name, test := range map[string]struct {
		of     pipeline.FeatureStore
		answer string
		code   int
		says   string
	}{
		"missing":                   {pipeline.FeatureStore{Missing: refuse, Stale: pipeline.DefaultValue, DeadlineMillis: 1000}, unknown, http.StatusUnprocessableEntity, "is NOT_FOUND in the feature store"},
		"stale":                     {pipeline.FeatureStore{Missing: pipeline.DefaultValue, Stale: refuse, DeadlineMillis: 1000}, stale, http.StatusUnprocessableEntity, "is OUTSIDE_MAX_AGE in the feature store"},
		"stale where missing is":    {pipeline.FeatureStore{Missing: refuse, Stale: pipeline.DefaultValue, DeadlineMillis: 1000}, stale, http.StatusOK, ""},
		"missing where stale is":    {pipeline.FeatureStore{Missing: pipeline.DefaultValue, Stale: refuse, DeadlineMillis: 1000}, unknown, http.StatusOK, ""},
		"known":                     {pipeline.FeatureStore{Missing: refuse, Stale: refuse, DeadlineMillis: 1000}, known, http.StatusOK, ""},
		"a store that is not heard": {pipeline.FeatureStore{Missing: refuse, Stale: refuse, DeadlineMillis: 1000}, "no", http.StatusServiceUnavailable, "the feature store does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			cfg := looking(t, test.of)
			cfg.Features.URL = storing(t, test.answer, &asked)
			answer := post(handler(t, cfg), "/v1/decisions", `{"debt": 2, "customer": "a-17"}`)
			require.Equal(t, test.code, answer.Code, answer.Body.String())
			require.Contains(t, answer.Body.String(), test.says)
			require.NotContains(t, answer.Body.String(), "a-17")
		})
	}
}

// However many applications there are, the store is asked once.
func TestABatchIsLookedUpAtOnce(t *testing.T) {
	t.Parallel()
	const answer = `{"results":[{"values":["a",null],"statuses":["PRESENT","PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]},{"values":[3,null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["2026-01-31T00:00:00Z","1970-01-01T00:00:00Z"]},{"values":[null,null],"statuses":["NULL_VALUE","NOT_FOUND"],"event_timestamps":["2026-01-31T00:00:00Z","1970-01-01T00:00:00Z"]}]}`
	var asked []string
	cfg := looking(t, forgiving)
	cfg.Features.URL = storing(t, answer, &asked)
	response := post(handler(t, cfg), "/v1/decisions/batch", `{"applications":[{"debt": 2, "customer": 17},{"debt": 1}]}`)
	require.Equal(t, http.StatusOK, response.Code, response.Body.String())
	var batch struct{ Decisions []Decision }
	require.NoError(t, json.Unmarshal(response.Body.Bytes(), &batch))
	require.Len(t, asked, 1)
	require.Contains(t, asked[0], `"entities":{"applicant_id":["17",null]}`)
	require.Equal(t, map[string]Looked{"late": {3.0, feature.Present, at("2026-01-31T00:00:00Z")}, "score": {nil, feature.Null, at("2026-01-31T00:00:00Z")}}, batch.Decisions[0].Features)
	require.Equal(t, map[string]Looked{"late": {1.0, feature.NotFound, nil}, "score": {nil, feature.NotFound, nil}}, batch.Decisions[1].Features)
}

// Many applications are asked about in portions, each of which has the time of one decision; where no answer comes, the others are not waited for.
func TestALargeBatchIsLookedUpInPortions(t *testing.T) {
	t.Parallel()
	const n = 250
	body := func() string {
		applications := make([]string, n)
		for i := range applications {
			applications[i] = fmt.Sprintf(`{"debt": 2, "customer": %d}`, i)
		}
		return `{"applications":[` + strings.Join(applications, ",") + `]}`
	}
	var sizes []int
	answers := 3
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Entities map[string][]string `json:"entities"`
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
		of := asked.Entities["applicant_id"]
		sizes = append(sizes, len(of))
		if len(sizes) > answers {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		list := func(text string) string { return "[" + strings.Join(slices.Repeat([]string{text}, len(of)), ",") + "]" }
		of[0] = `"` + strings.Join(of, `","`) + `"`
		at := list(`"2026-01-31T00:00:00Z"`)
		fmt.Fprintf(w, `{"results":[{"values":[%s],"statuses":%[2]s,"event_timestamps":%[3]s},{"values":[%[4]s],"statuses":%[2]s,"event_timestamps":%[3]s},{"values":%[5]s,"statuses":%[2]s,"event_timestamps":%[3]s}]}`,
			of[0], list(`"PRESENT"`), at, strings.ReplaceAll(of[0], `"`, ""), list("700"))
	}))
	t.Cleanup(server.Close)
	cfg := looking(t, forgiving)
	cfg.Features.URL = server.URL
	decide := func() []Decision {
		response := post(handler(t, cfg), "/v1/decisions/batch", body())
		require.Equal(t, http.StatusOK, response.Code, response.Body.String())
		var batch struct{ Decisions []Decision }
		require.NoError(t, json.Unmarshal(response.Body.Bytes(), &batch))
		require.Len(t, batch.Decisions, n)
		return batch.Decisions
	}
	for i, d := range decide() {
		require.Equal(t, Looked{float64(i), feature.Present, at("2026-01-31T00:00:00Z")}, d.Features["late"], "each its own")
	}
	require.Equal(t, []int{100, 100, 50}, sizes)
	sizes, answers = nil, 1
	decisions := decide()
	require.Equal(t, []int{100, 100}, sizes, "the third is not asked any more")
	require.Equal(t, feature.Present, decisions[99].Features["late"].Status)
	require.Equal(t, unavailable, decisions[100].Features["late"].Status)
	require.Equal(t, unavailable, decisions[249].Features["late"].Status)
}

// A key that nobody can have is one of nobody: the store would refuse the whole question, and with it what it knows of others.
func TestAKeyThatNobodyCanHave(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"a control character": `"x\ty"`, "no whole number": "1.5", "empty": `""`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			cfg := looking(t, forgiving)
			cfg.Features.URL = storing(t, `{"results":[]}`, &asked)
			response := post(handler(t, cfg), "/v1/decisions/batch", `{"applications":[{"debt": 2, "customer": "a-17"},{"debt": 1, "customer": `+key+`}]}`)
			require.Equal(t, http.StatusOK, response.Code, response.Body.String())
			require.Len(t, asked, 1)
			require.Contains(t, asked[0], `"entities":{"applicant_id":["a-17",null]}`)
		})
	}
}

func TestAKeyThatIsNotThere(t *testing.T) {
	t.Parallel()
	cfg := looking(t, forgiving)
	cfg.Features.URL, cfg.Features.KeyFile = "http://127.0.0.1:1", filepath.Join(t.TempDir(), "none")
	_, err := New(cfg)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}
