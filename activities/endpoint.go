package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
)

// goldenTolerance is how far a served probability may be from the evaluated one: both come from the same Score, so only
// the text of a float could differ, and Go's does not.
const goldenTolerance = 1e-12

// latencyCallers is how many requests are under way at once in the latency test: a closed loop, so that the test measures
// the predictor and not a queue that the test itself builds up.
const latencyCallers = 4

// Endpoint tests a deployed predictor through HTTP.
type Endpoint struct {
	Objects Objects
	Client  *http.Client
}

// decision is the part of an answer that the tests look at.
type decision struct {
	Verdict     string  `json:"verdict"`
	Probability float64 `json:"probability"`
	Model       struct {
		Digest string `json:"digest"`
	} `json:"model"`
}

// Smoke asks for the golden rows: probability, verdict and model must be the evaluated ones.
func (e *Endpoint) Smoke(ctx context.Context, in EndpointInput) (EndpointOutput, error) {
	golden, err := getGolden(ctx, e.Objects, in.Version.Golden)
	if err != nil {
		return EndpointOutput{}, err
	}
	var failures []string
	for i, row := range golden.Rows {
		say(ctx, fmt.Sprintf("golden row %d of %d", i+1, len(golden.Rows)))
		wrong, err := e.smokeRow(ctx, in, row)
		if err != nil {
			return EndpointOutput{}, err
		}
		if wrong != "" {
			failures = append(failures, fmt.Sprintf("golden row %d: %s", i+1, wrong))
		}
	}
	out := EndpointOutput{Failures: failures, Summary: fmt.Sprintf("%d golden predictions, %d wrong", len(golden.Rows), len(failures))}
	if len(failures) > 5 {
		out.Failures = append(slices.Clip(failures[:5]), fmt.Sprintf("and %d more", len(failures)-5))
	}
	return out, nil
}

// smokeRow says what is wrong with the answer to one golden row, without the applicant's values.
func (e *Endpoint) smokeRow(ctx context.Context, in EndpointInput, row model.GoldenRow) (string, error) {
	body, err := json.Marshal(row.Application)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encoding a golden row")
	}
	status, answer, err := e.post(ctx, in.URL+"/v1/decisions", body)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return fmt.Sprintf("answered HTTP %d", status), nil
	}
	var got decision
	if json.Unmarshal(answer, &got) != nil {
		return "answered something that is not JSON", nil //nolint:nilerr // that is the finding, not a fault of this activity
	}
	want := in.Spec.Label.Meaning.Verdict(row.Probability, in.Spec.Policy.Cutoff)
	switch {
	case got.Model.Digest != in.Version.Digest:
		return fmt.Sprintf("answered by model %.12s, not %.12s", got.Model.Digest, in.Version.Digest), nil
	case !(math.Abs(got.Probability-row.Probability) <= goldenTolerance):
		return fmt.Sprintf("probability %.17g instead of %.17g", got.Probability, row.Probability), nil
	case got.Verdict != want:
		return fmt.Sprintf("verdict %q instead of %q", got.Verdict, want), nil
	}
	return "", nil
}

// Latency sends the spec's number of single requests and a tenth as many batches, at least ten.
func (e *Endpoint) Latency(ctx context.Context, in EndpointInput) (EndpointOutput, error) {
	golden, err := getGolden(ctx, e.Objects, in.Version.Golden)
	if err != nil {
		return EndpointOutput{}, err
	}
	limits := in.Spec.Deploy.Latency
	singles, err := singleBodies(golden)
	if err != nil {
		return EndpointOutput{}, err
	}
	batch, err := batchBody(golden, limits.BatchSize)
	if err != nil {
		return EndpointOutput{}, err
	}
	say(ctx, "single requests")
	single, err := e.load(ctx, in.URL+"/v1/decisions", singles, limits.Requests)
	if err != nil {
		return EndpointOutput{}, err
	}
	say(ctx, "batches")
	batched, err := e.load(ctx, in.URL+"/v1/decisions/batch", [][]byte{batch}, max(10, limits.Requests/10))
	if err != nil {
		return EndpointOutput{}, err
	}
	out := EndpointOutput{Summary: fmt.Sprintf("single %s; batches of %d %s", single, limits.BatchSize, batched)}
	out.Failures = append(out.Failures, single.failures("single requests", limits.P99Millis)...)
	out.Failures = append(out.Failures, batched.failures(fmt.Sprintf("batches of %d", limits.BatchSize), limits.BatchP99Millis)...)
	return out, nil
}

func singleBodies(golden model.Golden) ([][]byte, error) {
	bodies := make([][]byte, len(golden.Rows))
	for i, row := range golden.Rows {
		body, err := json.Marshal(row.Application)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "encoding a golden row")
		}
		bodies[i] = body
	}
	return bodies, nil
}

func batchBody(golden model.Golden, size int) ([]byte, error) {
	applications := make([]map[string]any, size)
	for i := range applications {
		applications[i] = golden.Rows[i%len(golden.Rows)].Application
	}
	body, err := json.Marshal(map[string]any{"applications": applications})
	return body, fault.Wrap(fault.Internal, err, "encoding a batch")
}

// timings are the latencies of one kind of request in milliseconds, ascending, and how many failed.
type timings struct {
	millis []float64
	failed int
}

// at is the q-quantile: the smallest latency that a share of q does not exceed (nearest rank).
func (t timings) at(q float64) float64 {
	if len(t.millis) == 0 {
		return 0
	}
	return t.millis[max(0, int(math.Ceil(q*float64(len(t.millis))))-1)]
}

func (t timings) String() string {
	return fmt.Sprintf("p50 %.1f ms, p95 %.1f ms, p99 %.1f ms of %d, %d failed", t.at(0.5), t.at(0.95), t.at(0.99), len(t.millis), t.failed)
}

func (t timings) failures(what string, p99 float64) []string {
	var failures []string
	if t.failed > 0 {
		failures = append(failures, fmt.Sprintf("%s: %d of %d failed", what, t.failed, len(t.millis)))
	}
	if t.at(0.99) > p99 {
		failures = append(failures, fmt.Sprintf("%s: p99 is %.1f ms, the limit is %.1f ms", what, t.at(0.99), p99))
	}
	return failures
}

// load sends count requests in a closed loop and returns their latencies.
func (e *Endpoint) load(ctx context.Context, url string, bodies [][]byte, count int) (timings, error) {
	next := make(chan int)
	var mu sync.Mutex
	var seen timings
	var failure error
	var callers sync.WaitGroup
	for range latencyCallers {
		callers.Go(func() {
			for i := range next {
				start := time.Now()
				status, _, err := e.post(ctx, url, bodies[i%len(bodies)])
				millis := float64(time.Since(start)) / float64(time.Millisecond)
				mu.Lock()
				seen.millis = append(seen.millis, millis)
				if err != nil || status != http.StatusOK {
					seen.failed++
					failure = err
				}
				mu.Unlock()
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	callers.Wait()
	slices.Sort(seen.millis)
	if ctx.Err() != nil {
		return seen, ctx.Err()
	}
	if failure != nil && seen.failed == count {
		return seen, failure // nothing answers: that says nothing about the model
	}
	return seen, nil
}

// post returns the status and the body of an answer; not reaching the predictor is Unavailable.
func (e *Endpoint) post(ctx context.Context, url string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fault.Wrap(fault.Invalid, err, "the predictor's address %q", url)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.Client.Do(request)
	if err != nil {
		return 0, nil, fault.Wrap(fault.Unavailable, err, "asking the predictor")
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, fault.Wrap(fault.Unavailable, err, "reading the predictor's answer")
}
