// Package registry is the memory of the platform: pipeline specs and their policies, model versions, what serves and why (package serving), runs and
// their steps, canary observations, and the step cache. It is append-only: a version never changes, and what serves changes by a
// new record that carries the hash of the one before.
package registry

import (
	"encoding/json"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
)

// PipelineSpec is one registered version of a pipeline's YAML.
type PipelineSpec struct {
	Name   string `json:"name"`
	Digest string `json:"digest"` // SHA-256 of YAML
	YAML   []byte `json:"yaml"`
	Policy Policy `json:"policy"` // that the spec declares
	// Features are the columns that the spec's references to the feature store came to when it was registered; none of one that was not resolved yet.
	Features  []pipeline.Column `json:"features,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
}

// NewPipelineSpec is what the YAML of a spec is registered as, with the columns of features that the spec has.
func NewPipelineSpec(spec pipeline.Spec, yaml []byte) PipelineSpec {
	document := decision.PolicyOf(spec).Document()
	return PipelineSpec{
		Name: spec.Name, Digest: sha256hex.Of(yaml), YAML: yaml,
		Policy:   Policy{Digest: sha256hex.Of(document), Document: document},
		Features: spec.Looked(),
	}
}

// Spec is what was registered, with its columns of features.
func (s PipelineSpec) Spec() (pipeline.Spec, error) {
	spec, err := pipeline.Parse(s.Name+".yaml", s.YAML)
	spec.Look(s.Features)
	return spec, err
}

// ModelVersion is one trained, gated model: a bundle, and what its scores mean. Never changed after it is written.
type ModelVersion struct {
	Name    string `json:"name"`
	Version int    `json:"version"` // 1, 2, 3 … per name, without gaps
	Digest  string `json:"digest"`  // SHA-256 of the bundle
	// Meaning is of the label that it was trained on: the same bundle under another meaning is another version.
	Meaning pipeline.Meaning `json:"label_meaning"`
	// Predictor is the image in which it serves, repository@sha256:…, as the pipeline version says that it was trained from: the same bundle in another one
	// is another version. Empty is the image that the worker's settings name, whichever that is on the day.
	Predictor       string                     `json:"predictor"`
	Bundle          artifact.Ref               `json:"bundle"`
	Algorithm       string                     `json:"algorithm"`
	Hyperparameters json.RawMessage            `json:"hyperparameters"`
	Metrics         map[string]evaluate.Metric `json:"metrics"` // on the test set
	Lineage         Lineage                    `json:"lineage"`
	Artifacts       map[string]artifact.Ref    `json:"artifacts"` // by role, see package artifact
	RunID           string                     `json:"run_id"`
	CreatedAt       time.Time                  `json:"created_at"`
}

// Lineage says what a version was made from.
type Lineage struct {
	SpecDigest string `json:"spec_digest"`
	// Pipeline is the pipeline version, see PipelineVersion; 0 where the spec is of none: it was registered by hand.
	Pipeline int               `json:"pipeline_version"`
	Schema   int               `json:"schema"`  // version of the pipeline's schema
	Dataset  string            `json:"dataset"` // digest of the extracted table
	Source   string            `json:"source"`  // URI, or simulate with its parameters
	AsOf     string            `json:"as_of"`   // what was known on that day, 2006-01-02; empty: everything
	Rows     int64             `json:"rows"`
	Steps    map[string]string `json:"steps"` // step name to step version
	// Code is the program that trained it. A model that came from the step cache was trained by an earlier one.
	Code Code `json:"code"`
}

// RunStatus is where a run is.
type RunStatus string

// The statuses of a run.
const (
	RunRunning   RunStatus = "running"
	RunCompleted RunStatus = "completed" // it reached a verdict, whichever
	RunFailed    RunStatus = "failed"    // it ended by a fault
)

// Run is one execution of a workflow.
type Run struct {
	ID         string          `json:"id"` // Temporal run ID
	WorkflowID string          `json:"workflow_id"`
	Type       string          `json:"type"` // workflow type name
	Pipeline   string          `json:"pipeline"`
	Trigger    Trigger         `json:"trigger"`
	Cause      string          `json:"cause"`     // run ID of what found a reason for it, such as a monitor, or the spec that was registered; or empty
	ParentID   string          `json:"parent_id"` // run ID of the parent workflow, or empty
	Status     RunStatus       `json:"status"`
	StartedAt  time.Time       `json:"started_at"`
	EndedAt    time.Time       `json:"ended_at"` // zero while running
	Verdict    string          `json:"verdict"`
	Result     json.RawMessage `json:"result"` // the workflow's result as JSON, or null
	Error      string          `json:"error"`
	Steps      []RunStep       `json:"steps"`
}

// RunStep is one activity of a run, read from the workflow's history.
type RunStep struct {
	Seq        int           `json:"seq"` // order of scheduling, from 1
	Name       string        `json:"name"`
	Status     string        `json:"status"` // running, completed, failed, timed_out, cancelled
	Attempts   int           `json:"attempts"`
	Scheduled  time.Time     `json:"scheduled_at"`
	Started    time.Time     `json:"started_at"` // of the last attempt
	Ended      time.Time     `json:"ended_at"`
	Duration   time.Duration `json:"duration_ns"` // Ended - Started: the step's own time
	Cached     bool          `json:"cached"`
	LastFailed string        `json:"last_failure"`
	Summary    string        `json:"summary"`
}

// CanaryCheck is what one analysis between canary steps saw and said.
type CanaryCheck struct {
	RunID   string          `json:"run_id"`
	Seq     int             `json:"seq"` // 1, 2 … per run
	Model   string          `json:"model"`
	Version int             `json:"version"`
	Phase   string          `json:"phase"`  // see canary.Phase
	Weight  int             `json:"weight"` // percent to the canary while observing
	At      time.Time       `json:"at"`
	Tracks  json.RawMessage `json:"tracks"` // canary.Observation: what was counted by who asked, per track and per pair
	Verdict string          `json:"verdict"`
	Reasons []string        `json:"reasons"`
}

// CachedStep is the result of a step whose inputs are hashed in Key.
type CachedStep struct {
	Key       string
	Step      string
	Result    json.RawMessage
	CreatedAt time.Time
}
