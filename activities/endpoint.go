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
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/request"
)

// goldenTolerance is how far a served probability may be from the evaluated one: both come from the same Score, so only
// the text of a float could differ, and Go's does not.
const goldenTolerance = 1e-12

// latencyCallers is how many requests are under way at once in the latency test: a closed loop, so that the test measures
// the predictor and not a queue that the test itself builds up.
const latencyCallers = 4

// EndpointInput is a predictor to test.
type EndpointInput struct {
	Candidate   Candidate `json:"candidate"`
	Environment string    `json:"environment"`
}

// EndpointOutput says what failed, and figures in words.
type EndpointOutput struct {
	Failures []string `json:"failures"`
	Figures  string   `json:"figures"`
}

// Summary is the figures.
func (o EndpointOutput) Summary() string { return o.Figures }

// Endpoint tests a deployed predictor through HTTP.
type Endpoint struct {
	Registry registry.Registry
	Objects  Objects
	Agent    Addresses
	Client   *http.Client
}

// Addresses knows where predictors answer, see contract.AgentClient.
type Addresses interface {
	Actual(ctx context.Context, environment, pipeline string) (contract.Actual, error)
}

// url is where the candidate answers now: a predictor that was started again has another address, so each try asks.
func (e *Endpoint) url(ctx context.Context, in EndpointInput) (string, error) {
	actual, err := e.Agent.Actual(ctx, in.Environment, in.Candidate.Model)
	if err != nil {
		return "", err
	}
	track := actual.Tracks[actual.SlotOf(in.Candidate.Track)]
	if track.URL == "" {
		return "", fault.New(fault.Unavailable, "version %d does not answer in %s yet (%s)", in.Candidate.Version, in.Environment, actual)
	}
	return track.URL, nil
}

// expected is what a predictor of the candidate is held against: the spec's limits, the version, and its golden predictions.
func (e *Endpoint) expected(ctx context.Context, of Candidate) (pipeline.Spec, registry.ModelVersion, model.Golden, error) {
	spec, version, err := of.read(ctx, e.Registry)
	if err != nil {
		return spec, version, model.Golden{}, err
	}
	rows, err := getGolden(ctx, e.Objects, golden(version))
	return spec, version, rows, err
}

// decided is the part of an answer that the tests look at.
type decided struct {
	Verdict     string            `json:"verdict"`
	Probability float64           `json:"probability"`
	Reasons     []decision.Reason `json:"reasons"`
	Model       struct {
		Digest string `json:"digest"`
	} `json:"model"`
	Policy struct {
		Digest string `json:"digest"`
	} `json:"policy"`
}

// Smoke asks for the golden rows: probability, verdict, reasons, model and policy must be what the evaluated model and the registered policy say.
func (e *Endpoint) Smoke(ctx context.Context, in EndpointInput) (EndpointOutput, error) {
	_, version, golden, err := e.expected(ctx, in.Candidate)
	if err != nil {
		return EndpointOutput{}, err
	}
	decider, err := decider(ctx, e.Registry, e.Objects, version, in.Candidate.Policy)
	if err != nil {
		return EndpointOutput{}, err
	}
	url, err := e.url(ctx, in)
	if err != nil {
		return EndpointOutput{}, err
	}
	failures, err := smoke(ctx, e.Client, url, decider, version.Digest, in.Candidate.Policy, golden)
	if err != nil {
		return EndpointOutput{}, err
	}
	out := EndpointOutput{Failures: failures, Figures: fmt.Sprintf("%d golden predictions, %d wrong", len(golden.Rows), len(failures))}
	if len(failures) > 5 {
		out.Failures = append(slices.Clip(failures[:5]), fmt.Sprintf("and %d more", len(failures)-5))
	}
	return out, nil
}

// smoke asks the predictor at url for golden rows and lists what is wrong with its answers.
func smoke(ctx context.Context, client *http.Client, url string, d decision.Decider, digest, policy string, golden model.Golden) (failures []string, err error) {
	reads, err := request.NewApplications(d.Model.Contract, d.Model.Signature())
	if err != nil {
		return nil, err
	}
	for i, row := range golden.Rows {
		say(ctx, fmt.Sprintf("golden row %d of %d", i+1, len(golden.Rows)))
		want, err := wanted(d, reads, digest, policy, row)
		if err != nil {
			return failures, err
		}
		wrong, err := smokeRow(ctx, client, url, row, want)
		if err != nil {
			return failures, err
		}
		if wrong != "" {
			failures = append(failures, fmt.Sprintf("golden row %d: %s", i+1, wrong))
		}
	}
	return failures, nil
}

// wanted is the answer that a golden row should get.
func wanted(d decision.Decider, reads *request.Applications, digest, policy string, row model.GoldenRow) (want decided, err error) {
	values, err := model.Asked(reads, row.Application)
	if err != nil {
		return want, err
	}
	of, err := d.Of(row.Probability, values)
	want.Verdict, want.Probability, want.Reasons = of.Verdict, of.Probability, of.Reasons
	want.Model.Digest, want.Policy.Digest = digest, policy
	return want, err
}

// smokeRow says what is wrong with the answer to one golden row, without the applicant's values.
func smokeRow(ctx context.Context, client *http.Client, url string, row model.GoldenRow, want decided) (string, error) {
	body, err := json.Marshal(row.Application)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encoding a golden row")
	}
	status, text, err := post(ctx, client, url+"/v1/decisions", body)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return fmt.Sprintf("answered HTTP %d", status), nil
	}
	var got decided
	if json.Unmarshal(text, &got) != nil {
		return "answered something that is not JSON", nil //nolint:nilerr // that is the finding, not a fault of this activity
	}
	switch {
	case got.Model.Digest != want.Model.Digest:
		return fmt.Sprintf("answered by model %.12s, not %.12s", got.Model.Digest, want.Model.Digest), nil
	case got.Policy.Digest != want.Policy.Digest:
		return fmt.Sprintf("answered under policy %.12s, not %.12s", got.Policy.Digest, want.Policy.Digest), nil
	case !(math.Abs(got.Probability-row.Probability) <= goldenTolerance):
		return fmt.Sprintf("probability %.17g instead of %.17g", got.Probability, row.Probability), nil
	case got.Verdict != want.Verdict:
		return fmt.Sprintf("verdict %q instead of %q", got.Verdict, want.Verdict), nil
	case !slices.EqualFunc(got.Reasons, want.Reasons, sameReason):
		return fmt.Sprintf("%d reasons that are not the %d of the policy and the model", len(got.Reasons), len(want.Reasons)), nil
	}
	return "", nil
}

func sameReason(a, b decision.Reason) bool {
	return a.Field == b.Field && a.Text == b.Text && math.Abs(a.Contribution-b.Contribution) <= goldenTolerance
}

// Latency sends the spec's number of single requests and a tenth as many batches, at least ten, and judges how many took too long.
func (e *Endpoint) Latency(ctx context.Context, in EndpointInput) (EndpointOutput, error) {
	spec, _, golden, err := e.expected(ctx, in.Candidate)
	if err != nil {
		return EndpointOutput{}, err
	}
	limits := spec.Deploy.Latency
	singles, err := singleBodies(golden.Applications())
	if err != nil {
		return EndpointOutput{}, err
	}
	batch, err := batchBody(golden, limits.BatchSize)
	if err != nil {
		return EndpointOutput{}, err
	}
	url, err := e.url(ctx, in)
	if err != nil {
		return EndpointOutput{}, err
	}
	say(ctx, "single requests")
	single, err := e.load(ctx, url+"/v1/decisions", singles, limits.Requests)
	if err != nil {
		return EndpointOutput{}, err
	}
	say(ctx, "batches")
	batched, err := e.load(ctx, url+"/v1/decisions/batch", [][]byte{batch}, max(10, limits.Requests/10))
	if err != nil {
		return EndpointOutput{}, err
	}
	out := EndpointOutput{Figures: fmt.Sprintf("single %s; batches of %d %s", single, limits.BatchSize, batched)}
	out.Failures = append(out.Failures, single.failures("single requests", limits.P99Millis)...)
	out.Failures = append(out.Failures, batched.failures(fmt.Sprintf("batches of %d", limits.BatchSize), limits.BatchP99Millis)...)
	return out, nil
}

func singleBodies(applications []map[string]any) ([][]byte, error) {
	bodies := make([][]byte, len(applications))
	for i, application := range applications {
		body, err := json.Marshal(application)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "encoding an application")
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

// load sends count requests in a closed loop and returns their latencies. When ctx ends, what is under way is waited for, at most for the
// client's timeout.
func (e *Endpoint) load(ctx context.Context, url string, bodies [][]byte, count int) (timings, error) {
	targets := make([]vegeta.Target, len(bodies))
	for i, body := range bodies {
		targets[i] = vegeta.Target{Method: http.MethodPost, URL: url, Body: body, Header: requestHeader()}
	}
	attacker := vegeta.NewAttacker(vegeta.Client(e.Client), vegeta.Workers(latencyCallers), vegeta.MaxWorkers(latencyCallers), vegeta.MaxBody(0))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	var seen timings
	unreached, why := 0, ""
	for result := range attacker.Attack(vegeta.NewStaticTargeter(targets...), closedLoop(count), 0, "") {
		seen.millis = append(seen.millis, float64(result.Latency)/float64(time.Millisecond))
		if result.Code != http.StatusOK {
			seen.failed++
		}
		if result.Code == 0 {
			unreached, why = unreached+1, result.Error
		}
	}
	slices.Sort(seen.millis)
	if ctx.Err() != nil {
		return seen, ctx.Err()
	}
	if unreached == count {
		return seen, fault.New(fault.Unavailable, "asking the predictor: %s", why) // that says nothing about the model
	}
	return seen, nil
}

// closedLoop lets vegeta send so many requests, each as soon as a caller is free.
type closedLoop int

// Pace never waits.
func (c closedLoop) Pace(_ time.Duration, sent uint64) (wait time.Duration, stop bool) {
	return 0, sent >= uint64(c)
}

// Rate is for vegeta's reports, which nobody reads here.
func (c closedLoop) Rate(time.Duration) float64 { return 0 }

// requestHeader says that nobody applied: what a predictor decides here must not count where production's decisions are.
func requestHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, contract.SyntheticHeader: {"true"}}
}

// post returns the status and the body of an answer; not reaching the predictor is Unavailable.
func post(ctx context.Context, client *http.Client, url string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fault.Wrap(fault.Invalid, err, "the predictor's address %q", url)
	}
	request.Header = requestHeader()
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, fault.Wrap(fault.Unavailable, err, "asking the predictor")
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, fault.Wrap(fault.Unavailable, err, "reading the predictor's answer")
}
