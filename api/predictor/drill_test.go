package predictor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

const (
	single  = "/v1/decisions"
	batched = "/v1/decisions/batch"
	risky   = `{"debt": 3, "income": 150, "home": "rent"}` // declined, see TestDecide
	safe    = `{"debt": 0, "income": null, "home": "own"}` // approved
)

// bodies asks for a decision, and for three.
var bodies = map[string]string{single: risky, batched: `{"applications": [` + risky + `,` + safe + `,` + risky + `]}`}

func drilled(t *testing.T, drill string) *Predictor {
	cfg := bundle(t)
	cfg.Drill = drill
	p, err := New(cfg)
	require.NoError(t, err)
	return p
}

// listen serves over real connections.
func listen(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// send posts JSON, and returns the status and body of the answer.
func send(ctx context.Context, server *httptest.Server, path, body string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := server.Client().Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return answer.StatusCode, data, err
}

// get must be answered with 200.
func get(t *testing.T, server *httptest.Server, path string) string {
	answer, err := server.Client().Get(server.URL + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, path)
	return string(data)
}

// 5% of 100 requests are the 20th, 40th, 60th, 80th and 100th. What is hit is answered as the same fault without a drill would be, and
// decides nothing: the other 95 requests for a decision make 95, those for three make 285, of which two in three are declined.
func TestErrorsAndRejectAnswerTheirShareOfRequests(t *testing.T) {
	for _, test := range []struct {
		drill string
		want  problem.Problem
	}{
		{"errors=5%", problem.Problem{
			Type: "about:blank", Title: "Internal Server Error", Status: 500, Code: fault.Internal, Detail: "the request failed by a fault of the server; its log says more",
		}},
		{"reject=5%", problem.Problem{
			Type: "about:blank", Title: "Unprocessable Entity", Status: 422, Code: fault.Invalid, Detail: "DRILL: refused on purpose",
		}},
	} {
		for path, declined := range map[string]string{single: "95", batched: "190"} {
			t.Run(test.drill+" "+path, func(t *testing.T) {
				server := listen(t, drilled(t, test.drill).Handler())
				var hits []int
				for n := 1; n <= 100; n++ {
					get(t, server, "/readyz")
					status, body, err := send(t.Context(), server, path, bodies[path])
					require.NoError(t, err)
					if status == http.StatusOK {
						continue
					}
					hits = append(hits, n)
					var got problem.Problem
					require.NoError(t, json.Unmarshal(body, &got))
					require.Equal(t, test.want, got)
					require.Equal(t, test.want.Status, status)
				}
				require.Equal(t, []int{20, 40, 60, 80, 100}, hits)
				require.Contains(t, get(t, server, "/metrics"), `loanops_decisions_total{model_name="loans",verdict="decline"} `+declined+"\n")
			})
		}
	}
}

// Singles and batches are counted together, wrong ones too; what is refused before it is read is not.
func TestWhatADrillCounts(t *testing.T) {
	server := listen(t, drilled(t, "errors=20%").Handler())
	for i, ask := range []struct {
		path, body string
		status     int
	}{
		{single, risky, 200},
		{single, strings.Repeat(" ", 2<<20), 413},
		{"/v2/decisions", risky, 404},
		{batched, bodies[batched], 200},
		{single, `{}`, 422},
		{batched, `{"applications": []}`, 422},
		{single, strings.Repeat(`[`, 1000), 400},
		{single, risky, 500}, // the fifth
		{single, risky, 200},
	} {
		status, _, err := send(t.Context(), server, ask.path, ask.body)
		require.NoError(t, err)
		require.Equal(t, ask.status, status, i)
	}
}

// However requests overlap, the share is exact.
func TestADrillCountsRequestsThatOverlap(t *testing.T) {
	server := listen(t, drilled(t, "reject=25%").Handler())
	var callers sync.WaitGroup
	var refused atomic.Int64
	for range 8 {
		callers.Go(func() {
			for range 25 {
				if status, _, err := send(t.Context(), server, single, risky); err == nil && status == 422 {
					refused.Add(1)
				}
			}
		})
	}
	callers.Wait()
	require.EqualValues(t, 50, refused.Load())
}

// Who asks how the predictor is hears it, else the agent and not the canary would find the drill.
func TestADrillSparesWhatIsNoDecision(t *testing.T) {
	for _, drill := range []string{"errors=100%", "reject=100%", "hang=100%", "crash_after=1"} {
		server := listen(t, drilled(t, drill).Handler())
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
			get(t, server, path)
		}
	}
}

// waited hands over how to end it as soon as somebody waits for that.
type waited struct {
	context.Context
	end     context.CancelFunc
	waiting chan<- context.CancelFunc
}

func (w waited) Done() <-chan struct{} {
	select {
	case w.waiting <- w.end:
	default: // handed over already
	}
	return w.Context.Done()
}

// The tenth request gets no answer while others do, and ends with its caller, or with its connection when the server ends that. It decides nothing: the other
// 18 requests for a decision make 18 declines, those for three make 36.
func TestAHangingRequestEndsWithItsCallerOrTheServer(t *testing.T) {
	for path, declined := range map[string]string{single: "18", batched: "36"} {
		for name, end := range map[string]func(server *httptest.Server, leave, expire func()){
			"the caller goes away": func(_ *httptest.Server, leave, _ func()) { leave() },
			"the server stops":     func(server *httptest.Server, _, _ func()) { server.CloseClientConnections() },
			"its time is over":     func(_ *httptest.Server, _, expire func()) { expire() }, // no answer although there is somebody to hear it
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				hanging, ended := make(chan context.CancelFunc, 1), make(chan struct{}, 20)
				h := drilled(t, "hang=10%").Handler()
				server := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() { ended <- struct{}{} }()
					ctx, cancel := context.WithCancel(r.Context())
					defer cancel()
					h.ServeHTTP(w, r.WithContext(waited{ctx, cancel, hanging}))
				}))
				answered := func(requests int) {
					for range requests {
						status, _, err := send(t.Context(), server, path, bodies[path])
						require.NoError(t, err)
						require.Equal(t, 200, status)
						<-ended
					}
				}
				answered(9)
				require.Empty(t, hanging)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				failed := make(chan error, 1)
				go func() {
					_, _, err := send(ctx, server, path, bodies[path])
					failed <- err
				}()
				var expire func()
				select {
				case expire = <-hanging:
				case <-ended:
					require.Fail(t, "the tenth does not hang")
				}
				answered(9)
				require.Empty(t, failed, "the tenth has no answer")
				require.Empty(t, ended, "and hangs")
				end(server, leave, expire)
				require.Error(t, <-failed)
				<-ended
				require.Contains(t, get(t, server, "/metrics"), `loanops_decisions_total{model_name="loans",verdict="decline"} `+declined+"\n")
			})
		}
	}
}

// Swapped by hand: 1 - 0.924141819978757 approves whom the model would decline. The other one, z = -1 + 2·(0-1) + 0.5 - 0.5 = -3 and
// p = 1/(1+exp(3)) = 0.0474258731775668, is declined; of its contributions only that of the missing income, 0.5·(1-0.1), is above 0.
func TestSwapDecidesByTheOppositeProbability(t *testing.T) {
	server := listen(t, drilled(t, "swap").Handler())
	var approved, declined Decision
	var batch struct{ Decisions []Decision }
	for into, ask := range map[any][2]string{
		&approved: {single, risky}, &declined: {single, safe}, &batch: {batched, `{"applications": [` + risky + `,` + safe + `]}`},
	} {
		status, body, err := send(t.Context(), server, ask[0], ask[1])
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.NoError(t, json.Unmarshal(body, into))
	}
	for _, d := range []Decision{approved, batch.Decisions[0]} {
		require.Equal(t, "approve", d.Verdict)
		require.InDelta(t, 0.075858180021243, d.Probability, 1e-15)
		require.Empty(t, d.Reasons)
	}
	for _, d := range []Decision{declined, batch.Decisions[1]} {
		require.Equal(t, "decline", d.Verdict)
		require.InDelta(t, 0.9525741268224332, d.Probability, 1e-15)
		require.Len(t, d.Reasons, 1)
		require.Equal(t, "income", d.Reasons[0].Field)
	}
	answer := post(drilled(t, "swap").Handler(), single, risky)
	require.Equal(t, "approve", answer.Header().Get("LoanOps-Verdict"))
	require.Contains(t, answer.Header().Get("LoanOps-Probability"), "0.0758581800212")
	metrics := get(t, server, "/metrics")
	require.Contains(t, metrics, `loanops_decisions_total{model_name="loans",verdict="approve"} 2`+"\n")
	require.Contains(t, metrics, `loanops_score_bucket{model_name="loans",le="0.05"} 0`+"\n", "0.0474 is not what was decided by")
	require.Contains(t, metrics, `loanops_score_bucket{model_name="loans",le="0.1"} 2`+"\n", "0.0759 twice is")
}

// On a clock that only waiting moves.
func TestDelayMakesItsShareOfRequestsLate(t *testing.T) {
	for drill, want := range map[string][]time.Duration{
		"":                {0, 0, 0, 0},
		"delay=300ms":     {300 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond},
		"delay=300ms@50%": {0, 300 * time.Millisecond, 0, 300 * time.Millisecond},
	} {
		for path, body := range bodies {
			t.Run(drill+" "+path, func(t *testing.T) {
				h := drilled(t, drill).Handler()
				synctest.Test(t, func(t *testing.T) {
					var got []time.Duration
					for range want {
						before := time.Now()
						require.Equal(t, 200, post(h, path, body).Code)
						got = append(got, time.Since(before))
					}
					require.Equal(t, want, got, "a batch is late once")
				})
			})
		}
	}
}

// Single or batch, the third request ends the process; its answer is not sent, as there is nobody left to send it.
func TestCrashAfterEndsTheProcessInThatRequest(t *testing.T) {
	for path, body := range bodies {
		p := drilled(t, "crash_after=3")
		codes := make(chan int, 3)
		p.drill.exit = func(code int) {
			codes <- code
			panic(http.ErrAbortHandler) // as seen by the caller
		}
		server := listen(t, p.Handler())
		for n := 1; n <= 3; n++ {
			require.Empty(t, codes)
			_, _, err := send(t.Context(), server, path, body)
			require.Equal(t, n == 3, err != nil, "%d", n)
		}
		require.Len(t, codes, 1)
		require.Equal(t, 3, <-codes)
	}
}

// A drill is never hidden: the log begins with it and readiness names it. Its 500 is logged as one.
func TestADrillIsAnnounced(t *testing.T) {
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(previous) })

	require.NotContains(t, get(t, listen(t, drilled(t, "").Handler()), "/readyz"), "drill")
	require.Empty(t, log.String())

	h := drilled(t, "errors=100%").Handler()
	require.Contains(t, log.String(), `level=WARN msg="DRILL: this predictor misbehaves on purpose" drill="errors=100%"`)
	require.Contains(t, get(t, listen(t, h), "/readyz"), `"drill":"errors=100%"`)
	log.Reset()
	post(h, single, risky)
	require.Contains(t, log.String(), "DRILL: failed on purpose")
}
