package activities

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// gateway counts like the real one: every fourth request goes to version 2, whose every fifth answer is a fault.
type gateway struct {
	mu        sync.Mutex
	started   prometheus.Gauge
	requests  *prometheus.CounterVec
	decisions *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	scores    *prometheus.HistogramVec
	registry  *prometheus.Registry
	asked     map[string]int
	policy    string
	keys      map[string]bool
	bodies    map[string]bool
	onScrape  func(g *gateway)
}

func newGateway() *gateway {
	labels := []string{contract.PipelineLabel, contract.SlotLabel, contract.VersionLabel, contract.PolicyLabel, contract.SyntheticLabel}
	g := &gateway{
		started:   prometheus.NewGauge(prometheus.GaugeOpts{Name: startedMetric}),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: contract.RequestsMetric}, append(labels, contract.CodeLabel)),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: contract.DecisionsMetric}, append(labels, contract.VerdictLabel)),
		seconds:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: contract.DurationMetric, Buckets: []float64{0.01, 0.1}}, labels),
		scores:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: contract.ScoreMetric, Buckets: prometheus.LinearBuckets(0.02, 0.02, 50)}, labels),
		registry:  prometheus.NewRegistry(), asked: map[string]int{}, keys: map[string]bool{}, bodies: map[string]bool{},
		onScrape: func(*gateway) {},
	}
	g.registry.MustRegister(g.started, g.requests, g.decisions, g.seconds, g.scores)
	g.started.Set(1)
	return g
}

func (g *gateway) count(version, synthetic string, score float64) (code int) {
	code = http.StatusOK
	g.asked[version]++
	if version == "2" && g.asked[version]%5 == 0 {
		code = http.StatusBadGateway
	}
	with := []string{"loan-eligibility", "blue", version, g.policy, synthetic}
	g.requests.WithLabelValues(append(with, strconv.Itoa(code))...).Inc()
	g.seconds.WithLabelValues(with...).Observe(0.05)
	if code == http.StatusOK {
		g.scores.WithLabelValues(with...).Observe(score)
		g.decisions.WithLabelValues(append(with, "approve")...).Inc()
	}
	return code
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/metrics" {
		g.onScrape(g)
		promhttp.HandlerFor(g.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	g.bodies[string(body)] = true
	g.keys[r.Header.Get("Authorization")] = true
	version := "1"
	if (g.asked["1"]+g.asked["2"])%4 == 3 {
		version = "2"
	}
	w.WriteHeader(g.count(version, "true", 0.11))
}

func analysis(t *testing.T, g *gateway) (*bench, Canary, CanaryInput) {
	t.Helper()
	b := newBench(t)
	version := b.train(t).version
	version.Version, version.Digest = 2, "another one of the same bundle"
	b.registry.versions = append(b.registry.versions, version)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	keyFile := t.TempDir() + "/synthetic"
	require.NoError(t, os.WriteFile(keyFile, []byte("secret\n"), 0o600))
	b.respec(t, "interval_seconds: 3", "interval_seconds: 1")
	in := CanaryInput{Candidate: b.candidate(2), Champion: b.candidate(1).Track, Weight: 25, Generation: 7}
	g.policy = in.Champion.Policy
	return b, Canary{Registry: b.registry, Objects: b.objects, Gateway: server.URL, KeyFile: keyFile, Client: server.Client()}, in
}

func TestAnalyseCountsTheWindowOnly(t *testing.T) {
	g := newGateway()
	for range 50 {
		g.count("1", "false", 0.5) // before the window
		g.count("2", "false", 0.5)
	}
	_, c, in := analysis(t, g)
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	seen := out.Observation
	require.EqualValues(t, g.asked["1"]-50, seen.Stable.Requests)
	require.EqualValues(t, g.asked["2"]-50, seen.Canary.Requests)
	require.Greater(t, seen.Stable.Requests, seen.Canary.Requests)
	require.Positive(t, seen.Canary.Requests)
	require.Zero(t, seen.Stable.Errors)
	require.InDelta(t, float64(seen.Canary.Requests)/5, float64(seen.Canary.Errors), 1)
	require.Equal(t, seen.Canary.Requests-seen.Canary.Errors, seen.Canary.Approved)
	require.Equal(t, 1, seen.Stable.Version)
	require.Equal(t, []int64{0, seen.Stable.Requests, 0}, seen.Stable.Latency.Counts, "all took 50 ms")
	require.Equal(t, seen.Stable.Requests, seen.Stable.Scores.Counts[5], "0.11 is in (0.10, 0.12]")
	require.Equal(t, seen.Stable.Requests, seen.Stable.Scores.Total(), "what was counted before is not in it")
	require.Equal(t, map[string]bool{"Bearer secret": true}, g.keys)
	require.Greater(t, len(g.bodies), 50, "many different applications")
}

// A gateway that begins to count anew under the observation would give differences of nothing.
func TestAnalyseObservesAgainAfterARestart(t *testing.T) {
	g := newGateway()
	scrapes := 0
	g.onScrape = func(g *gateway) {
		scrapes++
		if scrapes == 2 {
			g.started.Set(2)
		}
	}
	_, c, in := analysis(t, g)
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 4, scrapes)
	require.Less(t, out.Observation.Stable.Requests, int64(g.asked["1"]), "the first window does not count")
	require.Positive(t, out.Observation.Stable.Requests)
}

func TestAnalyseFaults(t *testing.T) {
	g := newGateway()
	_, c, in := analysis(t, g)
	restarts := 0.0
	g.onScrape = func(g *gateway) { restarts++; g.started.Set(restarts) }
	_, err := c.Analyse(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "restarted")
	c.Gateway = "http://127.0.0.1:1"
	_, err = c.Analyse(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	c.KeyFile = "/nowhere"
	_, err = c.Analyse(t.Context(), in)
	require.ErrorContains(t, err, "LOANOPS_SYNTHETIC_KEY_FILE")
}

// One version under two policies is two tracks.
func TestAnalyseTellsPoliciesOfOneVersionApart(t *testing.T) {
	g := newGateway()
	_, c, in := analysis(t, g)
	in.Champion.Policy = "another"
	in.Candidate.Version = 1
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, out.Observation.Stable.Requests)
	require.Positive(t, out.Observation.Canary.Requests)
}

// There is nothing to observe any more when somebody else changed what serves; a database that is away says nothing.
func TestAnObservationEndsWhenItIsOvertaken(t *testing.T) {
	g := newGateway()
	b, c, in := analysis(t, g)
	b.registry.serving[serving.Production] = []serving.Record{{Generation: 8, Change: serving.RolledBack, Author: serving.Author{Writer: "ada", Reason: "complaints"}}}
	_, err := c.Analyse(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "rollback by ada: complaints")
	b.registry.away = fault.New(fault.Unavailable, "the database is away")
	_, err = c.Analyse(t.Context(), in)
	require.NoError(t, err)
}

func TestSumOfHistograms(t *testing.T) {
	a := canary.Histogram{Bounds: []float64{1}, Counts: []int64{5, 2}}
	require.Equal(t, a, sum(canary.Histogram{}, a, 1), "the first series of a track")
	require.Equal(t, a, sum(a, canary.Histogram{}, -1), "a track that was not there before the window")
	require.Equal(t, []int64{0, 0}, sum(a, a, -1).Counts)
}
