// Package registry is the memory of the platform: pipeline specs, model versions, who was champion when and why, runs and
// their steps, canary observations, and the step cache. It is append-only: a version never changes, an alias moves by a
// new row that carries the hash of the row before.
package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/loanops/loanops/internal/artifact"
)

// The aliases of a model.
const (
	Champion   = "champion"
	Challenger = "challenger"
	Previous   = "previous"
)

// PipelineSpec is one registered version of a pipeline's YAML.
type PipelineSpec struct {
	Name      string    `json:"name"`
	Digest    string    `json:"digest"` // SHA-256 of YAML
	YAML      []byte    `json:"yaml"`
	CreatedAt time.Time `json:"created_at"`
}

// NewPipelineSpec is the spec of a pipeline under its digest.
func NewPipelineSpec(name string, yaml []byte) PipelineSpec {
	sum := sha256.Sum256(yaml)
	return PipelineSpec{Name: name, Digest: hex.EncodeToString(sum[:]), YAML: yaml}
}

// Metric is an estimate on the test set with a 95 % interval.
type Metric struct {
	Estimate float64 `json:"estimate"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
}

// ModelVersion is one trained, gated model. Never changed after it is written.
type ModelVersion struct {
	Name            string                  `json:"name"`
	Version         int                     `json:"version"` // 1, 2, 3 … per name, without gaps
	Digest          string                  `json:"digest"`  // SHA-256 of the bundle
	Bundle          artifact.Ref            `json:"bundle"`
	Algorithm       string                  `json:"algorithm"`
	Hyperparameters json.RawMessage         `json:"hyperparameters"`
	Metrics         map[string]Metric       `json:"metrics"`
	Lineage         Lineage                 `json:"lineage"`
	Artifacts       map[string]artifact.Ref `json:"artifacts"` // by role: dataset, train, validation, test, golden, profile, evaluation …
	RunID           string                  `json:"run_id"`
	CreatedAt       time.Time               `json:"created_at"`
}

// Lineage says what a version was made from.
type Lineage struct {
	SpecDigest string            `json:"spec_digest"`
	Dataset    string            `json:"dataset"` // digest of the extracted table
	Source     string            `json:"source"`  // URI, or simulate with its parameters
	AsOf       string            `json:"as_of"`   // what was known on that day, 2006-01-02; empty: everything
	Rows       int64             `json:"rows"`
	Steps      map[string]string `json:"steps"` // step name to step version
}

// AliasMove is one row of the append-only, hash-chained alias history of a model.
type AliasMove struct {
	Name    string    `json:"name"`
	Seq     int       `json:"seq"` // 1, 2, 3 … per name
	Alias   string    `json:"alias"`
	Version int       `json:"version"` // 0: the alias names nothing from now on
	From    int       `json:"from"`    // version before, 0: none
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
	// Operation groups moves made together and makes a repeated call harmless.
	Operation string `json:"operation"`
	PrevHash  string `json:"prev_hash"` // hash of row Seq-1; empty for the first
	Hash      string `json:"hash"`
}

// AliasChange asks that alias name version from now on.
type AliasChange struct {
	Alias   string
	Version int // 0 removes the alias
}

// AliasOperation is a set of alias changes that happen together or not at all.
type AliasOperation struct {
	// ID makes the operation idempotent: the second call with the same ID changes nothing and returns the first's rows.
	ID      string
	Name    string
	Actor   string
	Reason  string
	Changes []AliasChange
}

// RunStatus is where a run is.
type RunStatus string

// The statuses of a run.
const (
	RunRunning   RunStatus = "running"
	RunCompleted RunStatus = "completed" // it reached a verdict, whichever
	RunFailed    RunStatus = "failed"    // it ended by a fault
	RunCancelled RunStatus = "cancelled"
)

// Run is one execution of a workflow.
type Run struct {
	ID         string          `json:"id"` // Temporal run ID
	WorkflowID string          `json:"workflow_id"`
	Type       string          `json:"type"` // workflow type name
	Pipeline   string          `json:"pipeline"`
	Trigger    string          `json:"trigger"`
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
	Weight  int             `json:"weight"` // percent to the canary while observing
	At      time.Time       `json:"at"`
	Tracks  json.RawMessage `json:"tracks"` // canary.Observation: per track counts, error rate, latency, scores
	Verdict string          `json:"verdict"`
	Reasons []string        `json:"reasons"`
}

// CachedStep is the result of a step whose inputs are hashed in Key.
type CachedStep struct {
	Key    string
	Step   string
	Result json.RawMessage
}
