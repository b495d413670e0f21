package activities

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
	sent      *prometheus.CounterVec
	requests  *prometheus.CounterVec
	decisions *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	scores    *prometheus.HistogramVec
	registry  *prometheus.Registry
	policy    string // under which both versions answer
	asked     map[string]int
	keys      map[string]bool
	bodies    map[string]bool
	onScrape  func(g *gateway)
}

func newGateway() *gateway {
	labels := []string{contract.PipelineLabel, contract.SlotLabel, contract.VersionLabel, contract.PolicyLabel, contract.SyntheticLabel, contract.KindLabel}
	g := &gateway{
		started:   prometheus.NewGauge(prometheus.GaugeOpts{Name: startedMetric}),
		sent:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: contract.StartedMetric}, labels),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: contract.RequestsMetric}, append(labels, contract.CodeLabel)),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: contract.DecisionsMetric}, append(labels, contract.VerdictLabel)),
		seconds:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: contract.DurationMetric, Buckets: []float64{0.01, 0.1}}, labels),
		scores:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: contract.ScoreMetric, Buckets: canary.ScoreBounds()}, labels),
		registry:  prometheus.NewRegistry(), asked: map[string]int{}, keys: map[string]bool{}, bodies: map[string]bool{},
		onScrape: func(*gateway) {},
	}
	g.registry.MustRegister(g.started, g.sent, g.requests, g.decisions, g.seconds, g.scores)
	g.started.Set(1)
	return g
}

func (g *gateway) count(version, synthetic string, score float64) (code int) {
	code = http.StatusOK
	if version == "2" && (g.asked[version]+1)%5 == 0 {
		code = http.StatusBadGateway
	}
	g.end(version, synthetic, score, code)
	return code
}

// end counts a request that ended with a code.
func (g *gateway) end(version, synthetic string, score float64, code int) {
	g.asked[version]++
	with := []string{product, contract.Blue, version, g.policy, synthetic, contract.KindSingle}
	g.sent.WithLabelValues(with...).Inc()
	g.requests.WithLabelValues(append(with, strconv.Itoa(code))...).Inc()
	g.seconds.WithLabelValues(with...).Observe(0.05)
	if code == http.StatusOK {
		g.scores.WithLabelValues(with...).Observe(score)
		g.decisions.WithLabelValues(append(with, "approve")...).Inc()
	}
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

// analysis is that of version 2 against champion 1, under the record that gives it 25 %.
func analysis(t *testing.T, g *gateway, oldNew ...string) (Canary, CanaryInput) {
	t.Helper()
	b := newBench(t)
	version := b.train(t).version
	version.Version = 2
	b.registry.versions = append(b.registry.versions, version)
	g.policy = b.registry.candidate(t, 1).Policy
	if len(oldNew) > 0 {
		b.respec(t, oldNew...)
	}
	in := CanaryInput{Candidate: b.registry.candidate(t, 2), Champion: serving.Track{Version: 1, Policy: g.policy}, Weight: 25, Generation: 3, Seconds: 1}
	next, err := b.registry.newest(serving.Production).Prepare(in.Champion, "")
	b.registry.write(t, "run-1", next, err)
	next, err = b.registry.newest(serving.Production).Promote()
	b.registry.write(t, "run-1", next, err)
	next, err = b.registry.newest(serving.Production).Canary(in.Candidate.Track, in.Weight, "")
	b.registry.write(t, "run-2", next, err)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	keyFile := t.TempDir() + "/synthetic"
	require.NoError(t, os.WriteFile(keyFile, []byte("secret\n"), 0o600))
	return Canary{Registry: b.registry, Objects: b.objects, Gateway: server.URL, KeyFile: keyFile, Client: server.Client(), Agent: actually{}}, in
}

func TestAnalyseCountsTheWindowOnly(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g)
	for range 50 { // before the window
		g.count("1", "true", 0.5)
		g.count("2", "true", 0.5)
	}
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, out.Observation.Clients, "what the platform asks itself is not the clients'")
	require.InDelta(t, 1, out.Observation.Seconds, 0)
	seen := out.Observation.Synthetic
	require.EqualValues(t, g.asked["1"]-50, seen.Stable.Requests)
	require.EqualValues(t, g.asked["2"]-50, seen.Canary.Requests)
	require.Greater(t, seen.Stable.Requests, seen.Canary.Requests)
	require.Positive(t, seen.Canary.Requests)
	require.Equal(t, seen.Stable.Requests, seen.Stable.Started)
	require.Zero(t, seen.Stable.Faults)
	require.InDelta(t, float64(seen.Canary.Requests)/5, float64(seen.Canary.Faults.Failed), 1)
	require.Equal(t, seen.Canary.Requests-seen.Canary.Faults.Failed, seen.Canary.Approved)
	require.Equal(t, canary.Latency{Count: seen.Stable.Requests}, seen.Stable.Singles, "all took 50 ms")
	require.Equal(t, seen.Stable.Requests, seen.Stable.Scores[5], "0.11 is in (0.10, 0.12]")
	require.Equal(t, seen.Stable.Requests, seen.Stable.Scores.Total(), "what was counted before is not in it")
	require.Equal(t, map[string]bool{"Bearer secret": true}, g.keys)
	require.Greater(t, len(g.bodies), 50, "many different applications")
}

// actually is an agent with nothing but these tracks.
type actually contract.Actual

// Actual is what it is told to be.
func (a actually) Actual(context.Context, string, string) (contract.Actual, error) {
	return contract.Actual(a), nil
}

// A challenger that was killed at its limit in its canary is not watched any longer, and its window is not observed anew though the gateway was restarted. What
// befell the champion, or this version before its canary began, is nothing of it.
func TestAWindowEndsWhenTheChallengerIsKilledAtItsLimit(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g, "rate: 200", "rate: 0")
	track := func(of serving.Track, killed *contract.Kill) contract.Track {
		return contract.Track{Spec: contract.TrackSpec{ModelVersion: of.Version, PolicyDigest: of.Policy}, Killed: killed}
	}
	agent := actually{Tracks: map[string]contract.Track{
		contract.Blue:  track(in.Champion, &contract.Kill{LimitMiB: 64, Generation: in.Generation}),
		contract.Green: track(in.Candidate.Track, &contract.Kill{LimitMiB: 64, Generation: in.Generation - 1}),
	}}
	c.Agent = agent
	in.Seconds = 3
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.Observation.Killed)

	agent.Tracks[contract.Green] = track(in.Candidate.Track, &contract.Kill{LimitMiB: 128, Generation: in.Generation})
	started := 1.
	g.onScrape = func(g *gateway) { started++; g.started.Set(started) }
	in.Seconds = 600
	out, err = c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "killed at 128 MiB, the plan's limit", out.Observation.Killed)
	require.Less(t, out.Observation.Seconds, 60.)
}

// hanging is an agent that does not answer.
type hanging struct{}

// Actual waits for its caller to go.
func (hanging) Actual(ctx context.Context, _, _ string) (contract.Actual, error) {
	<-ctx.Done()
	return contract.Actual{}, ctx.Err()
}

// An agent that hangs keeps nobody from watching.
func TestAWindowEndsInTimeWhileTheAgentHangs(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g, "rate: 200", "rate: 0")
	c.Agent, in.Seconds = hanging{}, 3
	began := time.Now()
	_, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Less(t, time.Since(began), 30*time.Second)
}

// Which canary a kill belongs to is told by the generations in which the challenger was one, and champion after that.
func TestSinceWhenATrackIsDelivered(t *testing.T) {
	t.Parallel()
	one, two := serving.Track{Version: 1}, serving.Track{Version: 2}
	history := []serving.Record{
		{Generation: 1, Champion: &one}, {Generation: 2, Champion: &one, Challenger: &two}, {Generation: 3, Champion: &two, Previous: &one},
		{Generation: 4, Champion: &two, Challenger: &one}, {Generation: 5, Champion: &two, Challenger: &one}, {Generation: 6, Champion: &one, Previous: &two},
	}
	require.EqualValues(t, 4, since(history, one))
	require.EqualValues(t, 2, since(history[:5], two))
	require.EqualValues(t, 4, since(history[:5], one))
	require.Zero(t, since(history, two))
}

// A window ends when clients have brought what the next look needs, however long it was to last.
func TestAWindowEndsWhenThereIsEnough(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g, "interval_seconds: 3", "interval_seconds: 1", "rate: 200", "rate: 0")
	scrapes := 0
	g.onScrape = func(g *gateway) {
		if scrapes++; scrapes == 2 {
			for range 40 {
				g.count("2", "false", 0.5)
			}
		}
	}
	in.Seconds, in.Enough = 600, 35
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.EqualValues(t, 40, out.Observation.Clients.Canary.Requests)
	require.Less(t, out.Observation.Seconds, 60.)
	require.Equal(t, 3, scrapes, "before, enough, after")
}

// A challenger that answers nobody any more is not watched for the rest of a window, unless the champion does no better.
func TestAWindowEndsWhenTheChallengerFailsItsClients(t *testing.T) {
	for _, test := range []struct {
		name           string
		stable, canary int // HTTP statuses
		weight         int
		early          bool
	}{
		{"the challenger fails", 200, 502, 25, true}, {"the challenger hangs", 200, 504, 25, true}, {"both fail", 502, 502, 25, false},
		{"none fails", 200, 200, 25, false}, {"refused", 200, 422, 25, false}, {"copies", 200, 502, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGateway()
			c, in := analysis(t, g, "rate: 200", "rate: 0")
			scrapes := 0
			g.onScrape = func(g *gateway) {
				if scrapes++; scrapes == 2 {
					for range 30 {
						g.end("1", "false", 0.5, test.stable)
						g.end("1", "false", 0.5, test.stable)
						g.end("2", "false", 0.5, test.canary)
					}
				}
			}
			in.Seconds, in.Weight = 3, test.weight
			out, err := c.Analyse(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, test.early, out.Observation.Seconds < 3)
			require.EqualValues(t, 30, out.Observation.Clients.Canary.Requests)
			if test.weight == 0 {
				require.Zero(t, out.Observation.Lately, "no client meets the challenger")
				return
			}
			require.Equal(t, out.Observation.Clients, out.Observation.Lately, "all of it came within a minute")
		})
	}
}

// A minute and twenty requests later what was good does not outweigh what is bad.
func TestLatelyMovesOn(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g)
	spec, _, err := in.Candidate.read(t.Context(), c.Registry)
	require.NoError(t, err)
	read := func() reading {
		r, err := c.scrape(t.Context())
		require.NoError(t, err)
		return r
	}
	first := read()
	w := window{in: in, spec: spec, before: first, lately: late{since: first}}
	lately := func() canary.Track { return w.observation(read(), time.Hour).Lately.Canary }
	count := func(n int) {
		for range n {
			g.end("2", "false", 0.5, 200)
		}
	}
	count(100)
	require.False(t, w.over(read(), 59*time.Second))
	require.EqualValues(t, 100, lately().Requests)
	require.False(t, w.over(read(), 61*time.Second))
	require.Zero(t, lately().Requests)
	count(19)
	require.False(t, w.over(read(), 30*time.Minute))
	require.EqualValues(t, 19, lately().Requests, "too few")
	count(1)
	require.False(t, w.over(read(), 31*time.Minute))
	require.Zero(t, lately().Requests)
	require.EqualValues(t, 120, w.observation(read(), time.Hour).Clients.Canary.Requests)
}

// Each window asks about other applications; the same window, observed anew, about the same, in the same order.
func TestWindowsDrawApart(t *testing.T) {
	c, in := analysis(t, newGateway())
	spec, version, err := in.Candidate.read(t.Context(), c.Registry)
	require.NoError(t, err)
	asked := func(window int) (bodies []string) {
		in.Window = window
		traffic, err := c.traffic(t.Context(), in, spec.Deploy.Canary, version)
		require.NoError(t, err)
		draw := traffic.draw()
		for range 50 {
			bodies = append(bodies, string(draw()))
		}
		return bodies
	}
	require.Equal(t, asked(1), asked(1))
	require.NotEqual(t, asked(1), asked(2))
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
	c, in := analysis(t, g)
	out, err := c.Analyse(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 4, scrapes)
	require.Less(t, out.Observation.Synthetic.Stable.Requests, int64(g.asked["1"]), "the first window does not count")
	require.Positive(t, out.Observation.Synthetic.Stable.Requests)
}

func TestAnalyseFaults(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g)
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

// Another policy of the same model is another track: what it decided says nothing about this one.
func TestTwoPoliciesOfOneVersionAreToldApart(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g, "cutoff: 0.25", "cutoff: 0.4")
	in.Candidate.Version, in.Champion.Policy = 1, "another policy"
	for policy, requests := range map[string]int{in.Champion.Policy: 30, in.Candidate.Policy: 7} {
		g.policy = policy
		for range requests {
			g.count("1", "true", 0.5)
		}
	}
	seen, err := c.scrape(t.Context())
	require.NoError(t, err)
	counted := observed{reading: seen, pipeline: product, stable: in.Champion, canary: in.Candidate.Track}
	require.EqualValues(t, 30, counted.traffic(true).Stable.Requests)
	challenger := counted.traffic(true).Canary
	require.EqualValues(t, 7, challenger.Requests)
	require.EqualValues(t, 7, challenger.Approved)
	require.EqualValues(t, 7, challenger.Singles.Count)
	require.EqualValues(t, 7, challenger.Scores.Total())
	counted.pipeline = "another-pipeline"
	require.Zero(t, counted.traffic(true))
}

// Scores at a bound and below it are read into the bucket that the analysis has for them.
func TestScoresAreReadIntoTheirBuckets(t *testing.T) {
	g := newGateway()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	var want canary.Histogram
	for i, bound := range canary.ScoreBounds() { // as many as tell the buckets apart
		g.count("1", "true", bound)
		for range i {
			g.count("1", "true", bound-0.01)
		}
		want[canary.Bucket(bound)] = int64(i + 1)
	}
	seen, err := (&Canary{Gateway: server.URL, Client: server.Client()}).scrape(t.Context())
	require.NoError(t, err)
	counted := observed{reading: seen, pipeline: product, stable: serving.Track{Version: 1, Policy: g.policy}}
	require.Equal(t, want, counted.traffic(true).Stable.Scores)
}

func TestAnObservationThatWasOvertakenDoesNotBegin(t *testing.T) {
	g := newGateway()
	c, in := analysis(t, g, "interval_seconds: 3", "interval_seconds: 600")
	memory := c.Registry.(*memory)
	memory.write(t, "ada", memory.newest(serving.Production).Abort(), nil)
	_, err := c.Analyse(t.Context(), in)
	require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "overtaken in production of loan-eligibility by generation 4 (abort by ada: complaints)")
}

// Breaking a dead writer's lock takes a generation as well, for the same change: the observation goes on.
func TestAnObservationIsNotOvertakenByItsOwnRenewal(t *testing.T) {
	c, in := analysis(t, newGateway())
	memory := c.Registry.(*memory)
	renewed := memory.newest(serving.Production).Renew("lock")
	_, err := memory.TakeGeneration(t.Context(), renewed)
	require.NoError(t, err)
	require.Greater(t, renewed.Generation, in.Generation)
	_, err = c.Analyse(t.Context(), in)
	require.NoError(t, err)
}

// In a bubble of its own time: an observation of an hour in which the record moves on after a while.
func TestAnObservationEndsEarlyWhenItIsOvertaken(t *testing.T) {
	kept := newMemory()
	in := CanaryInput{Candidate: Candidate{Model: product, Track: serving.Track{Version: 2}}, Generation: 1}
	next, err := kept.newest(serving.Production).Prepare(serving.Track{Version: 1}, "")
	kept.write(t, "run", next, err)
	synctest.Test(t, func(t *testing.T) {
		c := Canary{Registry: kept}
		begin := time.Now()
		go func() {
			time.Sleep(10 * time.Minute)
			kept.write(t, "ada", kept.newest(serving.Production).Abort(), nil)
		}()
		never := func(time.Duration) bool { return false }
		_, err := c.observe(t.Context(), in, &traffic{}, time.Hour, never)
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "abort by ada")
		require.LessOrEqual(t, time.Since(begin), 10*time.Minute+watchInterval)
		begin = time.Now()
		_, err = c.observe(t.Context(), in, &traffic{}, time.Hour, never)
		require.ErrorContains(t, err, "abort by ada")
		require.Zero(t, time.Since(begin), "it looks before it begins")

		// What cannot be read says nothing: neither with the old generation nor with a newer one.
		kept.unread = fault.New(fault.Unavailable, "the database is away")
		begin = time.Now()
		elapsed, err := c.observe(t.Context(), in, &traffic{}, time.Hour, never)
		require.NoError(t, err)
		require.Equal(t, time.Hour, elapsed)
		require.Equal(t, time.Hour, time.Since(begin))

		// What was waited for came early.
		begin = time.Now()
		elapsed, err = c.observe(t.Context(), in, &traffic{}, time.Hour, func(elapsed time.Duration) bool { return elapsed > 10*time.Minute })
		require.NoError(t, err)
		require.Equal(t, elapsed, time.Since(begin))
		require.InDelta(t, (10 * time.Minute).Seconds(), elapsed.Seconds(), 2*watchInterval.Seconds())
	})
}
