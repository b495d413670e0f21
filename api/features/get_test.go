package features

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

func newRequest(method, path, key, body string) *http.Request {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	return request
}

func (w *world) do(request *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	return recorder
}

// withEvents has rows of three applicants: one of yesterday, one older than the TTL of 120 days, one that says nothing.
func withEvents(t testing.TB) *world {
	w := newWorld(t)
	w.must(w.post("bureau", eventsOf(
		bureauEvent(), bureauEvent("e-1", "e-2", "ann", "old", "2026-03-30T10:00:00Z", "2025-12-01T12:00:00Z"),
		`{"event_id":"e-3","entity":{"applicant_id":"nul"},"event_timestamp":"2026-03-30T10:00:00.5Z","values":{}}`)))
	w.now = noon.Add(time.Second)
	return w
}

// The shape is Feast's: what its server (0.67) answers to the same question has the same names, in the same order, and keys with the values as they were sent.
func TestTheAnswerHasTheShapeOfFeast(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	keys := `{"values":["ann","old","nul","none"],"statuses":["PRESENT","PRESENT","PRESENT","PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z","1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]}`
	column := func(present string) string {
		return `{"values":[` + present + `,null,null,null],"statuses":["PRESENT","OUTSIDE_MAX_AGE","NULL_VALUE","NOT_FOUND"],"event_timestamps":["2026-03-30T10:00:00Z","2025-12-01T12:00:00Z","2026-03-30T10:00:00.500000Z","1970-01-01T00:00:00Z"]}`
	}
	for question, want := range map[string]string{
		`{"features":["bureau:bureau_score","bureau:grade"],"entities":{"applicant_id":["ann","old","nul","none"]},"full_feature_names":false}`:                                              `{"metadata":{"feature_names":["applicant_id","bureau_score","grade"]},"results":[` + keys + "," + column("700") + "," + column(`"A"`) + "]}",
		`{"entities":{"applicant_id":["ann","old","nul","none"]},"full_feature_names":true,"features":["bureau@1:thin","bureau:utilisation"],"include_feature_view_version_metadata":false}`: `{"metadata":{"feature_names":["applicant_id","bureau@1__thin","bureau__utilisation"]},"results":[` + keys + "," + column("false") + "," + column("0.5") + "]}",
	} {
		require.Equal(t, want, w.must(w.get(question)))
	}
}

// What was asked before is remembered by all that its answer depends on, but for the entities.
func TestTheSameAskedAgain(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	var first []string
	for round := range 3 {
		for i, question := range []string{
			`{"features":["bureau:bureau_score","bureau:grade"],"entities":{"applicant_id":["ann"]}}`,
			`{"features":["bureau:bureau_score","bureau:grade"],"entities":{"applicant_id":["old"]}}`,
			`{"features":["bureau:bureau_score","bureau:grade"],"entities":{"applicant_id":["ann"]},"full_feature_names":true}`,
			`{"features":["bureau:grade","bureau:bureau_score"],"entities":{"applicant_id":["ann"]}}`,
			`{"features":["bureau:bureau_score"],"feature_service":"credit@2","entities":{"applicant_id":["ann"]}}`,
			`{"feature_service":"credit@2","entities":{"applicant_id":["ann"]}}`,
		} {
			answer := w.must(w.get(question))
			if round == 0 {
				require.NotContains(t, first, answer)
				first = append(first, answer)
			}
			require.Equal(t, first[i], answer)
		}
		require.Equal(t, []string{"features[0] type"}, wrong(t, w.get(`{"features":["bureau:bureau_score\nbureau:grade"],"entities":{"applicant_id":["ann"]}}`)))
		require.Equal(t, []string{"entities.bank required", "entities.number required"}, wrong(t, w.get(`{"features":["payments"],"entities":{"applicant_id":["ann"]}}`))[:2])
	}
}

// Callers cannot fill the memory with what they ask.
func TestNotAllThatIsAskedIsRemembered(t *testing.T) {
	t.Parallel()
	var r remembered
	long := asked{features: strings.Repeat("a", maxAsked+1)}
	r.put(long, &selection{})
	for n := range 2 * maxRemembered {
		r.put(asked{features: fmt.Sprint(n)}, &selection{})
	}
	require.Nil(t, r.get(long))
	require.NotNil(t, r.get(asked{features: fmt.Sprint(maxRemembered - 1)}))
	require.Nil(t, r.get(asked{features: fmt.Sprint(maxRemembered)}))
}

func TestReferences(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	for question, want := range map[string][]string{
		`{"features":["bureau"],"entities":{"applicant_id":["ann"]}}`:                                             {"applicant_id", "bureau_score", "utilisation", "grade", "thin"},
		`{"features":["bureau@2"],"entities":{"applicant_id":["ann"]}}`:                                           {"applicant_id", "score_max_30d", "bureau_score", "utilisation", "grade", "thin"},
		`{"features":["bureau:thin","bureau","bureau:thin"],"entities":{"applicant_id":["ann"]}}`:                 {"applicant_id", "thin", "bureau_score", "utilisation", "grade"},
		`{"features":["coming@1:x"],"entities":{"applicant_id":["ann"]}}`:                                         {"applicant_id", "x"},
		`{"feature_service":"credit","entities":{"number":["1"],"applicant_id":["ann"],"bank":["b"]}}`:            {"number", "applicant_id", "bank", "bureau_score", "amount_30d", "late_30d", "thin"},
		`{"feature_service":"credit@2","features":["bureau:thin"],"entities":{"applicant_id":["ann"]}}`:           {"applicant_id", "score_max_30d", "thin"},
		`{"features":["credit@2","bureau@2:thin"],"entities":{"applicant_id":["ann"]},"full_feature_names":true}`: {"applicant_id", "bureau@2__score_max_30d", "bureau@2__thin"},
		`{"features":["bureau:bureau_score","bureau@2:bureau_score"],"entities":{"applicant_id":["ann"]},"full_feature_names":true}`: {
			"applicant_id", "bureau__bureau_score", "bureau@2__bureau_score"},
	} {
		var answer struct {
			Metadata struct {
				Names []string `json:"feature_names"`
			}
			Results []struct{ Values []any }
		}
		require.NoError(t, json.Unmarshal([]byte(w.must(w.get(question))), &answer))
		require.Equal(t, want, answer.Metadata.Names, question)
		require.Len(t, answer.Results, len(want))
	}
	// What was posted reaches the staged version as well.
	require.Contains(t, w.must(w.get(`{"features":["bureau@2:score_max_30d"],"entities":{"applicant_id":["ann"]}}`)), `"values":[700]`)
}

func TestQuestionsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	const ann = `"entities":{"applicant_id":["ann"]}`
	secret := "Zebediah"
	for body, want := range map[string][]string{
		`{}`:                                           {"features required", "entities required"},
		`{"features":[],` + ann + `}`:                  {"features required"},
		`{"features":"bureau",` + ann + `}`:            {"features type"},
		`{"features":[1],` + ann + `}`:                 {"features type"},
		`{"feature_service":1,` + ann + `}`:            {"feature_service type"},
		`{"features":["bureau"]}`:                      {"entities required"},
		`{"features":["bureau"],"more":1,` + ann + `}`: {"more unknown"},
		`{"features":["bureau"],"` + secret + ` was here":1,` + ann + `}`:                                 {" unknown"},
		`{"features":["bureau"],"features":["bureau"],` + ann + `}`:                                       {"features repeated"},
		`{"features":["bureau"],"full_feature_names":"yes",` + ann + `}`:                                  {"full_feature_names type"},
		`{"features":["bureau"],"entities":[]}`:                                                           {"entities type"},
		`{"features":["bureau"],"entities":{}}`:                                                           {"entities type"},
		`{"features":["bureau"],"entities":{"applicant_id":"ann"}}`:                                       {"entities.applicant_id type"},
		`{"features":["bureau"],"entities":{"applicant_id":[]}}`:                                          {"entities.applicant_id type"},
		`{"features":["bureau"],"entities":{"applicant_id":["ann",1.5,""]}}`:                              {"entities.applicant_id[1] type", "entities.applicant_id[2] type"},
		`{"features":["bureau"],"entities":{"applicant_id":["ann"],"applicant_id":["ann"]}}`:              {"entities.applicant_id repeated"},
		`{"features":["bureau"],"entities":{"applicant_id":["ann"],"bank":["b"]}}`:                        {"entities.bank unknown"},
		`{"features":["bureau"],"entities":{"` + secret + ` x":["ann"]}}`:                                 {"entities unknown"},
		`{"features":["payments"],"entities":{"bank":["b"]}}`:                                             {"entities.number required"},
		`{"features":["payments"],"entities":{"bank":["b"],"number":["1","2"]}}`:                          {"entities.number type"},
		`{"features":["nothing:x"],` + ann + `}`:                                                          {"features[0] unknown"},
		`{"features":["bureau","` + secret + `"],` + ann + `}`:                                            {"features[1] type"},
		`{"features":["bureau:income"],` + ann + `}`:                                                      {"features[0] unknown"},
		`{"features":["bureau@3:thin"],` + ann + `}`:                                                      {"features[0] unknown"},
		`{"features":["bureau@x:thin"],` + ann + `}`:                                                      {"features[0] type"},
		`{"features":["bureau@0:thin"],` + ann + `}`:                                                      {"features[0] type"},
		`{"features":["coming:x"],` + ann + `}`:                                                           {"features[0] unknown"},
		`{"features":["ratio"],` + ann + `}`:                                                              {"features[0] type"},
		`{"feature_service":"bureau",` + ann + `}`:                                                        {"feature_service unknown"},
		`{"feature_service":"credit@x",` + ann + `}`:                                                      {"feature_service type"},
		`{"feature_service":"credit@` + secret + `",` + ann + `}`:                                         {"feature_service type"},
		`{"feature_service":"computed",` + ann + `}`:                                                      {"feature_service type"},
		`{"features":["credit@1:thin"],` + ann + `}`:                                                      {"features[0] unknown"},
		`{"feature_service":"credit@1:thin",` + ann + `}`:                                                 {"feature_service unknown"},
		`{"features":["computed"],` + ann + `}`:                                                           {"features[0] type"},
		`{"features":["bureau","ratio@1"],` + ann + `}`:                                                   {"features[1] type"},
		`{"features":[` + strings.Repeat(`"bureau",`, 1000) + `"bureau"],` + ann + `}`:                    {"features range"},
		`{"feature_service":"credit@3",` + ann + `}`:                                                      {"feature_service unknown"},
		`{"features":["bureau:bureau_score","other:bureau_score"],` + ann + `}`:                           {"features[1] repeated"},
		`{"features":["bureau"],"entities":{"applicant_id":[` + strings.Repeat(`"a",`, 25_000) + `"a"]}}`: {"entities range"},
	} {
		for range 2 { // what is wrong is not remembered as right
			answer := w.get(body)
			require.Equal(t, http.StatusUnprocessableEntity, answer.Code, body[:min(len(body), 80)])
			require.Equal(t, want, wrong(t, answer), body[:min(len(body), 80)])
			require.NotContains(t, answer.Body.String(), secret)
		}
	}
	for body, code := range map[string]int{"": 400, "[]": 400, strings.Repeat("[", 100_000): 400, `{"features":["` + strings.Repeat("x", 8<<20) + `"]}`: 413} {
		require.Equal(t, code, w.get(body).Code)
	}
	// At the border of what is answered at once.
	w.must(w.get(`{"features":["bureau"],"entities":{"applicant_id":[` + strings.Repeat(`"a",`, 24_999) + `"a"]}}`))
}

// What is asked for in vain is named with what there is; an expression says why it is not answered.
func TestWhatIsSaidOfReferences(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	for references, want := range map[string]string{
		`"features":["bureau:bureau_scor"]`: `view bureau@1 has no feature \"bureau_scor\"; did you mean \"bureau_score\"?`,
		`"features":["bureau@7"]`:           `view \"bureau\" has no version 7; there is bureau@1, bureau@2`,
		`"features":["coming"]`:             `view \"coming\" has no active version; there is coming@1`,
		`"features":["ratio"]`:              `it is an expression: it is computed from a request, and not held for an entity`,
		`"feature_service":"computed"`:      `it has expressions only: they are computed from a request, and not held for an entity`,
		`"feature_service":"credit@3"`:      `service \"credit\" has no version 3; there is credit@1, credit@2`,
	} {
		answer := w.get(`{` + references + `,"entities":{"applicant_id":["ann"]}}`)
		require.Equal(t, http.StatusUnprocessableEntity, answer.Code)
		require.Contains(t, answer.Body.String(), want)
	}
}

// asked is an answer's values and statuses, by name.
func (w *world) asked(question string) map[string]struct{ Values, Statuses []any } {
	w.t.Helper()
	var answer struct {
		Metadata struct {
			Names []string `json:"feature_names"`
		}
		Results []struct{ Values, Statuses []any }
	}
	require.NoError(w.t, json.Unmarshal([]byte(w.must(w.get(question))), &answer))
	require.Len(w.t, answer.Results, len(answer.Metadata.Names))
	results := map[string]struct{ Values, Statuses []any }{}
	for i, name := range answer.Metadata.Names {
		results[name] = answer.Results[i]
	}
	return results
}

// Of nobody nothing is known, also where only one key of several is null; the others of the batch are answered as ever.
func TestKeysThatAreNull(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	w.must(w.post("payments", eventsOf(`{"event_id":"p","entity":{"bank":"north","number":"7"},"event_timestamp":"2026-03-30","values":{"amount":10.25}}`)))
	counted := &reads{Store: w.store}
	w.server.store = counted
	got := w.asked(`{"features":["bureau:bureau_score","payments:amount_30d"],"entities":{"applicant_id":[null,"ann","ann","ann","ann"],"bank":["north","north",null,"north",null],"number":["7",7,"7",null,null]}}`)
	require.Equal(t, []int{6}, counted.sizes, "nobody is looked up")
	require.Equal(t, []any{nil, "ann", "ann", "ann", "ann"}, got["applicant_id"].Values)
	require.Equal(t, []any{"NULL_VALUE", "PRESENT", "PRESENT", "PRESENT", "PRESENT"}, got["applicant_id"].Statuses)
	require.Equal(t, []any{"7", 7.0, "7", nil, nil}, got["number"].Values)
	require.Equal(t, []any{nil, 700.0, 700.0, 700.0, 700.0}, got["bureau_score"].Values)
	require.Equal(t, []any{"NOT_FOUND", "PRESENT", "PRESENT", "PRESENT", "PRESENT"}, got["bureau_score"].Statuses)
	require.Equal(t, []any{10.25, 10.25, nil, nil, nil}, got["amount_30d"].Values)
	require.Equal(t, []any{"PRESENT", "PRESENT", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"}, got["amount_30d"].Statuses)
	got = w.asked(`{"features":["bureau"],"entities":{"applicant_id":[null]}}`)
	require.Equal(t, []any{"NOT_FOUND"}, got["grade"].Statuses)
	require.Equal(t, []string{"entities.applicant_id[1] type"}, wrong(t, w.get(`{"features":["bureau"],"entities":{"applicant_id":[null,"",null]}}`)))
}

// reads counts the queries for states.
type reads struct {
	feature.Store
	sizes []int
}

func (r *reads) Read(ctx context.Context, at []feature.Address) ([][]byte, error) {
	r.sizes = append(r.sizes, len(at))
	return r.Store.Read(ctx, at)
}

// A batch of 1,000 applications with 20 features of each of three views is one query; more than one query takes are as few as can be, and nobody's views are
// told apart. Wanted: of each applicant what was posted for them, whose score says who they are.
func TestABatchOfManyApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counted := &reads{Store: w.store}
	w.server.store = counted
	var wide []feature.Feature
	for i := range 20 {
		wide = append(wide, feature.Feature{Name: fmt.Sprintf("f%d", i), Type: pipeline.Integer})
	}
	var rows []feature.Registered
	for _, name := range []string{"wide_a", "wide_b", "wide_c"} {
		document, err := json.Marshal(feature.View{Name: name, Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, Features: wide})
		require.NoError(t, err)
		rows = append(rows, feature.Registered{Kind: feature.KindView, Name: name, Version: 1, Meaning: name, Document: document, Stage: feature.Active, Actor: "ada"})
	}
	_, err := w.store.Register(t.Context(), int64(len(declared())), rows)
	require.NoError(t, err)
	const posted = 1000
	applicant := func(i int) string { return fmt.Sprintf(`"application-of-somebody-with-a-long-name-%d"`, i) }
	for view, name := range []string{"wide_a", "wide_b", "wide_c"} {
		var events []string
		for i := range posted {
			values := map[string]int{}
			for f := range wide {
				values[wide[f].Name] = 1_000_000*view + 100*i + f
			}
			data, err := json.Marshal(values)
			require.NoError(t, err)
			events = append(events, fmt.Sprintf(`{"event_id":"%d","entity":{"applicant_id":%s},"event_timestamp":"2026-03-30T10:00:00Z","values":%s}`, i, applicant(i), data))
		}
		w.must(w.post(name, eventsOf(events...)))
	}
	w.now = noon.Add(time.Second)
	for rows, test := range map[int]struct {
		features string
		queries  []int
	}{
		posted: {`"wide_a","wide_b","wide_c"`, []int{3000}},
		7001:   {`"wide_a:f3","wide_b:f19","wide_c:f0"`, []int{9999, 9999, 1005}},
		20_001: {`"wide_b:f19"`, []int{10_000, 10_000, 1}},
	} {
		var keys []string
		for i := range rows {
			keys = append(keys, applicant(i))
		}
		counted.sizes = nil
		got := w.asked(`{"features":[` + test.features + `],"full_feature_names":true,"entities":{"applicant_id":[` + strings.Join(keys, ",") + `]}}`)
		require.Equal(t, test.queries, counted.sizes)
		for view, name := range []string{"wide_a", "wide_b", "wide_c"} {
			for f := range wide {
				column, asked := got[fmt.Sprintf("%s__f%d", name, f)]
				require.True(t, asked || rows > posted)
				for i, value := range column.Values {
					if i < posted {
						require.Equal(t, float64(1_000_000*view+100*i+f), value) //nolint:testifylint // whole numbers
					} else {
						require.Equal(t, "NOT_FOUND", column.Statuses[i])
					}
				}
			}
		}
	}
}

// An event is not served before it is known, a correction at once, and a value no longer than its TTL.
func TestWhatIsServedFollowsTheEvents(t *testing.T) {
	t.Parallel()
	w := withEvents(t)
	score := func() string {
		var answer struct {
			Results []struct{ Values, Statuses []any }
		}
		require.NoError(t, json.Unmarshal([]byte(w.must(w.get(`{"features":["bureau:bureau_score"],"entities":{"applicant_id":["ann"]}}`))), &answer))
		return fmt.Sprint(answer.Results[1].Values[0], " ", answer.Results[1].Statuses[0])
	}
	require.Equal(t, "700 PRESENT", score())
	w.must(w.post("bureau", eventsOf(bureauEvent("700", "710"))))
	require.Equal(t, "710 PRESENT", score())
	w.must(w.post("bureau", eventsOf(bureauEvent("e-1", "late", "700", "500", "2026-03-30", "2026-03-29"))))
	require.Equal(t, "710 PRESENT", score(), "an older row is not the newest")
	event := time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC)
	w.now = event.AddDate(0, 0, 120).Add(-time.Microsecond)
	require.Equal(t, "710 PRESENT", score())
	w.now = event.AddDate(0, 0, 120)
	require.Equal(t, "<nil> OUTSIDE_MAX_AGE", score())
}

// Wanted: a JSON number that reads back as the same bits, with a fraction or an exponent unless the type is whole.
func TestValuesAreReadBackAsThemselves(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		of    pipeline.ColumnType
		value transform.Value
		want  string
	}{
		{pipeline.Integer, transform.Value{Number: 700}, "700"}, {pipeline.Integer, transform.Value{Number: 1 << 53}, "9007199254740992"},
		{pipeline.Number, transform.Value{Number: 2}, "2.0"}, {pipeline.Number, transform.Value{Number: 0.1}, "0.1"}, {pipeline.Number, transform.Value{Number: 1e300}, "1e+300"},
		{pipeline.Number, transform.Value{Number: -5e-324}, "-5e-324"}, {pipeline.Decimal, transform.Value{Number: 10.25}, "10.25"}, {pipeline.Decimal, transform.Value{Number: -3}, "-3.0"},
		{pipeline.Boolean, transform.Value{Number: 1}, "true"}, {pipeline.Boolean, transform.Value{}, "false"}, {pipeline.Category, transform.Value{Text: `"<é>`}, `"\"\u003cé\u003e"`},
		{pipeline.Category, transform.Value{Missing: true}, "null"},
	} {
		got := string(appendValue([]byte("1e."), test.of, test.value)[3:])
		require.Equal(t, test.want, got)
		if test.of.Quantity() {
			var back float64
			require.NoError(t, json.Unmarshal([]byte(got), &back))
			require.Equal(t, test.value.Number, back)
		}
	}
	for at, want := range map[feature.Instant]string{0: `"1970-01-01T00:00:00Z"`, 1: `"1970-01-01T00:00:00.000001Z"`, -1_500_000: `"1969-12-31T23:59:58.500000Z"`} {
		require.Equal(t, want, string(appendInstant(nil, at)))
	}
}

// 20 features of a view for one entity, as a decision asks, from the request to the answer.
func BenchmarkGet(b *testing.B) {
	w := withEvents(b)
	const question = `{"features":["bureau@2","bureau@1"],"entities":{"applicant_id":["ann"]},"full_feature_names":true}`
	w.must(w.get(question))
	b.ReportAllocs()
	for b.Loop() {
		w.get(question)
	}
}
