package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
)

func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithCancel(r.Context())
}

// A predictor that hangs is seen while it does, by what was started and has not ended.
func TestAHangingRequestIsUnderWay(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	request := newRequest("k-north", "/v1/decisions", application())
	ctx, hangUp := contextOf(request)
	asked := make(chan struct{})
	slow := predictorDoing(t, func(w http.ResponseWriter, r *http.Request, body string) {
		close(asked)
		hanging(w, r, body)
	})
	g.table.set(two(slow, slow, 100))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		serve(g.Handler(), request.WithContext(ctx))
	}()
	<-asked
	require.Equal(t, 1, counted(t, g, contract.StartedMetric, "track=blue", "model_version=1", "policy=p1", "synthetic=false", "kind=single"))
	require.Zero(t, counted(t, g, contract.RequestsMetric))
	hangUp()
	<-ended
	require.Equal(t, 1, counted(t, g, contract.RequestsMetric, "code=499"))
}

// It is seen at its end too, as something else than a predictor that is away.
func TestAPredictorThatDoesNotAnswerInTimeIsATimeout(t *testing.T) {
	for name, does := range map[string]func(http.ResponseWriter, *http.Request, string){
		"no answer": hanging,
		"half an answer": func(w http.ResponseWriter, r *http.Request, body string) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			hanging(w, r, body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, "http://agent.invalid")
			g.timeout = 50 * time.Millisecond
			slow := predictorDoing(t, does)
			g.table.set(two(slow, slow, 100))
			answer := serve(g.Handler(), newRequest("k-north", "/v1/decisions", application()))
			require.Equal(t, http.StatusGatewayTimeout, answer.Code)
			require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
			require.Equal(t, 1, counted(t, g, contract.RequestsMetric, "code=504"))
			require.Equal(t, 1, counted(t, g, contract.RequestsMetric))
			require.Equal(t, 1, counted(t, g, contract.DurationMetric), "its callers have waited")
		})
	}
}

// One client that repeats one applicant is one applicant, for each track, as long as that runs.
func TestARepeatedApplicationIsDecidedOncePerTrack(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	blue, green := predictorDoing(t, deciding("0.25", "approve")), predictorDoing(t, deciding("0.75", "decline"))
	body := application()
	repeat := func(key string) {
		for range 10 {
			require.Equal(t, 200, serve(g.Handler(), newRequest(key, "/v1/decisions", body)).Code)
		}
	}
	for _, weight := range []int{50, 20, 80} {
		g.table.set(two(blue, green, weight))
		repeat("k-north")
	}
	require.Equal(t, 30, counted(t, g, contract.RequestsMetric, "code=200"))
	require.Equal(t, 30, counted(t, g, contract.DurationMetric))
	for _, metric := range []string{contract.ScoreMetric, contract.DecisionsMetric} {
		require.Equal(t, 1, counted(t, g, metric, "track=blue"), metric)
		require.Equal(t, 1, counted(t, g, metric, "track=green"), metric)
	}
	repeat("k-own")
	require.Equal(t, 10, counted(t, g, contract.DecisionsMetric, "synthetic=true"), "what the platform asks is drawn from a pool, again and again")

	// Another policy in the slot is another track; the one that comes back after it begins anew.
	routes := two(blue, green, 100)
	routes.Pipelines["loans"].Tracks["blue"] = contract.RouteTrack{URL: blue.URL, ModelVersion: 1, PolicyDigest: "p3"}
	g.table.set(routes)
	repeat("k-north")
	require.Equal(t, 1, counted(t, g, contract.DecisionsMetric, "policy=p3"))
	g.table.set(two(blue, green, 100))
	repeat("k-north")
	require.Equal(t, 2, counted(t, g, contract.DecisionsMetric, "policy=p1", "synthetic=false"))

	// When another track joins, both begin anew: whom one had answered before would count for the other alone. While both share, they go on.
	answered := func() (blue, green int) {
		return counted(t, g, contract.DecisionsMetric, "track=blue", "synthetic=false"), counted(t, g, contract.DecisionsMetric, "track=green", "synthetic=false")
	}
	before, beforeGreen := answered()
	g.table.set(two(blue, green, 50))
	repeat("k-north")
	after, afterGreen := answered()
	require.Equal(t, []int{before + 1, beforeGreen + 1}, []int{after, afterGreen})
	g.table.set(two(blue, green, 20))
	repeat("k-north")
	again, againGreen := answered()
	require.Equal(t, []int{after, afterGreen}, []int{again, againGreen})
}

// Nor is it another one with the time at which it asks, or written in another way. What names it is between gateway and predictor.
func TestAnApplicationIsTheSameHoweverItIsWritten(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(toReal(mirroring(realPredictor(t, 1), realPredictor(t, 2))))
	repeat := func(key string) {
		for i := range 10 {
			for _, format := range []string{
				`{"debt": 1, "application_date": "2026-06-%d"}`, `{"application_date": "2026-06-%d", "debt": 1}`,
				`{"debt":1.0,"application_date":"2026-06-%d"}`, "{\n\"debt\": 1, \"application_date\": \"2026-06-%d\"}\n",
			} {
				answer := serve(g.Handler(), newRequest(key, "/v1/decisions", fmt.Sprintf(format, 10+i)))
				require.Equal(t, 200, answer.Code, answer.Body)
				require.NotContains(t, answer.Header(), http.CanonicalHeaderKey(contract.ApplicationHeader))
			}
		}
	}
	repeat("k-north")
	require.Equal(t, 40, counted(t, g, contract.RequestsMetric))
	require.Equal(t, 1, counted(t, g, contract.DecisionsMetric))
	require.Equal(t, 1, counted(t, g, contract.ScoreMetric))
	require.Equal(t, 1, counted(t, g, contract.PairsStartedMetric))
	require.Equal(t, 39, counted(t, g, contract.PairsDroppedMetric, "reason=repeated"))
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", `{"debt": 2, "application_date": "2026-06-10"}`))
	require.Equal(t, 2, counted(t, g, contract.DecisionsMetric), "another applicant")
	require.Equal(t, 2, counted(t, g, contract.PairsStartedMetric))
	for _, key := range []string{"k-own", "k-north"} {
		serve(g.Handler(), newRequest(key, "/v1/decisions", `{"debt": 3}`))
	}
	require.Equal(t, 3, counted(t, g, contract.PairsStartedMetric, "synthetic=false"), "the platform asked about this one, no client did")
	repeat("k-own")
	require.Equal(t, 41, counted(t, g, contract.DecisionsMetric, "synthetic=true"))
}

// An idempotency key keeps its track: a client that sends its own rubbish again and again under one must not make a bad track of it.
func TestARepeatedRefusalIsCountedOncePerTrack(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	refusing := predictorDoing(t, answering(http.StatusUnprocessableEntity))
	rubbish := application()
	repeat := func(key, path, body string) {
		for range 10 {
			request := newRequest(key, path, body)
			request.Header.Set("Idempotency-Key", "sticks")
			require.Equal(t, 422, serve(g.Handler(), request).Code)
		}
	}
	refused := func(labels ...string) int { return counted(t, g, contract.RefusedMetric, labels...) }
	g.table.set(two(refusing, refusing, 100))
	repeat("k-north", "/v1/decisions", rubbish)
	require.Equal(t, 10, counted(t, g, contract.RequestsMetric, "code=422"), "people see each")
	require.Equal(t, 1, refused("track=blue", "model_version=1", "policy=p1", "synthetic=false", "kind=single"))
	repeat("k-north", "/v1/decisions", application())
	require.Equal(t, 2, refused(), "other rubbish is another refusal")
	repeat("k-north", "/v1/decisions/batch", rubbish)
	require.Equal(t, 1, refused("kind=batch"))
	repeat("k-own", "/v1/decisions", rubbish)
	require.Equal(t, 10, refused("synthetic=true"), "what the platform asks is drawn from a pool, again and again")

	// When another track joins, both begin anew, as with decisions; each counts its own.
	g.table.set(two(refusing, refusing, 50))
	for range 10 {
		serve(g.Handler(), newRequest("k-north", "/v1/decisions", rubbish))
	}
	require.Equal(t, 3, refused("track=blue", "synthetic=false", "kind=single"))
	require.Equal(t, 1, refused("track=green"))
	g.table.set(two(refusing, refusing, 20))
	for range 10 {
		serve(g.Handler(), newRequest("k-north", "/v1/decisions", rubbish))
	}
	require.Equal(t, 3, refused("track=blue", "synthetic=false", "kind=single"))
	require.Equal(t, 1, refused("track=green"))
}

// Only what the predictor finds wrong with a request is refused.
func TestFailuresAreNotRefused(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	for _, blue := range []*httptest.Server{predictorDoing(t, answering(200)), predictorDoing(t, answering(500)), gone()} {
		g.table.set(two(blue, blue, 100))
		ask(g.Handler(), "k-north", "")
	}
	require.Equal(t, 3, counted(t, g, contract.RequestsMetric))
	require.Zero(t, counted(t, g, contract.RefusedMetric))
}

// Refusals are no decisions, and do not make the decision that follows a repetition.
func TestARefusedApplicationIsNotDecided(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	status := http.StatusUnprocessableEntity
	blue := predictorDoing(t, func(w http.ResponseWriter, r *http.Request, body string) {
		deciding("0.25", "approve")(w, r, body)
		w.WriteHeader(status)
	})
	g.table.set(two(blue, blue, 100))
	body := application()
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", body))
	require.Zero(t, counted(t, g, contract.DecisionsMetric))
	status = http.StatusOK
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", body))
	require.Equal(t, 1, counted(t, g, contract.DecisionsMetric, "verdict=approve"))
}

// A thousand applications take longer than one: their time must not pass for that of single decisions, nor theirs for a batch's.
func TestBatchesAndSinglesAreCountedApart(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	decides := func(w http.ResponseWriter, r *http.Request, body string) {
		if r.URL.Path == "/v1/decisions" {
			deciding("0.25", "approve")(w, r, body)
		}
	}
	g.table.set(mirroring(predictorDoing(t, decides), predictorDoing(t, decides)))
	for path, times := range map[string]int{"/v1/decisions": 3, "/v1/decisions/batch": 2, "/v1/pipelines/loans/decisions": 4, "/v1/pipelines/loans/decisions/batch": 4} {
		for range times {
			require.Equal(t, 200, serve(g.Handler(), newRequest("k-north", path, application())).Code)
		}
	}
	eventually(t, g, 13, contract.PairsEndedMetric)
	for _, metric := range []string{contract.StartedMetric, contract.RequestsMetric, contract.DurationMetric, contract.PairsStartedMetric, contract.PairsEndedMetric} {
		require.Equal(t, 7, counted(t, g, metric, "kind=single"), metric)
		require.Equal(t, 6, counted(t, g, metric, "kind=batch"), metric)
	}
	for _, side := range []string{"side=served", "side=mirror"} {
		require.Equal(t, 7, counted(t, g, contract.PairScoreMetric, side))
		require.Equal(t, 7, counted(t, g, contract.PairDurationMetric, "kind=single", side))
		require.Equal(t, 6, counted(t, g, contract.PairDurationMetric, "kind=batch", side))
	}
	for _, metric := range []string{contract.ScoreMetric, contract.DecisionsMetric, contract.PairVerdictsMetric} {
		require.Equal(t, 7, counted(t, g, metric, "kind=single"), metric)
		require.Equal(t, 7, counted(t, g, metric), metric)
	}
}
