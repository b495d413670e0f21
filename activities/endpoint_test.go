package activities

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
)

// predictor answers golden applications with what change makes of the right answer.
func predictor(t *testing.T, golden model.Golden, version Deliverable, spec pipeline.Spec, change func(*decision)) string {
	t.Helper()
	answers := map[string]decision{}
	for _, row := range golden.Rows {
		answer := decision{Probability: row.Probability, Verdict: "approve"}
		if row.Probability >= spec.Policy.Cutoff {
			answer.Verdict = "decline"
		}
		answer.Model.Digest = version.Digest
		change(&answer)
		body, err := json.Marshal(row.Application)
		require.NoError(t, err)
		answers[string(body)] = answer
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/decisions", func(w http.ResponseWriter, r *http.Request) {
		var application map[string]any
		if json.NewDecoder(r.Body).Decode(&application) != nil {
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
		if json.NewDecoder(r.Body).Decode(&batch) != nil || len(batch.Applications) != spec.Deploy.Latency.BatchSize {
			http.Error(w, "", http.StatusBadRequest)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestSmoke(t *testing.T) {
	b := newBench(t)
	_, _, evaluated, version := b.trained(t)
	golden, err := getGolden(t.Context(), b.objects, evaluated.Golden)
	require.NoError(t, err)
	endpoint := Endpoint{Objects: b.objects, Client: http.DefaultClient}
	for name, test := range map[string]struct {
		change func(*decision)
		wrong  string
	}{
		"as evaluated":         {func(*decision) {}, ""},
		"within the tolerance": {func(d *decision) { d.Probability += 5e-13 }, ""},
		"a bit off":            {func(d *decision) { d.Probability += 2e-12 }, "probability"},
		"another model":        {func(d *decision) { d.Model.Digest = "other" }, "answered by model"},
		"verdicts reversed": {func(d *decision) {
			d.Verdict = map[string]string{"approve": "decline", "decline": "approve"}[d.Verdict]
		}, "verdict"},
		"failing": {func(d *decision) { d.Verdict = "" }, "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			url := predictor(t, golden, version, b.spec, test.change)
			out, err := endpoint.Smoke(t.Context(), EndpointInput{Spec: b.spec, URL: url, Version: version})
			require.NoError(t, err)
			if test.wrong == "" {
				require.Empty(t, out.Failures)
				return
			}
			require.Len(t, out.Failures, 6, "five and how many more")
			require.Contains(t, out.Failures[0], test.wrong)
		})
	}
	_, err = endpoint.Smoke(t.Context(), EndpointInput{Spec: b.spec, URL: "http://127.0.0.1:1", Version: version})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "nobody there is no judgement of the model")
}

func TestLatency(t *testing.T) {
	b := newBench(t)
	_, _, evaluated, version := b.trained(t)
	golden, err := getGolden(t.Context(), b.objects, evaluated.Golden)
	require.NoError(t, err)
	endpoint := Endpoint{Objects: b.objects, Client: http.DefaultClient}
	b.spec.Deploy.Latency.P99Millis, b.spec.Deploy.Latency.BatchP99Millis = 60_000, 60_000
	in := EndpointInput{Spec: b.spec, URL: predictor(t, golden, version, b.spec, func(*decision) {}), Version: version}
	out, err := endpoint.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	require.Contains(t, out.Summary, "of 500, 0 failed")
	require.Contains(t, out.Summary, "of 50, 0 failed")

	in.Spec.Deploy.Latency.P99Millis, in.Spec.Deploy.Latency.BatchP99Millis = 1e-6, 1e-6
	out, err = endpoint.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, out.Failures, 2, "single requests and batches each have a limit")

	in.URL = predictor(t, golden, version, b.spec, func(d *decision) { d.Verdict = "" })
	out, err = endpoint.Latency(t.Context(), in)
	require.NoError(t, err)
	require.Contains(t, out.Failures[0], "500 of 500 failed")
	in.URL = "http://127.0.0.1:1"
	_, err = endpoint.Latency(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

// Wanted values by hand: the nearest rank of 1…100.
func TestTimings(t *testing.T) {
	var seen timings
	for i := range 100 {
		seen.millis = append(seen.millis, float64(i+1))
	}
	require.InDelta(t, 50, seen.at(0.5), 0)
	require.InDelta(t, 99, seen.at(0.99), 0)
	require.Empty(t, seen.failures("requests", 99))
	require.Len(t, seen.failures("requests", 98.9), 1)
	require.Zero(t, timings{}.at(0.99))
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
	require.NoError(t, load.send(t.Context(), 500*time.Millisecond))
	require.GreaterOrEqual(t, asked.Load(), int64(20))
}

func TestTrafficThatIsDeniedOrLostIsAFault(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	load := traffic{client: server.Client(), url: server.URL, bodies: [][]byte{[]byte("{}")}, rate: 200}
	require.Equal(t, fault.Unauthorized, fault.CodeOf(load.send(t.Context(), 100*time.Millisecond)))
	load.url = "http://127.0.0.1:1"
	require.Equal(t, fault.Unavailable, fault.CodeOf(load.send(t.Context(), 100*time.Millisecond)))
}
