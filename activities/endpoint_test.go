package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/serving"
)

// reasons are those of a declined row: the model's strongest contributions in the spec's words.
func reasons(t *testing.T, b *bench, version registry.ModelVersion, row model.GoldenRow) []decision.Reason {
	t.Helper()
	m, err := getModel(t.Context(), b.objects, version.Bundle)
	require.NoError(t, err)
	reads, err := request.NewApplications(m.Contract, m.Signature())
	require.NoError(t, err)
	values, err := model.Asked(reads, row.Application)
	require.NoError(t, err)
	factors, err := explain.Principal(m, values, version.Meaning)
	require.NoError(t, err)
	var reasons []decision.Reason
	for _, factor := range factors {
		i := slices.IndexFunc(b.spec.Columns, func(c pipeline.Column) bool { return c.Name == factor.Field })
		reasons = append(reasons, decision.Reason{Field: factor.Field, Text: b.spec.Columns[i].Reason, Contribution: factor.Contribution})
	}
	return reasons
}

// predictor answers golden applications with what change makes of the right answer.
func predictor(t *testing.T, b *bench, golden model.Golden, version registry.ModelVersion, spec pipeline.Spec, change func(*decided)) string {
	t.Helper()
	answers := map[string]decided{}
	for _, row := range golden.Rows {
		answer := decided{Probability: row.Probability, Verdict: "approve", Reasons: []decision.Reason{}}
		if row.Probability >= spec.Policy.Cutoff {
			answer.Verdict, answer.Reasons = "decline", reasons(t, b, version, row)
		}
		answer.Model.Digest, answer.Policy.Digest = version.Digest, decision.PolicyOf(spec).Digest()
		change(&answer)
		body, err := json.Marshal(row.Application)
		require.NoError(t, err)
		answers[string(body)] = answer
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/decisions", func(w http.ResponseWriter, r *http.Request) {
		var application map[string]any
		if json.NewDecoder(r.Body).Decode(&application) != nil || r.Header.Get(contract.SyntheticHeader) != "true" {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		key, _ := json.Marshal(application)
		answer, known := answers[string(key)]
		if !known || answer.Verdict == "" {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	mux.HandleFunc("POST /v1/decisions/batch", func(w http.ResponseWriter, r *http.Request) {
		var batch struct{ Applications []map[string]any }
		if r.Header.Get(contract.SyntheticHeader) != "true" || json.NewDecoder(r.Body).Decode(&batch) != nil || len(batch.Applications) != spec.Deploy.Latency.BatchSize {
			http.Error(w, "", http.StatusBadRequest)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// addresses says where the predictors of staging are: each time it is asked, the next of them, the last for good.
type addresses struct {
	candidate Candidate
	urls      []string
	err       error
}

func (a *addresses) Actual(_ context.Context, environment, pipeline string) (contract.Actual, error) {
	if environment != contract.Staging || pipeline != product {
		return contract.Actual{}, errors.New("another environment was asked for")
	}
	url := a.urls[0]
	if len(a.urls) > 1 {
		a.urls = a.urls[1:]
	}
	other, held := a.candidate.Track, a.candidate.Track
	other.Policy = "another policy"
	tracks := map[string]contract.Track{}
	for slot, track := range map[string]struct {
		serving.Track
		url string
	}{contract.Blue: {other, "http://127.0.0.1:2"}, contract.Green: {held, url}} {
		tracks[slot] = contract.Track{URL: track.url, Spec: contract.TrackSpec{ModelVersion: track.Version, PolicyDigest: track.Policy}}
	}
	return contract.Actual{Tracks: tracks}, a.err
}

// endpoint tests a candidate that answers at the addresses.
func (b *bench) endpoint(t *testing.T, version int, urls ...string) (Endpoint, EndpointInput) {
	t.Helper()
	in := EndpointInput{Candidate: b.registry.candidate(t, version), Environment: contract.Staging}
	return Endpoint{
		Registry: b.registry, Objects: b.objects, Client: http.DefaultClient, Agent: &addresses{candidate: in.Candidate, urls: urls},
	}, in
}

func TestSmoke(t *testing.T) {
	b := newBench(t)
	version := b.train(t).version
	rows, err := getGolden(t.Context(), b.objects, golden(version))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(*decided)
		wrong  string
	}{
		"as evaluated":         {func(*decided) {}, ""},
		"within the tolerance": {func(d *decided) { d.Probability += 5e-13 }, ""},
		"a bit off":            {func(d *decided) { d.Probability += 2e-12 }, "probability"},
		"another model":        {func(d *decided) { d.Model.Digest = "other" }, "answered by model"},
		"verdicts reversed": {func(d *decided) {
			d.Verdict = map[string]string{"approve": "decline", "decline": "approve"}[d.Verdict]
		}, "verdict"},
		"another policy": {func(d *decided) { d.Policy.Digest = "other" }, "answered under policy"},
		"no reasons":     {func(d *decided) { d.Reasons = []decision.Reason{} }, "0 reasons"},
		"other words": {func(d *decided) {
			for i := range d.Reasons {
				d.Reasons[i].Text = "fate"
			}
		}, "reasons that are not"},
		"another strength": {func(d *decided) {
			for i := range d.Reasons {
				d.Reasons[i].Contribution *= 1.01
			}
		}, "reasons that are not"},
		"failing": {func(d *decided) { d.Verdict = "" }, "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint, in := b.endpoint(t, 1, predictor(t, b, rows, version, b.spec, test.change))
			out, err := endpoint.Smoke(t.Context(), in)
			require.NoError(t, err)
			if test.wrong == "" {
				require.Empty(t, out.Failures)
				return
			}
			require.Len(t, out.Failures, 6, "five and how many more")
			require.Contains(t, out.Failures[0], test.wrong)
		})
	}
}

// What a score means is the version's, whatever the spec says by now.
func TestSmokeHoldsVerdictsAgainstTheVersionsMeaning(t *testing.T) {
	b := newBench(t)
	version := b.train(t).version
	rows, err := getGolden(t.Context(), b.objects, golden(version))
	require.NoError(t, err)
	b.registry.versions[0].Meaning = pipeline.MeaningApproval
	endpoint, in := b.endpoint(t, 1, predictor(t, b, rows, version, b.spec, func(*decided) {}))
	out, err := endpoint.Smoke(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, out.Failures[0], "verdict")
	require.Contains(t, out.Figures, fmt.Sprintf("%d wrong", len(rows.Rows)))
}

// A predictor that was started again has another address: the next try finds it.
func TestAPredictorThatMovedIsFoundAgain(t *testing.T) {
	b := newBench(t)
	version := b.train(t).version
	rows, err := getGolden(t.Context(), b.objects, golden(version))
	require.NoError(t, err)
	url := predictor(t, b, rows, version, b.spec, func(*decided) {})
	for name, test := range map[string]func(*Endpoint, context.Context, EndpointInput) (EndpointOutput, error){
		"smoke": (*Endpoint).Smoke, "latency": (*Endpoint).Latency,
	} {
		endpoint, in := b.endpoint(t, 1, "", "http://127.0.0.1:1", url)
		_, err := test(&endpoint, t.Context(), in)
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), name)
		require.ErrorContains(t, err, "version 1 does not answer in staging yet (blue: version 1", name)
		_, err = test(&endpoint, t.Context(), in)
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%s: nobody there is no judgement of the model", name)
		_, err = test(&endpoint, t.Context(), in)
		require.NoError(t, err, name)

		endpoint.Agent = &addresses{candidate: in.Candidate, urls: []string{url}, err: fault.New(fault.Unavailable, "the agent is away")}
		_, err = test(&endpoint, t.Context(), in)
		require.ErrorContains(t, err, "the agent is away", name)
		in.Candidate.Version = 7
		_, err = test(&endpoint, t.Context(), in)
		require.Equal(t, fault.NotFound, fault.CodeOf(err), name)
	}
}

func TestLatency(t *testing.T) {
	b := newBench(t)
	version := b.train(t).version
	rows, err := getGolden(t.Context(), b.objects, golden(version))
	require.NoError(t, err)
	url := predictor(t, b, rows, version, b.spec, func(*decided) {})
	b.respec(t, "p99_millis: 50", "p99_millis: 60000", "batch_p99_millis: 250", "batch_p99_millis: 60000")
	endpoint, in := b.endpoint(t, 1, url)
	out, err := endpoint.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.Contains(t, out.Figures, "of 500, 0 failed")
	require.Contains(t, out.Figures, "of 50, 0 failed")

	failing, in := b.endpoint(t, 1, predictor(t, b, rows, version, b.spec, func(d *decided) { d.Verdict = "" }))
	out, err = failing.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, out.Failures[0], "500 of 500 failed")

	b.respec(t, "p99_millis: 60000", "p99_millis: 0.000001", "batch_p99_millis: 60000", "batch_p99_millis: 0.000001")
	endpoint, in = b.endpoint(t, 1, url)
	out, err = endpoint.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, out.Failures, 2, "single requests and batches each have a limit")
}

func TestLoadAsksForEveryBodyInTurnFourAtATime(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	var underWay, most int
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		asked[r.Header.Get("Content-Type")+" "+string(body)]++
		underWay++
		most = max(most, underWay)
		mu.Unlock()
		defer func() {
			mu.Lock()
			underWay--
			mu.Unlock()
		}()
	}))
	defer server.Close()
	endpoint := Endpoint{Client: server.Client()}
	seen, err := endpoint.load(t.Context(), server.URL, [][]byte{[]byte("a"), []byte("b")}, 200)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"application/json a": 100, "application/json b": 100}, asked)
	require.Len(t, seen.millis, 200)
	require.True(t, slices.IsSorted(seen.millis))
	require.LessOrEqual(t, most, latencyCallers)
}

func TestLoadStopsWhenItIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if asked.Add(1) == 10 {
			cancel()
		}
	}))
	defer server.Close()
	endpoint := Endpoint{Client: server.Client()}
	_, err := endpoint.load(ctx, server.URL, [][]byte{[]byte("{}")}, 1_000_000)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, asked.Load(), int64(1_000_000))
}

func TestTrafficKeepsItsRateWhenAnswersAreSlow(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer key" && asked.Add(1) == 20 {
			close(release) // answers come when twenty requests are under way: a closed loop would hang here
		}
		<-release
	}))
	defer server.Close()
	load := traffic{client: server.Client(), url: server.URL, key: "key", bodies: [][]byte{[]byte("{}")}, rate: 1000}
	_, err := load.send(t.Context(), after(500*time.Millisecond))
	require.NoError(t, err)
	require.GreaterOrEqual(t, asked.Load(), int64(20))
}

func TestTrafficThatIsDeniedOrLostIsAFault(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	load := traffic{client: server.Client(), url: server.URL, bodies: [][]byte{[]byte("{}")}, rate: 200}
	_, err := load.send(t.Context(), after(100*time.Millisecond))
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err))
	load.url = "http://127.0.0.1:1"
	_, err = load.send(t.Context(), after(100*time.Millisecond))
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// after ends a load.
func after(d time.Duration) <-chan time.Duration {
	over := make(chan time.Duration, 1)
	time.AfterFunc(d, func() { over <- d })
	return over
}
