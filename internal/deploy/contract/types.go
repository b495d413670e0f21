// Package contract is what the deployment agent, the Terraform provider, the gateway and the worker say to each other: wire types,
// the agent's client, and how a predictor is started.
package contract

import "github.com/loanops/loanops/internal/serving"

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
	// TrackFailed: crashed too often in a row, or killed at its limit of memory while another track has more of the traffic. It is given up until it is
	// put again or a rollback gives it traffic.
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
	// Runtime is how it runs: process or docker.
	Runtime string `json:"runtime"`
	// Killed says that a predictor of this track wanted more memory than the plan grants, and at which limit it was killed; empty when none did.
	Killed string `json:"killed"`
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
