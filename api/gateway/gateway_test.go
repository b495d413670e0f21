package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// predictorAnswering answers like a predictor of a version.
func predictorAnswering(t *testing.T, version string, status int) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("LoanOps-Probability", "0.25")
		w.Header().Set("LoanOps-Verdict", "approve")
		w.Header().Set("LoanOps-Model-Version", version)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"version":%q}`, version)
	}))
	t.Cleanup(s.Close)
	return s
}

func newGateway(t testing.TB, agent string, change ...func(*Config)) *Gateway {
	hash := func(key string) string { h := sha256.Sum256([]byte(key)); return hex.EncodeToString(h[:]) }
	keys := filepath.Join(t.TempDir(), "keys.json")
	data, err := json.Marshal(map[string]any{"north": map[string]string{"sha256": hash("k-north"), "type": "bank"}, "south": map[string]string{"sha256": hash("k-south"), "type": "bank"}, Synthetic: map[string]string{"sha256": hash("k-own"), "type": ""}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(keys, data, 0o600))
	cfg := Config{ID: "g", Agent: agent, Environment: "production", Pipeline: "loans", KeysFile: keys}
	for _, c := range change {
		c(&cfg)
	}
	g, err := New(cfg)
	require.NoError(t, err)
	g.holdLimit = 0
	return g
}

var applications atomic.Int64

// application is another one each time.
func application() string { return fmt.Sprintf(`{"n":%d}`, applications.Add(1)) }

func newRequest(key, path, body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	return request
}

func serve(h http.Handler, request *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

// ask asks about another application each time.
func ask(h http.Handler, key, idempotency string) *httptest.ResponseRecorder {
	request := newRequest(key, "/v1/decisions", application())
	if idempotency != "" {
		request.Header.Set("Idempotency-Key", idempotency)
	}
	return serve(h, request)
}

func two(blue, green *httptest.Server, weightBlue int) contract.Routes {
	return contract.Routes{Revision: 1, Pipelines: map[string]contract.PipelineRoute{"loans": {
		Weights: map[string]int{"blue": weightBlue, "green": 100 - weightBlue},
		Tracks: map[string]contract.RouteTrack{
			"blue":  {URL: blue.URL, ModelVersion: 1, PolicyDigest: "p1"},
			"green": {URL: green.URL, ModelVersion: 2, PolicyDigest: "p2"},
		},
	}}}
}

// The canary's share is what it is judged by: short windows must hold it exactly.
func TestWeightsAreApplied(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	h := g.Handler()
	for _, weight := range []int{95, 80, 60, 30, 100, 0} {
		g.table.set(two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), weight))
		count := map[string]int{}
		for range 200 {
			answer := ask(h, "k-north", "")
			require.Equal(t, 200, answer.Code)
			count[answer.Header().Get("LoanOps-Track")]++
		}
		require.Equal(t, 2*weight, count["blue"])
		require.Equal(t, 200-2*weight, count["green"])
	}
}

func TestIdempotencyKeyKeepsItsTrack(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 50))
	count := map[string]int{}
	for i := range 200 {
		key := fmt.Sprint("application-", i)
		first := ask(g.Handler(), "k-north", key).Header().Get("LoanOps-Track")
		require.Equal(t, first, ask(g.Handler(), "k-north", key).Header().Get("LoanOps-Track"))
		count[first]++
	}
	require.InDelta(t, 100, count["blue"], 40)
}

func TestWithoutAKey(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 50))
	for _, key := range []string{"", "wrong", "k-nort"} {
		answer := ask(g.Handler(), key, "")
		require.Equal(t, 401, answer.Code)
		require.Contains(t, answer.Header().Get("WWW-Authenticate"), "Bearer")
		require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
	}
}

// A request that cannot be read is the caller's fault, and no predictor's.
func TestRequestsThatCannotBeRead(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	g.table.set(two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 50))
	large := serve(g.Handler(), newRequest("k-north", "/v1/decisions", strings.Repeat(" ", 1<<20)+"{}"))
	require.Equal(t, 413, large.Code)
	require.Contains(t, large.Body.String(), "the request is larger than 1 MiB")
	request := newRequest("k-north", "/v1/decisions", "")
	request.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	broken := serve(g.Handler(), request)
	require.Equal(t, 400, broken.Code)
	require.Contains(t, broken.Body.String(), "the body could not be read")
}

func TestNobodyServes(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	require.Equal(t, 503, ask(g.Handler(), "k-north", "").Code)
}

// A gateway is ready when it knows whom to ask, whether or not a model serves: a balancer prefers it then to one that does not.
func TestReadyOnceRoutesAreKnown(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	ready := func() int {
		return serve(g.Handler(), httptest.NewRequest(http.MethodGet, "/readyz", nil)).Code
	}
	require.Equal(t, 503, ready())
	g.table.set(contract.Routes{})
	require.Equal(t, 200, ready())
	g.table.set(contract.Routes{})
	require.Equal(t, 200, ready())
}

// It begins to listen when it knows the routes; where the agent is away it listens all the same, and says that it is not ready.
func TestAGatewayThatStartsWaitsForRoutes(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t, "http://agent.invalid")
			began := time.Now()
			if told {
				time.AfterFunc(time.Second, func() { g.table.set(contract.Routes{}) })
			}
			g.AwaitRoutes(t.Context())
			require.Equal(t, map[bool]time.Duration{true: time.Second, false: firstWait}[told], time.Since(began))
		})
	}
}

// Failures are counted against the version that failed, and the platform's own traffic apart.
func TestCounts(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	g.table.set(two(predictorAnswering(t, "1", 200), dead, 50))
	h := g.Handler()
	codes := map[int]int{}
	for range 10 {
		codes[ask(h, "k-own", "").Code]++
	}
	require.Equal(t, map[int]int{200: 5, 502: 5}, codes)
	ask(h, "k-north", "")
	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`loanops_gateway_requests_total{code="200",kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="true",track="blue"} 5`,
		`loanops_gateway_requests_total{code="502",kind="single",model_version="2",pipeline="loans",policy="p2",synthetic="true",track="green"} 5`,
		`loanops_gateway_requests_total{code="200",kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="false",track="blue"} 1`,
		`loanops_gateway_score_bucket{kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="true",track="blue",le="0.26"} 5`,
		`process_start_time_seconds`,
	} {
		require.True(t, strings.Contains(page.Body.String(), line), line)
	}
}

// One version under two policies is two tracks: an analysis must be able to hold one against the other.
func TestPoliciesOfOneVersionAreCountedApart(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	r := two(predictorAnswering(t, "1", 200), predictorAnswering(t, "1", 500), 50)
	green := r.Pipelines["loans"].Tracks["green"]
	green.ModelVersion = 1
	r.Pipelines["loans"].Tracks["green"] = green
	g.table.set(r)
	for range 10 {
		ask(g.Handler(), "k-north", "")
	}
	page := httptest.NewRecorder()
	g.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`loanops_gateway_requests_total{code="200",kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="false",track="blue"} 5`,
		`loanops_gateway_requests_total{code="500",kind="single",model_version="1",pipeline="loans",policy="p2",synthetic="false",track="green"} 5`,
		`loanops_gateway_decisions_total{kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="false",track="blue",verdict="approve"} 5`,
		`loanops_gateway_request_duration_seconds_count{kind="single",model_version="1",pipeline="loans",policy="p2",synthetic="false",track="green"} 5`,
	} {
		require.Contains(t, page.Body.String(), line)
	}
}

// An agent that lost its state names no pipeline; one that names it without weights took its traffic away.
func TestRoutesOfAnAgentThatLostItsStateAreKept(t *testing.T) {
	answers := make(chan contract.Routes)
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case routes := <-answers:
			_ = json.NewEncoder(w).Encode(routes)
		case <-r.Context().Done():
		}
	}))
	defer agent.Close()
	defer agent.CloseClientConnections()
	g := newGateway(t, agent.URL)
	go g.Follow(t.Context())
	known := two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 100)
	known.Revision = 8
	answers <- known
	// A poll that follows an answer says that the answer is in force.
	answers <- contract.Routes{Revision: 0, Pipelines: map[string]contract.PipelineRoute{}}
	answers <- contract.Routes{Revision: 1, Pipelines: map[string]contract.PipelineRoute{"others": {}}}
	answers <- contract.Routes{Revision: 1}
	require.Equal(t, 200, ask(g.Handler(), "k-north", "").Code)
	answers <- contract.Routes{Revision: 2, Pipelines: map[string]contract.PipelineRoute{"loans": {}}}
	answers <- contract.Routes{Revision: 2}
	require.Equal(t, 503, ask(g.Handler(), "k-north", "").Code)
}

// While routes change under load, no request is lost.
func TestRoutesChangeUnderLoad(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	blue, green := predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200)
	g.table.set(two(blue, green, 100))
	h := g.Handler()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 100 {
				if answer := ask(h, "k-north", ""); answer.Code != 200 {
					t.Errorf("%d: %s", answer.Code, answer.Body)
				}
			}
		})
	}
	for i := range 50 {
		g.table.set(two(blue, green, i*2))
	}
	wait.Wait()
}

// A predictor that is not there yet must not push its share onto the canary.
func TestAnAbsentTrackKeepsItsShare(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	r := two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 95)
	r.Pipelines["loans"].Tracks["blue"] = contract.RouteTrack{ModelVersion: 1}
	g.table.set(r)
	h := g.Handler()
	codes := map[int]int{}
	for range 100 {
		codes[ask(h, "k-north", "").Code]++
	}
	require.Equal(t, map[int]int{200: 5, 502: 95}, codes)
}

// A predictor that ended is back within a second, at another address: its caller waits, and what judges it sees the failure.
func TestACallerWaitsForAPredictorThatIsStartedAgain(t *testing.T) {
	for name, routed := range map[string]func(before contract.Routes, again *httptest.Server) (routes contract.Routes, answers string){
		"at another address": func(r contract.Routes, again *httptest.Server) (contract.Routes, string) {
			r.Pipelines["loans"].Tracks["blue"] = contract.RouteTrack{URL: again.URL, ModelVersion: 1, PolicyDigest: "p1"}
			return r, "blue"
		},
		"where the route has moved": func(r contract.Routes, _ *httptest.Server) (contract.Routes, string) {
			clear(r.Pipelines["loans"].Weights)
			r.Pipelines["loans"].Weights["green"] = 100
			return r, "green"
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, "http://agent.invalid")
			g.holdLimit = time.Minute
			ended := predictorAnswering(t, "1", 200)
			routes := two(ended, predictorAnswering(t, "2", 200), 100)
			g.table.set(routes)
			ended.Close()
			h := g.Handler()
			answered := make(chan *httptest.ResponseRecorder, 1)
			go func() { answered <- ask(h, "k-north", "") }()
			require.Eventually(t, func() bool { return len(g.held) == 1 }, time.Minute, time.Millisecond)
			routes, slot := routed(routes, predictorAnswering(t, "1", 200))
			g.table.set(routes)
			answer := <-answered
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, slot, answer.Header().Get("LoanOps-Track"))
			page := httptest.NewRecorder()
			h.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			require.Contains(t, page.Body.String(), `loanops_gateway_requests_total{code="502",kind="single",model_version="1",pipeline="loans",policy="p1",synthetic="false",track="blue"} 1`)
			require.NotContains(t, page.Body.String(), `code="200"`, "a request is counted once")
			require.Equal(t, 1, counted(t, g, contract.StartedMetric), "and started once")
			require.Zero(t, counted(t, g, contract.DecisionsMetric), "though its caller got one, it was not the first try's")
			require.Empty(t, g.held)
		})
	}
}

// An address can be another predictor's by now, which says so and decides nothing: the one that is meant is away, and what the other says is told to nobody.
func TestAnotherPredictorAtTheAddressIsNone(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	meant := make(chan string, 3)
	another := predictorDoing(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		meant <- r.Header.Get("LoanOps-Meant")
		w.Header().Set("LoanOps-Verdict", "approve")
		w.WriteHeader(http.StatusMisdirectedRequest)
		fmt.Fprint(w, "I am cards")
	})
	g.table.set(two(another, another, 0))
	request := newRequest("k-north", "/v1/decisions", application())
	request.Header.Set("LoanOps-Meant", "cards/1/p")
	answer := serve(g.Handler(), request)
	require.Equal(t, http.StatusBadGateway, answer.Code)
	require.NotContains(t, answer.Body.String(), "cards")
	require.Equal(t, 1, counted(t, g, contract.RequestsMetric, "code=502", "track=green"))
	require.Equal(t, http.StatusBadGateway, serve(g.Handler(), httptest.NewRequest(http.MethodGet, "/openapi.json", nil)).Code)
	for range len(meant) {
		require.Equal(t, "loans/2/p2", <-meant)
	}
}

// As many as may wait do; the others are told at once, and nobody waits longer than a restart takes.
func TestWaitingIsBounded(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	ended := predictorAnswering(t, "1", 200)
	g.table.set(two(ended, ended, 100))
	ended.Close()
	g.holdLimit = time.Millisecond
	require.Equal(t, http.StatusBadGateway, ask(g.Handler(), "k-north", "").Code)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer hanging.Close()
	g.holdLimit = 300 * time.Millisecond
	answered := make(chan int, 1)
	go func() { answered <- ask(g.Handler(), "k-north", "").Code }()
	require.Eventually(t, func() bool { return len(g.held) == 1 }, time.Minute, time.Millisecond)
	g.table.set(two(hanging, hanging, 100))
	before := time.Now()
	require.Equal(t, http.StatusBadGateway, <-answered)
	require.Less(t, time.Since(before), contract.PredictorTimeout/2, "one that is back and hangs holds nobody longer")
	g.table.set(two(ended, ended, 100))
	g.holdLimit, g.held = time.Hour, make(chan struct{})
	require.Equal(t, http.StatusBadGateway, ask(g.Handler(), "k-north", "").Code)
}

// A caller that hangs up is no failure of the model: it is counted apart, for whoever asks how many did.
func TestACallerThatHangsUpIsNotAFailureOfTheModel(t *testing.T) {
	g := newGateway(t, "http://agent.invalid")
	ctx, hangUp := context.WithCancel(t.Context())
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that its caller has gone
		hangUp()
		<-r.Context().Done()
	}))
	defer slow.Close()
	g.table.set(two(slow, slow, 50))
	serve(g.Handler(), newRequest("k-north", "/v1/decisions", application()).WithContext(ctx))
	require.Equal(t, 1, counted(t, g, contract.StartedMetric))
	require.Equal(t, 1, counted(t, g, contract.RequestsMetric, "code=499"))
	require.Equal(t, 1, counted(t, g, contract.RequestsMetric), "and as nothing else")
	require.Zero(t, counted(t, g, contract.DurationMetric), "how long the caller had patience is no latency")
}

// The gateway acknowledges a revision by asking for what is newer.
func TestFollowAcknowledges(t *testing.T) {
	asked := make(chan string, 10)
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		asked <- after
		if after == "1" {
			<-r.Context().Done()
			return
		}
		_ = json.NewEncoder(w).Encode(contract.Routes{Revision: 1})
	}))
	defer agent.Close()
	defer agent.CloseClientConnections()
	g := newGateway(t, agent.URL)
	go g.Follow(t.Context())
	require.Equal(t, "-1", <-asked)
	require.Equal(t, "1", <-asked)
}

// lines are what was logged, each once.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// withToken has gateways send a token to the agent.
func withToken(t *testing.T, token string) func(*Config) {
	file := filepath.Join(t.TempDir(), "gateway.token")
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return func(c *Config) { c.AgentTokenFile = file }
}

// An agent that does not take the token, and one that is away, are each told once, however often they are asked; what was routed is.
func TestAnAgentThatRefusesIsToldOnceAndTheLastRoutesStay(t *testing.T) {
	logged, previous := make(lines, 100), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	t.Cleanup(func() { slog.SetDefault(previous) })
	answers, bears := make(chan any), make(chan string, 100)
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bears <- r.Header.Get("Authorization")
		select {
		case answer := <-answers:
			if p, is := answer.(*problem.Problem); is {
				w.WriteHeader(p.Status)
			}
			_ = json.NewEncoder(w).Encode(answer)
		case <-r.Context().Done():
		}
	}))
	defer agent.Close()
	defer agent.CloseClientConnections()
	g := newGateway(t, agent.URL, withToken(t, "a-gateways-token-for-tests\n"))
	go g.Follow(t.Context())
	known := two(predictorAnswering(t, "1", 200), predictorAnswering(t, "2", 200), 100)
	known.Revision = 8
	refused := problem.FromFault(fault.New(fault.Unauthorized, "GET /v1/environments/production/routes needs the gateway's token or a writer's"))
	away := problem.FromFault(fault.New(fault.Unavailable, "away"))
	for _, answer := range []any{known, refused, refused, refused, away, away, refused, known, known, refused, refused, known, known} {
		answers <- answer // the one before was followed
	}
	require.Equal(t, 200, ask(g.Handler(), "k-north", "").Code)
	require.Equal(t, "Bearer a-gateways-token-for-tests", <-bears)
	for _, says := range []string{"needs the gateway's token", "away", "needs the gateway's token", "needs the gateway's token"} {
		line := <-logged
		require.Contains(t, line, "the last routes stay in force")
		require.Contains(t, line, says)
		require.Equal(t, says != "away", strings.Contains(line, "--agent-token-file"), line)
	}
	require.Empty(t, logged)
}

func TestAGatewayWithoutItsTokenDoesNotStart(t *testing.T) {
	keys := newGateway(t, "http://agent.invalid").cfg.KeysFile
	_, err := New(Config{KeysFile: keys, AgentTokenFile: filepath.Join(t.TempDir(), "missing")})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "--agent-token-file")
	cfg := Config{KeysFile: keys}
	withToken(t, "\n")(&cfg)
	_, err = New(cfg)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "--agent-token-file")
}
