package features

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// noon is what the servers' clock says until a test moves it.
var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func over(days int) feature.Span { return feature.Span(time.Duration(days) * 24 * time.Hour) }

// declared are an entity with one key and one with two, three views with one version each, one of which is only staged, and services.
func declared() []feature.Registered {
	low, high := 300.0, 850.0
	row := func(kind feature.Kind, name string, version int, stage feature.Stage, of any) feature.Registered {
		document, err := json.Marshal(of)
		if err != nil {
			panic(err)
		}
		return feature.Registered{Kind: kind, Name: name, Version: version, Meaning: name, Document: document, Stage: stage, Actor: "ada", What: "new"}
	}
	bureau := feature.View{
		Name: "bureau", Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, EventTimestamp: "reported_at", CreatedTimestamp: "received_at", TTL: over(120),
		Features: []feature.Feature{
			{Name: "bureau_score", Type: pipeline.Integer, Min: &low, Max: &high}, {Name: "utilisation", Type: pipeline.Number}, {Name: "grade", Type: pipeline.Category, Domain: []string{"A", "B"}},
			{Name: "thin", Type: pipeline.Boolean},
		},
		Rules: []pipeline.Rule{{Name: "thin_has_no_grade", Expression: `thin == false || missing(grade)`}, {Name: "worst_is_b", Expression: `bureau_score >= 400 || grade == "B"`}},
	}
	payments := feature.View{
		Name: "payments", Entity: "account", Keys: []string{"bank", "number"}, Events: true, EventTimestamp: "due_at", CreatedTimestamp: "recorded_at", Types: map[string]pipeline.ColumnType{"due_at": pipeline.Day},
		Columns:  []pipeline.Column{{Name: "amount", Type: pipeline.Decimal}, {Name: "late", Type: pipeline.Boolean, MissingMax: 1}},
		Features: []feature.Feature{{Name: "amount_30d", Aggregate: feature.Sum, Of: "amount", Over: over(30)}, {Name: "late_30d", Aggregate: feature.Sum, Of: "late", Over: over(30)}},
	}
	other := feature.View{Name: "other", Entity: "applicant", Keys: []string{"applicant_id"}, EventTimestamp: "at", CreatedTimestamp: "at", Features: []feature.Feature{{Name: "bureau_score", Type: pipeline.Integer}}}
	next := bureau
	next.Features = append([]feature.Feature{{Name: "score_max_30d", Aggregate: feature.Max, Of: "bureau_score", Over: over(30)}}, bureau.Features...)
	return []feature.Registered{
		row(feature.KindEntity, "applicant", 1, feature.Active, feature.Entity{Name: "applicant", Keys: []string{"applicant_id"}}),
		row(feature.KindEntity, "account", 1, feature.Active, feature.Entity{Name: "account", Keys: []string{"bank", "number"}}),
		row(feature.KindView, "bureau", 1, feature.Active, bureau),
		row(feature.KindView, "bureau", 2, feature.Staged, next),
		row(feature.KindView, "payments", 1, feature.Active, payments),
		row(feature.KindView, "other", 1, feature.Active, other),
		row(feature.KindView, "coming", 1, feature.Staged, feature.View{Name: "coming", Entity: "applicant", Keys: []string{"applicant_id"}, Features: []feature.Feature{{Name: "x", Type: pipeline.Number}}}),
		row(feature.KindService, "credit", 1, feature.Active, feature.Service{Name: "credit", Features: []string{"bureau:bureau_score", "ratio", "payments", "bureau:thin"}}),
		row(feature.KindService, "credit", 2, feature.Staged, feature.Service{Name: "credit", Features: []string{"bureau@2:score_max_30d"}}),
		row(feature.KindExpression, "ratio", 1, feature.Active, feature.Expression{
			Name: "ratio", Expression: "loan_amount / bureau_score", Features: []string{"bureau:bureau_score"}, Type: pipeline.Number,
		}),
		row(feature.KindService, "computed", 1, feature.Active, feature.Service{Name: "computed", Features: []string{"ratio"}}),
	}
}

// meaning of versions differs: the register wants it so.
func rowsToRegister() []feature.Registered {
	rows := declared()
	for i := range rows {
		rows[i].Meaning += string(rune('0' + rows[i].Version))
	}
	return rows
}

// world is a server on a database of its own.
type world struct {
	t       testing.TB
	store   feature.Store
	server  *Server
	handler http.Handler
	now     time.Time
}

func newWorld(t testing.TB) *world {
	dir := t.TempDir()
	store, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(dir, "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	_, err = store.Register(t.Context(), 0, rowsToRegister())
	require.NoError(t, err)
	w := &world{t: t, store: store, now: noon}
	w.server, err = New(store, keysFile(t, dir))
	require.NoError(t, err)
	w.server.clock = func() time.Time { return w.now }
	w.handler = w.server.Handler()
	return w
}

// keysFile has a key for each right, which are called as the rights are, and one for both.
func keysFile(t testing.TB, dir string) string {
	path := filepath.Join(dir, "features-keys.json")
	keys := map[string]any{}
	for key, rights := range map[string][]string{"read": {"read"}, "write": {"write"}, "both": {"read", "write"}} {
		keys[key] = map[string]any{"sha256": sha256hex.Of([]byte(key)), "rights": rights}
	}
	data, err := json.Marshal(keys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func (w *world) send(method, path, authorization, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	return recorder
}

func (w *world) post(view, body string) *httptest.ResponseRecorder {
	return w.send(http.MethodPost, "/v1/features/"+view, "Bearer write", body)
}

func (w *world) get(body string) *httptest.ResponseRecorder {
	return w.send(http.MethodPost, "/get-online-features", "Bearer read", body)
}

// must is the answer to what is right.
func (w *world) must(answer *httptest.ResponseRecorder) string {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, answer.Code, answer.Body)
	return strings.TrimSpace(answer.Body.String())
}

// wrong are the fields and rules that an answer names.
func wrong(t *testing.T, answer *httptest.ResponseRecorder) (fields []string) {
	t.Helper()
	var p struct {
		Status int
		Code   string
		Errors []struct{ Field, Rule, Detail string }
	}
	require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p), answer.Body)
	require.Equal(t, answer.Code, p.Status)
	for _, e := range p.Errors {
		require.NotEmpty(t, e.Detail)
		fields = append(fields, e.Field+" "+e.Rule)
	}
	return fields
}

func TestRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const event, question = `{"events":[{"event_id":"e","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{}}]}`, `{"features":["bureau"],"entities":{"applicant_id":["a"]}}`
	for authorization, codes := range map[string][2]int{
		"": {401, 401}, "Bearer ": {401, 401}, "Bearer nobody": {401, 401}, "Basic write": {401, 401}, "write": {401, 401},
		"Bearer read": {403, 200}, "Bearer write": {200, 403}, "Bearer both": {200, 200},
	} {
		posted, got := w.send(http.MethodPost, "/v1/features/bureau", authorization, event), w.send(http.MethodPost, "/get-online-features", authorization, question)
		require.Equal(t, codes, [2]int{posted.Code, got.Code}, authorization)
		if posted.Code == http.StatusUnauthorized {
			require.Equal(t, `Bearer realm="loanops"`, posted.Header().Get("WWW-Authenticate"))
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		require.Equal(t, http.StatusOK, w.send(http.MethodGet, path, "", "").Code, path)
	}
}

func TestKeysFilesThatAreWrong(t *testing.T) {
	t.Parallel()
	good := sha256hex.Of([]byte("key"))
	for text, want := range map[string]string{
		`[]`: "is wanted", `{"a":{"sha256":"zz","rights":["read"]}}`: "no", `{"a":{"sha256":"` + good + `"}}`: "read and write",
		`{"a":{"sha256":"` + good + `","rights":["admin"]}}`: "read and write", `{"a":{"sha256":"` + good[:10] + `","rights":["read"]}}`: "not a SHA-256",
	} {
		path := filepath.Join(t.TempDir(), "keys.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := New(nil, path)
		require.ErrorContains(t, err, want, text)
	}
	_, err := New(nil, filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "--keys-file")
}

// The document describes every resource of the server, and the server answers what it describes.
func TestTheDocumentIsOfThisServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(w.must(w.send(http.MethodGet, "/openapi.json", "", ""))), &document))
	require.Len(t, document.Paths, 2)
	for path, methods := range document.Paths {
		path = strings.Replace(path, "{view}", "bureau", 1)
		require.Contains(t, methods, "post")
		for _, request := range []struct{ authorization, body string }{
			{"", "{}"}, {"Bearer both", "{"}, {"Bearer both", "{}"}, {"Bearer both", strings.Repeat(" ", 9<<20)},
		} {
			code := w.send(http.MethodPost, path, request.authorization, request.body).Code
			require.Contains(t, methods["post"].Responses, http.StatusText(code)[:0]+jsonNumber(code), path)
		}
	}
}

func jsonNumber(code int) string {
	data, _ := json.Marshal(code)
	return string(data)
}

func TestMetricsSayWhatWasDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const event = `{"events":[{"event_id":"e","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{"bureau_score":700}}]}`
	w.must(w.post("bureau", event))
	w.must(w.post("bureau", event))
	w.post("bureau", "{}")
	w.must(w.get(`{"features":["bureau:bureau_score","bureau:thin"],"entities":{"applicant_id":["a","b"]}}`))
	text, err := io.ReadAll(w.send(http.MethodGet, "/metrics", "", "").Body)
	require.NoError(t, err)
	for _, line := range []string{
		`loanops_features_events_total{result="written",view="bureau"} 1`, `loanops_features_events_total{result="duplicate",view="bureau"} 1`,
		`loanops_features_requests_total{action="post",code="200"} 2`, `loanops_features_requests_total{action="post",code="422"} 1`, `loanops_features_requests_total{action="get",code="200"} 1`,
		`loanops_features_values_total{status="PRESENT",view="bureau"} 1`, `loanops_features_values_total{status="NULL_VALUE",view="bureau"} 1`,
		`loanops_features_values_total{status="NOT_FOUND",view="bureau"} 2`, `loanops_features_request_duration_seconds_count{action="post"} 3`,
	} {
		require.Contains(t, string(text), line)
	}
}

// What is registered while the server runs can be used at once, and what is taken away no longer than a second.
func TestDefinitionsThatChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const event = `{"events":[{"event_id":"e","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{"x":1}}]}`
	require.Equal(t, http.StatusNotFound, w.post("fresh", event).Code)
	view := feature.View{Name: "fresh", Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, Features: []feature.Feature{{Name: "x", Type: pipeline.Number}}}
	document, err := json.Marshal(view)
	require.NoError(t, err)
	require.Equal(t, []string{"features[0] unknown"}, wrong(t, w.get(`{"features":["fresh:x"],"entities":{"applicant_id":["a"]}}`)))
	row := feature.Registered{Kind: feature.KindView, Name: "fresh", Version: 1, Meaning: "m", Document: document, Stage: feature.Active, Actor: "ada"}
	n := int64(len(declared()))
	_, err = w.store.Register(t.Context(), n, []feature.Registered{row})
	require.NoError(t, err)
	w.must(w.get(`{"features":["fresh:x"],"entities":{"applicant_id":["a"]}}`))
	w.must(w.post("fresh", event))

	row.Stage = feature.Retired
	_, err = w.store.Register(t.Context(), n+1, []feature.Registered{row})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, w.post("fresh", strings.Replace(event, `"e"`, `"f"`, 1)).Code, "the log knows at once")
	w.server.definitions.every = 0 // a second later
	require.Equal(t, []string{"features[0] unknown"}, wrong(t, w.get(`{"features":["fresh:x"],"entities":{"applicant_id":["a"]}}`)))
}

// A registered view whose rule does not compile takes no events and says why; what is held of it is answered, and so is everything else.
func TestAViewThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.definitions.every = 0 // a change is seen at once
	const event = `{"events":[{"event_id":"e","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{"x":1}}]}`
	register := func(version int, rule string) {
		document, err := json.Marshal(feature.View{
			Name: "fresh", Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, Features: []feature.Feature{{Name: "x", Type: pipeline.Number}}, Rules: []pipeline.Rule{{Name: "odd", Expression: rule}},
		})
		require.NoError(t, err)
		_, err = w.store.Register(t.Context(), int64(len(declared())+version-1), []feature.Registered{{
			Kind: feature.KindView, Name: "fresh", Version: version, Meaning: rule, Document: document, Stage: feature.Active, Actor: "ada",
		}})
		require.NoError(t, err)
	}
	register(1, "x > 0")
	w.must(w.post("fresh", event))
	register(2, "x >")
	answer := w.post("fresh", strings.Replace(event, `"e"`, `"f"`, 1))
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Contains(t, answer.Body.String(), "version 2 of view fresh takes no events")
	require.Contains(t, answer.Body.String(), "rule odd")
	require.Contains(t, w.must(w.get(`{"features":["fresh@1:x"],"entities":{"applicant_id":["a"]}}`)), `{"values":[1.0]`)
	require.Contains(t, w.must(w.get(`{"features":["fresh:x"],"entities":{"applicant_id":["a"]}}`)), `{"values":[null],"statuses":["NOT_FOUND"]`)
	w.must(w.get(`{"features":["bureau"],"entities":{"applicant_id":["a"]}}`))
	w.must(w.post("bureau", strings.Replace(event, `{"x":1}`, `{"bureau_score":700}`, 1)))
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/readyz", "", "").Code)
}

// What is posted is read by the active version, else by the newest that is not retired.
func TestTheVersionByWhichEventsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := int64(len(declared()))
	register := func(version int, stage feature.Stage) {
		column := []string{"first", "second", "third"}[version-1]
		document, err := json.Marshal(feature.View{Name: "fresh", Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, Features: []feature.Feature{{Name: column, Type: pipeline.Number}}})
		require.NoError(t, err)
		_, err = w.store.Register(t.Context(), n, []feature.Registered{{Kind: feature.KindView, Name: "fresh", Version: version, Meaning: column, Document: document, Stage: stage, Actor: "ada"}})
		require.NoError(t, err)
		n++
	}
	w.server.definitions.every = 0 // a change is seen at once
	read := func(want string) {
		t.Helper()
		for _, column := range []string{"first", "second", "third"} {
			code := http.StatusUnprocessableEntity
			if column == want {
				code = http.StatusOK
			}
			event := `{"events":[{"event_id":"` + column + `","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{"` + column + `":1}}]}`
			require.Equal(t, code, w.post("fresh", event).Code, column)
		}
	}
	register(1, feature.Staged)
	register(2, feature.Staged)
	read("second")
	register(3, feature.Staged)
	register(3, feature.Retired)
	read("second")
	register(1, feature.Active)
	read("first")
	register(1, feature.Retired)
	read("second")
}

// Who hangs up is no fault of the database, and none that somebody is to be woken for.
func TestACallerWhoHangsUp(t *testing.T) {
	w := newWorld(t)
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	w.do(newRequest(http.MethodPost, "/v1/features/bureau", "write", eventsOf(bureauEvent())).WithContext(ctx))
	require.NotContains(t, logged.String(), "does not answer")
	require.NoError(t, w.store.Close())
	w.do(newRequest(http.MethodPost, "/v1/features/bureau", "write", eventsOf(bureauEvent())))
	require.Contains(t, logged.String(), "does not answer")
}

func TestADatabaseThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.store.Close())
	for _, answer := range []*httptest.ResponseRecorder{w.send(http.MethodGet, "/readyz", "", ""), w.get(`{"features":["bureau"],"entities":{"applicant_id":["a"]}}`), w.post("bureau", "{}")} {
		require.Equal(t, http.StatusServiceUnavailable, answer.Code, answer.Body)
		require.NotContains(t, answer.Body.String(), "sql")
		require.Contains(t, answer.Body.String(), "the feature database does not answer")
	}
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/healthz", "", "").Code)
}

func TestARequestThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	large := strings.Repeat(" ", 8<<20) + "{}"
	for _, answer := range []*httptest.ResponseRecorder{w.post("bureau", large), w.get(large)} {
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.Code)
		require.JSONEq(t, `{"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": "the request is larger than 8 MiB", "code": "invalid"}`, answer.Body.String())
	}
}
