package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// AgentClient speaks to a local deployment agent. Whatever token it has it sends along, reads need one where the agent knows one for
// gateways; every write carries the generation of the serving record
// that it follows, and the agent refuses an older one than it knows (Conflict), or any when it knows none (Unavailable). Every call honours its context and has no time
// limit of its own: putting a track waits until its predictor is ready.
type AgentClient struct {
	base  string
	token string
	http  *http.Client
}

// NewAgentClient returns a client of the agent at base (http://host:port). token is the provider's, the rollback's
// or, for reading only, a gateway's; empty where an agent lets everybody on its machine read.
func NewAgentClient(base, token string) *AgentClient {
	return &AgentClient{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}}
}

// Actual returns what the pipeline's environment is now; an environment without a delivery is empty, not an error.
func (c *AgentClient) Actual(ctx context.Context, environment, pipeline string) (Actual, error) {
	var actual Actual
	err := c.do(ctx, http.MethodGet, pipelinePath(environment, pipeline), nil, &actual)
	return actual, err
}

// Runtime is how the agent runs predictors.
func (c *AgentClient) Runtime(ctx context.Context) (Runtime, error) {
	var health Health
	err := c.do(ctx, http.MethodGet, "/healthz", nil, &health)
	return health.Runtime, err
}

// Track returns one slot; NotFound when nothing was put there.
func (c *AgentClient) Track(ctx context.Context, environment, pipeline, slot string) (Track, error) {
	var track Track
	err := c.do(ctx, http.MethodGet, trackPath(environment, pipeline, slot), nil, &track)
	return track, err
}

// SettledTrack is Track after waiting, for the agent's limit at most, while the predictor is starting.
func (c *AgentClient) SettledTrack(ctx context.Context, environment, pipeline, slot string) (Track, error) {
	var track Track
	err := c.do(ctx, http.MethodGet, trackPath(environment, pipeline, slot)+"?settled=true", nil, &track)
	return track, err
}

// PutTrack makes the slot run spec and returns when its predictor is ready. The same spec again keeps the process.
func (c *AgentClient) PutTrack(ctx context.Context, environment, pipeline, slot string, spec TrackSpec, generation int64) (Track, error) {
	var track Track
	err := c.do(ctx, http.MethodPut, trackPath(environment, pipeline, slot), TrackRequest{spec, generation}, &track)
	return track, err
}

// DeleteTrack stops the slot's predictor. A slot with nothing in it is fine; one that traffic goes to is a Conflict.
func (c *AgentClient) DeleteTrack(ctx context.Context, environment, pipeline, slot string, generation int64) error {
	return c.do(ctx, http.MethodDelete, trackPath(environment, pipeline, slot)+generationQuery(generation), nil, nil)
}

// Route returns the pipeline's route; NotFound when there is none.
func (c *AgentClient) Route(ctx context.Context, environment, pipeline string) (Route, error) {
	var route Route
	err := c.do(ctx, http.MethodGet, pipelinePath(environment, pipeline)+"/route", nil, &route)
	return route, err
}

// PutRoute sets the weights and the mirror (empty: none) and returns when every gateway routes by them, or after the agent's limit of
// waiting.
func (c *AgentClient) PutRoute(ctx context.Context, environment, pipeline string, weights map[string]int, mirror string, generation int64) (Route, error) {
	var route Route
	err := c.do(ctx, http.MethodPut, pipelinePath(environment, pipeline)+"/route", RouteRequest{weights, mirror, generation}, &route)
	return route, err
}

// DeleteRoute removes the route; that there is none is fine.
func (c *AgentClient) DeleteRoute(ctx context.Context, environment, pipeline string, generation int64) error {
	return c.do(ctx, http.MethodDelete, pipelinePath(environment, pipeline)+"/route"+generationQuery(generation), nil, nil)
}

// Rollback sets the weights with the rollback's token, and takes the mirror away. A slot that gets traffic and whose predictor was given up is started again.
func (c *AgentClient) Rollback(ctx context.Context, environment, pipeline string, weights map[string]int, generation int64) (Route, error) {
	var route Route
	err := c.do(ctx, http.MethodPost, pipelinePath(environment, pipeline)+"/rollback", RollbackRequest{weights, generation}, &route)
	return route, err
}

// Routes waits for routes that are newer than after, as long as wait at most, and returns those in force. Asking as a gateway, which is not
// empty then, acknowledges that after is in force there.
func (c *AgentClient) Routes(ctx context.Context, environment, gateway string, after int64, wait time.Duration) (Routes, error) {
	var routes Routes
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "wait": {wait.String()}, "gateway": {gateway}}
	err := c.do(ctx, http.MethodGet, "/v1/environments/"+url.PathEscape(environment)+"/routes?"+query.Encode(), nil, &routes)
	return routes, err
}

// Teach tells the newest generation of the serving record as the caller has just read it: without one the agent refuses every write, and
// from then on it refuses an older one. Either token will do. An older generation than the agent knows is a Conflict.
func (c *AgentClient) Teach(ctx context.Context, environment, pipeline string, generation int64) error {
	return c.do(ctx, http.MethodPut, pipelinePath(environment, pipeline)+"/generation", GenerationRequest{generation}, nil)
}

// Measure runs the spec beside what serves, under its limits, and returns what it needs to answer the applications. Refused when it does not start or
// does not answer one. Nothing of it is left.
func (c *AgentClient) Measure(ctx context.Context, spec TrackSpec, applications []map[string]any) (capacity.Demand, error) {
	var demand capacity.Demand
	err := c.do(ctx, http.MethodPost, "/v1/measurements", MeasureRequest{spec, applications}, &demand)
	return demand, err
}

func pipelinePath(environment, pipeline string) string {
	return "/v1/environments/" + url.PathEscape(environment) + "/pipelines/" + url.PathEscape(pipeline)
}

func trackPath(environment, pipeline, slot string) string {
	return pipelinePath(environment, pipeline) + "/tracks/" + url.PathEscape(slot)
}

func generationQuery(generation int64) string {
	return "?generation=" + strconv.FormatInt(generation, 10)
}

// maxAnswer bounds what is read of an answer: both slots with the largest policies.
const maxAnswer = 4 << 20

// do sends body as JSON and decodes the answer into result; an error answer becomes its fault.
func (c *AgentClient) do(ctx context.Context, method, path string, body, result any) error {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "request to the agent")
		}
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "agent's address %q", c.base)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "agent at %s does not answer", c.base)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "answer of the agent at %s", c.base)
	}
	if len(data) > maxAnswer {
		return fault.New(fault.Unavailable, "answer of the agent at %s is longer than %d bytes", c.base, maxAnswer)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return problemFault(method, path, response.StatusCode, data)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(data, result); err != nil {
		return fault.Wrap(fault.Unavailable, err, "answer of the agent at %s to %s %s", c.base, method, path)
	}
	return nil
}

// problemFault turns an error answer into the fault that the agent met.
func problemFault(method, path string, status int, data []byte) error {
	var p problem.Problem
	if err := json.Unmarshal(data, &p); err != nil || p.Code == "" {
		return fault.New(fault.Unavailable, "agent answered %d to %s %s without a problem description: is the agent's address right?", status, method, path)
	}
	return p.Fault()
}

// IsNotFound reports whether err says that what was named does not exist.
func IsNotFound(err error) bool {
	return err != nil && fault.CodeOf(err) == fault.NotFound
}
