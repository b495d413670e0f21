package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// mirroring routes everything to blue and copies of it to green.
func mirroring(blue, green *httptest.Server) contract.Routes {
	r := two(blue, green, 100)
	route := r.Pipelines["loans"]
	route.Mirror = contract.Green
	r.Pipelines["loans"] = route
	return r
}

// predictorDoing is a predictor that reads its request and then does as it is told.
func predictorDoing(t testing.TB, does func(w http.ResponseWriter, r *http.Request, body string)) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		does(w, r, string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// deciding answers with a probability and a verdict.
func deciding(probability, verdict string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("LoanOps-Probability", probability)
		w.Header().Set("LoanOps-Verdict", verdict)
	}
}

func answering(status int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(status) }
}

func hanging(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }

// gone is where no predictor is any more.
func gone() *httptest.Server {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s
}

func TestCopiesAreMarkedAndTheSameOtherwise(t *testing.T) {
	type asked struct{ path, body, mirrored, synthetic, contentType string }
	noting := func(to chan asked) *httptest.Server {
		return predictorDoing(t, func(_ http.ResponseWriter, r *http.Request, body string) {
			to <- asked{r.URL.Path, body, r.Header.Get("LoanOps-Mirrored"), r.Header.Get("LoanOps-Synthetic"), r.Header.Get("Content-Type")}
		})
	}
	served, copies := make(chan asked, 1), make(chan asked, 1)
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(noting(served), noting(copies)))
	for _, path := range []string{"/v1/decisions", "/v1/decisions/batch"} {
		for key, synthetic := range map[string]string{"k-north": "", "k-own": "true"} {
			body := application()
			request := newRequest(key, path, body)
			request.Header.Set("LoanOps-Mirrored", "true")
			request.Header.Set("LoanOps-Synthetic", "true")
			serve(g.Handler(), request)
			require.Equal(t, asked{path, body, "", synthetic, "application/json"}, <-served, "a caller cannot mark its own request")
			require.Equal(t, asked{path, body, "true", synthetic, "application/json"}, <-copies)
		}
	}
}

// Whatever the mirror does, the client gets what it gets without one, and waits for nothing: the mirror answers only once the client has its
// answer, and the pair shows that it then still could.
func TestTheMirrorsAnswerReachesNobody(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		outcome string
	}{"answers": {200, "ok"}, "refuses": {422, "refused"}, "fails": {500, "failed"}} {
		t.Run(name, func(t *testing.T) {
			alone, g := newGateway(t, "http://agent.invalid"), newGateway(t, "http://agent.invalid")
			blue := predictorAnswering(t, "1", 200)
			clientHasItsAnswer := make(chan struct{})
			green := predictorDoing(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				<-clientHasItsAnswer
				w.Header().Set("LoanOps-Probability", "0.99")
				w.Header().Set("LoanOps-Verdict", "decline")
				w.Header().Set("LoanOps-Model-Version", "2")
				w.Header().Set("Cache-Control", "private")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, "the mirror's")
			})
			alone.table.set(two(blue, green, 100))
			g.table.set(mirroring(blue, green))
			body := application()
			want := serve(alone.Handler(), newRequest("k-north", "/v1/decisions", body))
			got := serve(g.Handler(), newRequest("k-north", "/v1/decisions", body))
			close(clientHasItsAnswer)
			require.Equal(t, want.Code, got.Code)
			require.Equal(t, want.Header(), got.Header())
			require.Equal(t, want.Body.String(), got.Body.String())
			eventually(t, g, 1, contract.PairsEndedMetric, "outcome=ok", "mirror_outcome="+test.outcome)
		})
	}
}

// The wanted outcomes are those of the contract: 2xx, 4xx, 5xx or nobody there, no answer in time. Each is held against each.
func TestPairsEndByBothOutcomes(t *testing.T) {
	sides := []struct {
		name, outcome string
		code          int
		does          func(http.ResponseWriter, *http.Request, string)
	}{
		{"ok", "ok", 200, answering(200)}, {"refuses", "refused", 422, answering(422)}, {"fails", "failed", 500, answering(500)},
		{"gone", "failed", 502, nil}, {"hangs", "unended", 504, hanging},
	}
	for _, served := range sides {
		for _, mirror := range sides {
			t.Run(served.name+" and "+mirror.name, func(t *testing.T) {
				t.Parallel()
				g := newGateway(t, "http://agent.invalid")
				if served.name == "hangs" || mirror.name == "hangs" {
					g.timeout = time.Second // far above what a side that answers takes
				}
				blue, green := gone(), gone()
				if served.does != nil {
					blue = predictorDoing(t, served.does)
				}
				if mirror.does != nil {
					green = predictorDoing(t, mirror.does)
				}
				g.table.set(mirroring(blue, green))
				require.Equal(t, served.code, serve(g.Handler(), newRequest("k-north", "/v1/decisions", application())).Code)
				eventually(t, g, 1, contract.PairsEndedMetric, "outcome="+served.outcome, "mirror_outcome="+mirror.outcome,
					"track=blue", "model_version=1", "policy=p1", "mirror_track=green", "mirror_model_version=2", "mirror_policy=p2", "synthetic=false", "kind=single")
				require.Equal(t, 1, counted(t, g, contract.PairsEndedMetric))
				both := 0
				if served.name == "ok" && mirror.name == "ok" {
					both = 1
				}
				require.Equal(t, both, counted(t, g, contract.PairDurationMetric, "side=served"))
				require.Equal(t, both, counted(t, g, contract.PairDurationMetric, "side=mirror"))
				require.Zero(t, counted(t, g, contract.PairVerdictsMetric), "nothing was decided")
			})
		}
	}
}

// A mirror decides nothing: its answers are in pairs, and in no counter of a track.
func TestMirroredAnswersAreNoDecisions(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	blue, green := predictorDoing(t, deciding("0.25", "approve")), predictorDoing(t, deciding("0.75", "decline"))
	g.table.set(mirroring(blue, green))
	for range 10 {
		ask(g.Handler(), "k-north", "")
	}
	ask(g.Handler(), "k-own", "")
	eventually(t, g, 11, contract.PairsEndedMetric, "outcome=ok", "mirror_outcome=ok")
	for _, metric := range []string{contract.StartedMetric, contract.RequestsMetric, contract.DurationMetric, contract.ScoreMetric, contract.DecisionsMetric} {
		require.Equal(t, 10, counted(t, g, metric, "track=blue", "synthetic=false"), metric)
		require.Equal(t, 1, counted(t, g, metric, "track=blue", "synthetic=true"), metric)
		require.Zero(t, counted(t, g, metric, "track=green"), metric)
	}
	require.Zero(t, counted(t, g, contract.DecisionsMetric, "verdict=decline"))
	for _, side := range []string{"side=served", "side=mirror"} {
		require.Equal(t, 11, counted(t, g, contract.PairScoreMetric, side))
	}
	for _, metric := range []string{contract.PairsStartedMetric, contract.PairVerdictsMetric} {
		require.Equal(t, 10, counted(t, g, metric, "track=blue", "mirror_track=green", "synthetic=false"), metric)
		require.Equal(t, 1, counted(t, g, metric, "track=blue", "mirror_track=green", "synthetic=true"), metric)
	}
	require.Equal(t, 11, counted(t, g, contract.PairVerdictsMetric, "verdict=approve", "mirror_verdict=decline"))
	page := serve(g.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
	require.Contains(t, page, `synthetic="false",track="blue",le="0.24"} 0`)
	require.Contains(t, page, `loanops_gateway_pair_score_bucket{kind="single",mirror_model_version="2",mirror_policy="p2",mirror_track="green",model_version="1",`+
		`pipeline="loans",policy="p1",side="served",synthetic="false",track="blue",le="0.26"} 10`, "the served track's score")
	require.Contains(t, page, `side="mirror",synthetic="false",track="blue",le="0.26"} 0`, "the mirror's is another one")
}

// How the track would have ended it nobody knows: a copy that was answered would pass for something that the mirror does better.
func TestWhatItsCallerGaveUpOnIsNotCopied(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	request := newRequest("k-north", "/v1/decisions", application())
	ctx, hangUp := contextOf(request)
	blue := predictorDoing(t, func(w http.ResponseWriter, r *http.Request, body string) {
		hangUp()
		hanging(w, r, body)
	})
	g.table.set(mirroring(blue, predictorDoing(t, answering(200))))
	serve(g.Handler(), request.WithContext(ctx))
	require.Equal(t, 1, counted(t, g, contract.PairsDroppedMetric, "reason=abandoned"))
	require.Zero(t, counted(t, g, contract.PairsStartedMetric))
}

// A mirror that answers nothing is seen while it does, takes what it may take, and no client waits for it.
func TestCopiesUnderWayAreBounded(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.timeout = time.Hour
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	green := predictorDoing(t, func(http.ResponseWriter, *http.Request, string) { <-released })
	t.Cleanup(release)
	g.table.set(mirroring(predictorAnswering(t, "1", 200), green))
	gate := g.table.chooser("loans").mirror.clients
	gate.copies = rate.NewLimiter(rate.Every(time.Nanosecond), 1000)
	for range maxCopies + 10 {
		require.Equal(t, 200, ask(g.Handler(), "k-north", "").Code)
	}
	require.Equal(t, maxCopies, counted(t, g, contract.PairsStartedMetric))
	require.Zero(t, counted(t, g, contract.PairsEndedMetric))
	require.Equal(t, 10, counted(t, g, contract.PairsDroppedMetric, "reason=busy"))
	require.Equal(t, maxCopies+10, counted(t, g, contract.RequestsMetric, "code=200"))
	release()
	eventually(t, g, maxCopies, contract.PairsEndedMetric)
	require.Eventually(t, func() bool {
		gate.mu.Lock()
		defer gate.mu.Unlock()
		return gate.underWay == 0 && gate.bytes == 0
	}, time.Minute, time.Millisecond, "what has ended makes room")
	ask(g.Handler(), "k-north", "")
	require.Equal(t, maxCopies+1, counted(t, g, contract.PairsStartedMetric))
}

// The platform asks 200 times a second and takes all that is copied of its own; what is copied of the clients' is theirs.
func TestSyntheticRequestsTakeNoCopyFromClients(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200)))
	for range 3 * contract.CopiesPerSecond {
		require.Equal(t, 200, ask(g.Handler(), "k-own", "").Code)
	}
	require.Positive(t, counted(t, g, contract.PairsDroppedMetric, "reason=rate", "synthetic=true"))
	for range contract.CopiesPerSecond {
		require.Equal(t, 200, ask(g.Handler(), "k-north", "").Code)
	}
	require.Equal(t, contract.CopiesPerSecond, counted(t, g, contract.PairsStartedMetric, "synthetic=false"))
	require.Zero(t, counted(t, g, contract.PairsDroppedMetric, "synthetic=false"))
}

func TestCopiesPerSecondAreBounded(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200)))
	g.table.chooser("loans").mirror.clients.copies = rate.NewLimiter(0, 3)
	for range 10 {
		require.Equal(t, 200, ask(g.Handler(), "k-north", "").Code)
	}
	require.Equal(t, 3, counted(t, g, contract.PairsStartedMetric))
	require.Equal(t, 7, counted(t, g, contract.PairsDroppedMetric, "reason=rate", "kind=single"))
}

// One client that repeats one applicant is one pair; a batch that looks the same is another. The platform's own requests
// are copied each time.
func TestAnApplicationIsCopiedOnce(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200)))
	body := application()
	for range 5 {
		for _, key := range []string{"k-north", "k-own"} {
			for _, path := range []string{"/v1/decisions", "/v1/decisions/batch"} {
				serve(g.Handler(), newRequest(key, path, body))
			}
		}
	}
	for _, kind := range []string{"kind=single", "kind=batch"} {
		require.Equal(t, 1, counted(t, g, contract.PairsStartedMetric, "synthetic=false", kind))
		require.Equal(t, 4, counted(t, g, contract.PairsDroppedMetric, "synthetic=false", kind, "reason=repeated"))
		require.Equal(t, 5, counted(t, g, contract.PairsStartedMetric, "synthetic=true", kind), "a pool may be smaller than what a mirror needs")
	}
}

// What a mirror has seen and what it may still take outlive changes of the route that leave it where it is, and nothing else.
func TestAMirrorOutlivesChangesOfTheRoute(t *testing.T) {
	blue, green := predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200)
	for name, test := range map[string]struct {
		change func(contract.Routes)
		copied int // of an application that was copied before
	}{
		"nothing changes": {func(contract.Routes) {}, 0},
		"another address": {func(r contract.Routes) {
			r.Pipelines["loans"].Tracks["green"] = contract.RouteTrack{URL: predictorAnswering(t, "2", 200).URL, ModelVersion: 2, PolicyDigest: "p2"}
		}, 0},
		"another policy": {func(r contract.Routes) {
			r.Pipelines["loans"].Tracks["green"] = contract.RouteTrack{URL: green.URL, ModelVersion: 2, PolicyDigest: "p3"}
		}, 1},
		"another version": {func(r contract.Routes) {
			r.Pipelines["loans"].Tracks["green"] = contract.RouteTrack{URL: green.URL, ModelVersion: 3, PolicyDigest: "p2"}
		}, 1},
		"no mirror": {func(r contract.Routes) { r.Pipelines["loans"] = two(blue, green, 100).Pipelines["loans"] }, 0},
		"a slot that is none": {func(r contract.Routes) {
			route := r.Pipelines["loans"]
			route.Mirror = "red"
			r.Pipelines["loans"] = route
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, "http://agent.invalid")
			g.table.set(mirroring(blue, green))
			body := application()
			serve(g.Handler(), newRequest("k-north", "/v1/decisions", body))
			require.Equal(t, 1, counted(t, g, contract.PairsStartedMetric))
			routes := mirroring(blue, green)
			test.change(routes)
			g.table.set(routes)
			require.Equal(t, 200, serve(g.Handler(), newRequest("k-north", "/v1/decisions", body)).Code)
			require.Equal(t, 1+test.copied, counted(t, g, contract.PairsStartedMetric))
		})
	}
	g := newGateway(t, "http://agent.invalid")
	g.table.set(mirroring(blue, green))
	gate := g.table.chooser("loans").mirror.clients
	g.table.set(two(blue, green, 100))
	require.Nil(t, g.table.chooser("loans").mirror)
	ask(g.Handler(), "k-north", "")
	require.Zero(t, counted(t, g, contract.PairsStartedMetric), "traffic that was shifted to safety is not copied")
	g.table.set(mirroring(blue, green))
	require.NotSame(t, gate, g.table.chooser("loans").mirror.clients, "a mirror that is set again observes anew")
}
