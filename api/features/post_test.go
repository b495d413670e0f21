package features

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// event is one of a bureau, whose parts a test may replace.
func bureauEvent(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(
		`{"event_id":"e-1","entity":{"applicant_id":"ann"},"event_timestamp":"2026-03-30T10:00:00Z","values":{"bureau_score":700,"utilisation":0.5,"grade":"A","thin":false}}`)
}

func eventsOf(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

func TestEventsAreWrittenAndAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.JSONEq(t, `{"events":[{"event_id":"e-1","created_timestamp":"2026-03-31T12:00:00Z","duplicate":false},{"event_id":"e-2","created_timestamp":"2026-03-31T12:00:00.000001Z","duplicate":false}],"written":2,"duplicates":0}`,
		w.must(w.post("bureau", eventsOf(bureauEvent(), bureauEvent("e-1", "e-2", `"ann"`, "42", "700", "650.0")))))
	w.now = noon.Add(time.Minute)
	// The same again, in another order and form; and corrected.
	again := `{"values":{"thin":false,"grade":"A","utilisation":5e-1,"bureau_score":700.0},"event_timestamp":"2026-03-30T12:00:00.000+02:00","entity":{"applicant_id":"ann"},"event_id":"e-1"}`
	require.JSONEq(t, `{"events":[{"event_id":"e-1","created_timestamp":"2026-03-31T12:00:00Z","duplicate":true},{"event_id":"e-1","created_timestamp":"2026-03-31T12:01:00Z","duplicate":false}],"written":1,"duplicates":1}`,
		w.must(w.post("bureau", eventsOf(again, bureauEvent("700", "710")))))
	log, err := w.store.Events(t.Context(), "bureau", 0, 10)
	require.NoError(t, err)
	require.Len(t, log, 3)
	require.Equal(t, feature.KeyOf("42"), log[1].Key)
	require.Equal(t, `{"bureau_score":650,"grade":"A","thin":false,"utilisation":0.5}`, string(log[1].Values))
	// What is missing is left out, however it is said.
	w.must(w.post("bureau", eventsOf(`{"event_id":"e-3","entity":{"applicant_id":"bob"},"event_timestamp":"2026-03-30T10:00:00Z","values":{"grade":null,"utilisation":-0.0}}`)))
	log, err = w.store.Events(t.Context(), "bureau", 3, 10)
	require.NoError(t, err)
	require.Equal(t, `{"utilisation":0}`, string(log[0].Values))
}

func TestEventsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := "Zebediah"
	for body, want := range map[string][]string{
		`{}`:                                   {"events type"},
		`{"events":[]}`:                        {"events type"},
		`{"events":{}}`:                        {"events type"},
		`{"events":[1],"more":1}`:              {"events type"},
		`{"events":[1]}`:                       {"events[0] type"},
		eventsOf(bureauEvent(), `{}`):          {"events[1].event_id required", "events[1].entity required", "events[1].event_timestamp required", "events[1].values required"},
		eventsOf(bureauEvent("e-1", "")):       {"events[0].event_id type"},
		eventsOf(bureauEvent(`"e-1"`, "1")):    {"events[0].event_id type"},
		eventsOf(bureauEvent("e-1", `\u0000`)): {"events[0].event_id type"},
		eventsOf(bureauEvent("e-1", "\xff")):   {"events[0].event_id type"},
		eventsOf(bureauEvent("e-1", strings.Repeat("x", 201))):                                 {"events[0].event_id type"},
		eventsOf(bureauEvent(`"ann"`, "null")):                                                 {"events[0].entity.applicant_id type"},
		eventsOf(bureauEvent(`"ann"`, "1.5")):                                                  {"events[0].entity.applicant_id type"},
		eventsOf(bureauEvent(`"ann"`, "true")):                                                 {"events[0].entity.applicant_id type"},
		eventsOf(bureauEvent(`"ann"`, `"`+strings.Repeat("x", 201)+`"`)):                       {"events[0].entity.applicant_id type"},
		eventsOf(bureauEvent(`{"applicant_id":"ann"}`, `"ann"`)):                               {"events[0].entity type"},
		eventsOf(bureauEvent("applicant_id", "account_id")):                                    {"events[0].entity.account_id unknown", "events[0].entity.applicant_id required"},
		eventsOf(bureauEvent("10:00:00Z", "10:00:00")):                                         {"events[0].event_timestamp type"},
		eventsOf(bureauEvent(`"2026-03-30T10:00:00Z"`, "1774864800")):                          {"events[0].event_timestamp type"},
		eventsOf(bureauEvent("2026-03-30", "2026-02-30")):                                      {"events[0].event_timestamp type"},
		eventsOf(bureauEvent("2026-03-30", "1899-12-31")):                                      {"events[0].event_timestamp range"},
		eventsOf(bureauEvent("2026-03-30T10:00:00Z", "2026-03-31T12:00:00.000000001Z")):        {"events[0].event_timestamp range"},
		eventsOf(bureauEvent("2026-03-30T10:00:00Z", "9999-12-31T23:59:59Z")):                  {"events[0].event_timestamp range"},
		eventsOf(bureauEvent("700", "851")):                                                    {"events[0].values.bureau_score range"},
		eventsOf(bureauEvent("700", "700.5")):                                                  {"events[0].values.bureau_score type"},
		eventsOf(bureauEvent("700", `"`+secret+`"`)):                                           {"events[0].values.bureau_score type"},
		eventsOf(bureauEvent(`"A"`, `"`+secret+`"`)):                                           {"events[0].values.grade domain"},
		eventsOf(bureauEvent("0.5", "1e400")):                                                  {"events[0].values.utilisation range"},
		eventsOf(bureauEvent("false", "1")):                                                    {"events[0].values.thin type"},
		eventsOf(bureauEvent(`"thin":`, `"income":1,"thin":`)):                                 {"events[0].values.income unknown"},
		eventsOf(bureauEvent(`"thin":`, `"`+secret+` lives here":1,"thin":`)):                  {"events[0].values unknown"},
		eventsOf(bureauEvent(`"thin":`, `"grade":"A","thin":`)):                                {"events[0].values.grade repeated"},
		eventsOf(bureauEvent(`"values":`, `"created_timestamp":"2026-01-01","values":`)):       {"events[0].created_timestamp unknown"},
		eventsOf(bureauEvent("700", "1"), bureauEvent("0.5", "true"), bureauEvent(`"A"`, "1")): {"events[0].values.bureau_score range", "events[1].values.utilisation type", "events[2].values.grade type"},
	} {
		answer := w.post("bureau", body)
		require.Equal(t, http.StatusUnprocessableEntity, answer.Code, body)
		require.Equal(t, want, wrong(t, answer), body)
		require.NotContains(t, answer.Body.String(), secret, "what was sent is not repeated")
	}
	for body, code := range map[string]int{"": 400, "{": 400, "[]": 400, eventsOf(bureauEvent()) + "{}": 400, strings.Repeat("[", 100_000): 400, `{"events":["` + strings.Repeat("x", 8<<20) + `"]}`: 413} {
		require.Equal(t, code, w.post("bureau", body).Code, body[:min(len(body), 50)])
	}
	many := strings.Repeat(bureauEvent()+",", 1000) + bureauEvent()
	answer := w.post("bureau", strings.ReplaceAll(`{"events":[`+many+`]}`, `,"utilisation":0.5,"grade":"A","thin":false`, ""))
	require.Equal(t, []string{"events type"}, wrong(t, answer))
	require.Contains(t, answer.Body.String(), `"detail":"one field is wrong; no event was written"`)
	require.Contains(t, answer.Body.String(), "has 1001 events; 1 to 1000 are taken at once")
	log, err := w.store.Events(t.Context(), "bureau", 0, 10)
	require.NoError(t, err)
	require.Empty(t, log, "nothing of a batch is written of which one is wrong")
	// At the border of what is not true yet.
	w.must(w.post("bureau", eventsOf(bureauEvent("2026-03-30T10:00:00Z", "2026-03-31T12:00:00Z"))))
}

func TestViewsThatTakeNoEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for view, code := range map[string]int{"nothing": 404, "bureau@1": 404, "other": 422, "coming": 422, "%00": 404} {
		require.Equal(t, code, w.post(view, eventsOf(bureauEvent())).Code, view)
	}
	require.Contains(t, w.post("other", eventsOf(`{"event_id":"e","entity":{"applicant_id":"a"},"event_timestamp":"2026-03-30T00:00:00Z","values":{}}`)).Body.String(), "view other takes no events")
	require.Equal(t, http.StatusUnsupportedMediaType, func() int {
		request := newRequest(http.MethodPost, "/v1/features/bureau", "write", eventsOf(bureauEvent()))
		request.Header.Set("Content-Type", "text/plain")
		return w.do(request).Code
	}())
}

// Wanted by hand, of the rules thin_has_no_grade (thin == false || missing(grade)) and worst_is_b (bureau_score >= 400 || grade == "B").
func TestEventsThatBreakRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := w.post("bureau", eventsOf(
		bureauEvent(), bureauEvent("e-1", "e-2", "false", "true"), bureauEvent("e-1", "e-3", "false", "true", "700", "399"), bureauEvent("e-1", "e-4", "false", "true", "700", "1"), bureauEvent("e-1", "", "700", "399")))
	require.Equal(t, []string{"events[1] broken", "events[2] broken", "events[2] broken", "events[3].values.bureau_score range", "events[4].event_id type", "events[4] broken"}, wrong(t, answer),
		"what is no value of its column is held against no rule")
	require.Contains(t, answer.Body.String(), `{"field":"events[1]","rule":"broken","detail":"breaks the rule thin_has_no_grade of view bureau"}`)
	require.Contains(t, answer.Body.String(), `{"field":"events[4]","rule":"broken","detail":"breaks the rule worst_is_b of view bureau"}`)
	log, err := w.store.Events(t.Context(), "bureau", 0, 10)
	require.NoError(t, err)
	require.Empty(t, log, "nothing of a batch is written of which one is wrong")
	// A rule of which it is not known, for a value is missing, is not broken; what decides anyway does.
	w.must(w.post("bureau", eventsOf(
		bureauEvent("e-1", "e-5", "false", "null"), bureauEvent("e-1", "e-6", "700", "399", `"A"`, "null"), bureauEvent("e-1", "e-7", "700", "null"), bureauEvent("e-1", "e-8", "700", "399", `"A"`, `"B"`))))
}

// A number of which there is no 64-bit number of units is refused where it comes in, if it is summed; so no sum of one row is too large, and of many it is that entity's alone.
func TestNumbersThatAreTooLargeToBeSummed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.definitions.every = 0
	window := feature.Span(30 * 24 * time.Hour)
	document, err := json.Marshal(feature.View{Name: "turnover", Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, ID: "number",
		Columns:  []pipeline.Column{{Name: "amount", Type: pipeline.Number}, {Name: "free", Type: pipeline.Number}},
		Features: []feature.Feature{{Name: "sum_30d", Aggregate: feature.Sum, Of: "amount", Over: window}, {Name: "most_30d", Aggregate: feature.Max, Of: "free", Over: window}}})
	require.NoError(t, err)
	_, err = w.store.Register(t.Context(), int64(len(declared())), []feature.Registered{{Kind: feature.KindView, Name: "turnover", Version: 1, Meaning: "m", Document: document, Stage: feature.Active, Actor: "ada"}})
	require.NoError(t, err)
	event := func(id, applicant, amount string) string {
		return fmt.Sprintf(`{"event_id":%q,"entity":{"applicant_id":%q},"event_timestamp":"2026-03-3%sT00:00:00Z","values":{"amount":%s,"free":%s}}`, id, applicant, id[:1], amount, amount)
	}
	answer := w.post("turnover", eventsOf(event("0", "ann", "9223372036855"), event("1", "ann", "-1e15")))
	require.Equal(t, []string{"events[0].values.amount range", "events[1].values.amount range"}, wrong(t, answer), "what is not summed may be any number")
	require.Contains(t, answer.Body.String(), "a number from -9.223372036854e+12 to 9.223372036854e+12 is wanted")
	w.must(w.post("turnover", eventsOf(event("0", "ann", "9223372036854"), event("1", "ann", "9223372036854"), event("0a", "bob", "1"))))
	require.JSONEq(t, `{"metadata":{"feature_names":["applicant_id","sum_30d"]},"results":[
		{"values":["ann","bob"],"statuses":["PRESENT","PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]},
		{"values":[null,1],"statuses":["NULL_VALUE","PRESENT"],"event_timestamps":["2026-03-31T00:00:00Z","2026-03-30T00:00:00Z"]}]}`,
		w.must(w.get(`{"features":["turnover:sum_30d"],"entities":{"applicant_id":["ann","bob"]}}`)))
}

// The sender's clock is ahead: what is to be done is said, with the server's own time.
func TestAnEventThatIsNotTrueYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := eventsOf(bureauEvent("2026-03-30T10:00:00Z", "2026-03-31T12:00:01Z"))
	answer := w.post("bureau", event)
	require.Equal(t, []string{"events[0].event_timestamp range"}, wrong(t, answer))
	require.Contains(t, answer.Body.String(), "is not true yet: it is 2026-03-31T12:00:00Z by this server's clock; post it then")
	w.now = noon.Add(time.Second)
	w.must(w.post("bureau", event))
	log, err := w.store.Events(t.Context(), "bureau", 0, 10)
	require.NoError(t, err)
	require.LessOrEqual(t, log[0].Event, log[0].Created)
}

// A correction keeps entity and event_timestamp; which event does not is named.
func TestEventsThatMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.post("bureau", eventsOf(bureauEvent())))
	for _, moved := range []string{bureauEvent("ann", "bob"), bureauEvent("10:00", "10:01")} {
		answer := w.post("bureau", eventsOf(bureauEvent("e-1", "e-2"), moved))
		require.Equal(t, http.StatusUnprocessableEntity, answer.Code)
		require.Equal(t, []string{"events[1].event_id moved"}, wrong(t, answer))
	}
	log, err := w.store.Events(t.Context(), "bureau", 0, 10)
	require.NoError(t, err)
	require.Len(t, log, 1)
}

// A view of days, of an entity with two keys, and columns of which one must be there.
func TestEventsOfDaysAndSeveralKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	payment := func(id, day, values string) string {
		return fmt.Sprintf(`{"event_id":%q,"entity":{"number":7,"bank":"north"},"event_timestamp":%q,"values":%s}`, id, day, values)
	}
	require.Equal(t, []string{"events[0].event_timestamp type", "events[1].values.amount required", "events[2].values.amount type"}, wrong(t, w.post("payments", eventsOf(
		payment("a", "2026-03-30T00:00:00Z", `{"amount":1}`), payment("b", "2026-03-30", `{"late":true}`), payment("c", "2026-03-30", `{"amount":0.00001}`)))))
	w.must(w.post("payments", eventsOf(payment("a", "2026-03-30", `{"amount":10.25,"late":true}`), payment("b", "2026-03-01", `{"amount":1.5}`), payment("c", "2026-02-28", `{"amount":100}`))))
	log, err := w.store.Events(t.Context(), "payments", 0, 1)
	require.NoError(t, err)
	require.Equal(t, feature.KeyOf("north", "7"), log[0].Key, "in the entity's order")
	require.Equal(t, feature.InstantOf(time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)), log[0].Event)
	// 30 days before that of the moment, which is March 31, begin at March 1.
	require.JSONEq(t, `{"metadata":{"feature_names":["number","bank","amount_30d","late_30d"]},"results":[
		{"values":["7"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},{"values":["north"],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},
		{"values":[11.75],"statuses":["PRESENT"],"event_timestamps":["2026-03-30T00:00:00Z"]},{"values":[1],"statuses":["PRESENT"],"event_timestamps":["2026-03-30T00:00:00Z"]}]}`,
		w.must(w.get(`{"features":["payments"],"entities":{"number":["7"],"bank":["north"]}}`)))
}

// Whatever is sent, it is answered, and what was not accepted is not written.
func FuzzEvents(f *testing.F) {
	for _, body := range []string{eventsOf(bureauEvent()), eventsOf(bureauEvent(), bureauEvent("700", "null")), `{"events":[{}]}`, "", `{"events":[{"values":{"a":{"b":[]}}}]}`} {
		f.Add([]byte(body))
	}
	known, err := newCatalogue(rowsToRegister())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, wrong, err := known.posted("bureau").events(body, noon)
		if err != nil || len(wrong) > 0 {
			return
		}
		for _, row := range rows {
			texts, err := row.Key.Texts()
			require.NoError(t, err)
			require.Len(t, texts, 1)
			require.NotEmpty(t, row.ID)
			require.True(t, json.Valid(row.Values))
			require.LessOrEqual(t, row.Event, feature.InstantOf(noon))
		}
	})
}
