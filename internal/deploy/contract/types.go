// Package contract is what the deployment agent, the Terraform provider, the gateway and the worker say to each other: wire types,
// the agent's client, and how a predictor is started.
package contract

import (
	"fmt"

	"github.com/loanops/loanops/internal/serving"
)

// The slots of an environment. A delivery puts the challenger into the slot that the champion is not in; after a
// promotion the old champion keeps running in its slot with weight 0, so that a rollback is a change of weights.
const (
	Blue  = "blue"
	Green = "green"
)

// Slots lists them, in the order in which they are shown and gone through.
func Slots() []string { return []string{Blue, Green} }

// The environments.
const (
	Staging    = serving.Staging
	Production = serving.Production
)

// TrackSpec is what should run in one slot.
type TrackSpec struct {
	ModelVersion int    `json:"model_version"`
	PolicyDigest string `json:"policy_digest"` // SHA-256 of Policy
	Policy       string `json:"policy"`        // the policy document itself, see decision.Policy: a plan shows what changes in it
	Digest       string `json:"digest"`        // SHA-256 of the bundle
	BundleURI    string `json:"bundle_uri"`    // s3://…, fetched and verified by the agent
	Image        string `json:"image"`         // repository@sha256:…, whose program serves; the agent finds it in its registry
	MemoryMiB    int64  `json:"memory_mib"`    // becomes GOMEMLIMIT, and a container's limit
	CPUMillis    int64  `json:"cpu_millis"`    // rounded up to whole cores becomes GOMAXPROCS; a container's quota
	Meaning      string `json:"meaning"`       // default or approval, see pipeline.Meaning
	// Drill injects a fault for a game day, see drill.Parse; "" for none.
	Drill string `json:"drill"`
}

// Identity is what the serving record calls the track: a model version under a policy. Two specs of one identity should differ at most in
// what they are granted and in their drill, see DecidesAs.
func (s TrackSpec) Identity() serving.Track {
	return serving.Track{Version: s.ModelVersion, Policy: s.PolicyDigest}
}

// DecidesAs reports whether s decides as o does: the same bundle and meaning under the same names. A person's own terraform apply can give a
// track another bundle under a version's number; another policy under a policy's digest is refused by the agent. The image is the program of
// this project, whichever build of it: a newer one is no other decision.
func (s TrackSpec) DecidesAs(o TrackSpec) bool {
	return s.Identity() == o.Identity() && s.Digest == o.Digest && s.Meaning == o.Meaning
}

// TrackState is where a track's process is.
type TrackState string

// The states of a track.
const (
	TrackStarting TrackState = "starting"
	TrackReady    TrackState = "ready"
	// TrackFailed: crashed too often in a row, or killed at its limit of memory while it had no share of the traffic. It is given up until it is put
	// again or a rollback gives it traffic.
	TrackFailed TrackState = "failed"
)

// Track is a slot as it is.
type Track struct {
	Slot     string     `json:"slot"`
	Spec     TrackSpec  `json:"spec"`
	State    TrackState `json:"state"`
	URL      string     `json:"url"` // base URL of the predictor, set when it has been ready
	PID      int        `json:"pid"`
	Restarts int        `json:"restarts"`
	Message  string     `json:"message"` // why it is not ready
	Runtime  Runtime    `json:"runtime"`
	// Killed is the last time that a predictor of this spec was killed at its limit of memory; nil when none was.
	Killed *Kill `json:"killed"`
}

// Runtime is how predictors run.
type Runtime string

// The runtimes.
const (
	Process Runtime = "process" // of the agent's machine and user
	Docker  Runtime = "docker"  // containers of a Docker engine
)

// Kill is the end of a predictor that wanted more memory than its plan grants.
type Kill struct {
	LimitMiB int64 `json:"limit_mib"`
	// Generation is the newest of the serving record that the agent knew then: what is done under a later one began after it.
	Generation int64 `json:"generation"`
}

// String names the limit.
func (k Kill) String() string { return fmt.Sprintf("killed at %d MiB, the plan's limit", k.LimitMiB) }

// Health is the answer of GET /healthz.
type Health struct {
	Status  string  `json:"status"` // ok
	Runtime Runtime `json:"runtime"`
}

// Route is how one pipeline's traffic is shared in one environment. Weights are whole percents that sum to 100.
type Route struct {
	Weights map[string]int `json:"weights"`
	// Mirror is the slot, one without weight, to which copies of requests go; empty for none.
	Mirror   string `json:"mirror"`
	Revision int64  `json:"revision"` // set by the agent, grows with every change
	// Generation is that of the serving record under which weights and mirror were last set or confirmed.
	Generation int64 `json:"generation"`
	// Writer is who set it: "terraform" or "rollback".
	Writer string `json:"writer"`
}

// Actual is what an environment is, as the agent knows it: the answer of GET …/pipelines/{pipeline}.
type Actual struct {
	Tracks map[string]Track `json:"tracks"`
	Route  *Route           `json:"route"` // nil before the first delivery
	// Generation is the newest of the serving record that the agent knows; 0 for none: it then refuses every write.
	Generation int64 `json:"generation"`
}
