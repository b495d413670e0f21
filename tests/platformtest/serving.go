package platformtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Track is a model version under a policy.
type Track struct {
	Version int    `json:"version"`
	Policy  string `json:"policy"`
}

// Record is what `loanops serving show` prints.
type Record struct {
	Generation int64  `json:"generation"`
	Champion   *Track `json:"champion"`
	Challenger *Track `json:"challenger"`
	Weight     int    `json:"weight"`
	Previous   *Track `json:"previous"`
	Writer     string `json:"writer"`
	Reason     string `json:"reason"`
	Hash       string `json:"hash"`
}

// Shares is the traffic in percent that the record means, by track; tracks without traffic are not in it.
func (r Record) Shares() map[Track]int {
	shares := map[Track]int{}
	left := 100
	if r.Challenger != nil && r.Weight > 0 {
		shares[*r.Challenger] = r.Weight
		left -= r.Weight
	}
	if r.Champion != nil && left > 0 {
		shares[*r.Champion] = left
	}
	return shares
}

// Serving reads the newest record of production.
func (p *Platform) Serving(model string) (Record, error) {
	var r Record
	return r, p.JSON(&r, "serving", "show", model)
}

// Actual is what the deployment agent runs in production.
type Actual struct {
	Tracks map[string]struct {
		Spec struct {
			ModelVersion int    `json:"model_version"`
			PolicyDigest string `json:"policy_digest"`
			Image        string `json:"image"`
			Drill        string `json:"drill"`
		} `json:"spec"`
		State string `json:"state"`
		PID   int    `json:"pid"`
	} `json:"tracks"`
	Route *struct {
		Weights    map[string]int `json:"weights"`
		Generation int64          `json:"generation"`
	} `json:"route"`
}

// PipelineURL is where the agent tells what runs for a pipeline.
func (p *Platform) PipelineURL(environment, model string) (string, error) {
	agent, err := p.Environment("LOANOPS_AGENT")
	return agent + "/v1/environments/" + environment + "/pipelines/" + model, err
}

// Actual asks the agent.
func (p *Platform) Actual(environment, model string) (Actual, error) {
	var a Actual
	url, err := p.PipelineURL(environment, model)
	if err != nil {
		return a, err
	}
	return a, get(url, &a)
}

// Shares is the traffic in percent, by track; tracks without traffic are not in it.
func (a Actual) Shares() map[Track]int {
	shares := map[Track]int{}
	for slot, weight := range a.weights() {
		if weight > 0 {
			spec := a.Tracks[slot].Spec
			shares[Track{spec.ModelVersion, spec.PolicyDigest}] += weight
		}
	}
	return shares
}

// Share is the traffic in percent that a version gets, under whatever policy.
func (a Actual) Share(version int) int {
	share := 0
	for track, weight := range a.Shares() {
		if track.Version == version {
			share += weight
		}
	}
	return share
}

// Ready reports whether a track of the version is ready.
func (a Actual) Ready(version int) bool {
	for _, track := range a.Tracks {
		if track.Spec.ModelVersion == version && track.State == "ready" {
			return true
		}
	}
	return false
}

// Whole reports whether traffic is routed, and every track that gets some is ready.
func (a Actual) Whole() bool {
	for slot, weight := range a.weights() {
		if weight > 0 && a.Tracks[slot].State != "ready" {
			return false
		}
	}
	return len(a.Shares()) > 0
}

func (a Actual) weights() map[string]int {
	if a.Route == nil {
		return nil
	}
	return a.Route.Weights
}

// Caller asks the gateway for decisions on applications in turn, as a lender's software would.
type Caller struct {
	url, key string
	bodies   [][]byte
	asked    atomic.Int64
}

// Caller returns one for a pipeline and at least one application.
func (p *Platform) Caller(model string, applications ...map[string]any) (*Caller, error) {
	e, err := p.Endpoints()
	if err != nil {
		return nil, err
	}
	key, err := p.Key()
	if err != nil {
		return nil, err
	}
	return NewCaller(e.Gateway, key, model, applications...)
}

// NewCaller returns one that knows a gateway and a key of it.
func NewCaller(gateway, key, model string, applications ...map[string]any) (*Caller, error) {
	c := &Caller{url: gateway + "/v1/pipelines/" + model + "/decisions", key: key}
	for _, application := range applications {
		body, err := json.Marshal(application)
		if err != nil {
			return nil, err
		}
		c.bodies = append(c.bodies, body)
	}
	return c, nil
}

// Ask returns the track that decided; any other answer than a decision is an error.
func (c *Caller) Ask() (Track, error) {
	body := c.bodies[int(c.asked.Add(1)-1)%len(c.bodies)]
	request, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return Track{}, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return Track{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 500)) // as far as it can be read
		return Track{}, fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(said))
	}
	var answer struct {
		Model struct {
			Version int `json:"version"`
		} `json:"model"`
		Policy struct {
			Digest string `json:"digest"`
		} `json:"policy"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return Track{Version: answer.Model.Version, Policy: answer.Policy.Digest}, err
}
