package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/sha256hex"
)

// TrainingInput starts ContinuousTraining; {"pipeline":"loan-eligibility"} is enough.
type TrainingInput struct {
	// Pipeline is the name of a registered pipeline spec.
	Pipeline string `json:"pipeline"`
	// Data replaces the rows of the spec's source, but not what is joined to them: s3://bucket/key, or a path that the worker may read.
	Data string `json:"data,omitempty"`
	// Uploads are the objects that hold what local files of the spec held when the run was started, by the URI that the spec names these
	// with; the loanops command makes them.
	Uploads map[string][]string `json:"uploads,omitempty"`
	// AsOf trains on what was known on that day, 2006-01-02. Defaults to everything.
	AsOf string `json:"as_of,omitempty"`
	// RegisterOnly ends after the registry, without a delivery.
	RegisterOnly bool `json:"register_only,omitempty"`
	// RequireApproval makes the delivery wait for the approve update whatever the spec says.
	RequireApproval bool `json:"require_approval,omitempty"`
	// ApprovalExpires is how long it waits, such as 2h30m. Defaults to 24h.
	ApprovalExpires string `json:"approval_expires,omitempty"`
	// Trigger says why it runs. Defaults to manual.
	Trigger registry.Trigger `json:"trigger,omitempty"`
	// Actor is who started it. Defaults to operator.
	Actor string `json:"actor,omitempty"`
	// Cause is the run ID of what found a reason to train, such as a monitor, or the spec that was registered.
	Cause string `json:"cause,omitempty"`
	// Signed is the actor's signature of this start, see Digest. Nil where nobody signed.
	Signed *approval.Signed `json:"signed,omitempty"`
}

// Digest is what the signature of a start is for: SHA-256 of the input as JSON, without the signature.
func (i TrainingInput) Digest() string {
	i.Signed = nil
	return digest(i)
}

// DeliveryInput starts ContinuousDelivery; {"model":"loan-eligibility","version":2} is enough.
type DeliveryInput struct {
	// Model is the pipeline's name.
	Model string `json:"model"`
	// Version is the registered version to deliver. Defaults to the newest.
	Version int `json:"version,omitempty"`
	// Policy is the digest of the registered policy to deliver it under, or how that begins. Defaults to that of the newest spec.
	Policy          string           `json:"policy,omitempty"`
	RequireApproval bool             `json:"require_approval,omitempty"`
	ApprovalExpires string           `json:"approval_expires,omitempty"` // how long it waits, such as 2h30m; defaults to 24h
	Trigger         registry.Trigger `json:"trigger,omitempty"`
	Actor           string           `json:"actor,omitempty"`
	// Cause is the run ID of what found a reason to deliver, such as a monitor.
	Cause string `json:"cause,omitempty"`
	// Drill injects a fault into the challenger's production track for a game day, see drill.Parse.
	Drill string `json:"drill,omitempty"`
	// Signed is the actor's signature of this start, see Digest, or of the start of the training whose child this is.
	Signed *approval.Signed `json:"signed,omitempty"`
}

// Digest is what the signature of a start is for, see TrainingInput.Digest.
func (i DeliveryInput) Digest() string {
	i.Signed = nil
	return digest(i)
}

// digest is of plain values, which are always JSON.
func digest(input any) string {
	data, _ := json.Marshal(input)
	return sha256hex.Of(data)
}

// RollbackInput starts Rollback; {"model":"loan-eligibility","reason":"…"} is enough.
type RollbackInput struct {
	Model string `json:"model"`
	// Wanted is the track to go back to. Defaults, during a canary, to the champion, else to the previous champion; it must still run in a slot.
	shift.Wanted
	// After is the generation of production that whoever asks has seen: a newer one by anybody else overtakes the rollback. 0 goes back from whatever serves.
	After   int64            `json:"after,omitempty"`
	Trigger registry.Trigger `json:"trigger,omitempty"` // manual (default), monitor
	Actor   string           `json:"actor,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	// Cause is the run ID of what found a reason to go back, such as a monitor.
	Cause string `json:"cause,omitempty"`
	// Adopt only makes production follow the record of that generation, which another writer took, or that of a rollback since;
	// nothing when there is any other newer one.
	Adopt int64 `json:"adopt,omitempty"`
}

// EvaluationInput starts Evaluation; {"model":"loan-eligibility","data":"s3://bucket/key"} is enough.
type EvaluationInput struct {
	// Model is the pipeline's name.
	Model string `json:"model"`
	// Version is a number, @champion (default), @previous or @challenger.
	Version string `json:"version,omitempty"`
	// Data are the rows: s3://bucket/key, or a path that the worker may read. What the spec joins is joined to them.
	Data string `json:"data"`
	// Uploads are the objects that hold what local files held, see TrainingInput.
	Uploads map[string][]string `json:"uploads,omitempty"`
	// AsOf evaluates on what was known on that day, 2006-01-02. Defaults to everything.
	AsOf    string           `json:"as_of,omitempty"`
	Trigger registry.Trigger `json:"trigger,omitempty"`
}

// Measured is what an evaluation on new data found.
type Measured struct {
	Rows     int                        `json:"rows"` // that count
	Positive int                        `json:"positive"`
	Metrics  map[string]evaluate.Metric `json:"metrics"`
	LeftOut  evaluate.LeftOut           `json:"left_out"`
}

// CadenceInput starts Cadence; {"pipeline":"loan-eligibility"} is enough.
type CadenceInput struct {
	// Pipeline is the name of a registered pipeline spec.
	Pipeline string `json:"pipeline"`
	// Tolerance is how much AUC may be lost by waiting, above 0 and below 1. Defaults to 0.01.
	Tolerance float64 `json:"tolerance,omitempty"`
	// Data are the rows of the past in place of the source's: s3://bucket/key, or a path that the worker may read.
	Data string `json:"data,omitempty"`
	// Uploads are the objects that hold what local files held, see TrainingInput.
	Uploads map[string][]string `json:"uploads,omitempty"`
	// AsOf takes what was known on that day, 2006-01-02. Defaults to everything.
	AsOf    string           `json:"as_of,omitempty"`
	Trigger registry.Trigger `json:"trigger,omitempty"`
}

// Period is how often to train, see performance.Cadence.
type Period struct {
	RecommendedDays float64               `json:"recommended_days"`
	AtLeast         bool                  `json:"at_least"` // a longer one may do: no older model was seen
	ExceededDays    *float64              `json:"exceeded_days,omitempty"`
	Tolerance       float64               `json:"tolerance"`
	LossPerMonth    *evaluate.Metric      `json:"loss_per_month,omitempty"`
	Waiting         []performance.Waiting `json:"waiting"`
	Models          int                   `json:"models"`
	Points          int                   `json:"points"`
}

// Materialized is what the online store holds of a view after a run.
type Materialized struct {
	// View is name@version; as it was asked for where nothing was written.
	View string `json:"view"`
	// Entities is how many were written: those of whom anything may have changed.
	Entities int `json:"entities"`
	// Until is the moment up to which what was known is there; absent where nothing was ever taken, or the run was stopped.
	Until time.Time `json:"until,omitzero"`
}

// Intervention is the argument of the approve and abort updates: a person steps in.
type Intervention struct {
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Signed is the actor's signature of an approval. Nil where nobody signed.
	Signed *approval.Signed `json:"signed,omitempty"`
}

func (i Intervention) validate() error {
	if strings.TrimSpace(i.Actor) == "" || strings.TrimSpace(i.Reason) == "" {
		return usage(`"actor" and "reason" are needed: {"actor":"you","reason":"why"}`)
	}
	if err := checkTexts("actor", i.Actor, "reason", i.Reason); err != nil {
		return err
	}
	if i.Signed != nil && (i.Signed.By != i.Actor || i.Signed.Reason != i.Reason) {
		return usage(`"actor" and "reason" are not those that were signed`)
	}
	return nil
}

// Verdict is how a run ended.
type Verdict string

// The verdicts.
const (
	Promoted     Verdict = "promoted"     // the challenger is champion after a canary
	Bootstrapped Verdict = "bootstrapped" // the first champion
	Registered   Verdict = "registered"   // registered, no delivery asked for
	Refused      Verdict = "refused"      // validation, a gate, the contract of requests, the prediction or a staging check said no
	Aborted      Verdict = "aborted"      // the canary or its bake failed, a person aborted, or another writer took over
	Rejected     Verdict = "rejected"     // approval was denied or expired
	RolledBack   Verdict = "rolled_back"
	Restored     Verdict = "restored"  // the champion did not serve as recorded and does again
	Evaluated    Verdict = "evaluated" // measured, nothing was changed
	Published    Verdict = "published" // a commit is a pipeline version, which is trained
	Nothing      Verdict = "nothing"   // the same model is champion already, and serves as recorded; of a monitor: nothing is found that asks for more
	Alerted      Verdict = "alert"     // a monitor tells people
	Retrain      Verdict = "retrain"   // a monitor has started a training
	Review       Verdict = "review"    // a person must look before anything is done
)

// ModelRef names a model version in a result.
type ModelRef struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

// Result is how every workflow ends.
type Result struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons"`
	// FoundBy is the check that a canary or its bake failed, which Reasons have in words.
	FoundBy *canary.Ending `json:"found_by,omitempty"`
	// Findings are what a monitor found.
	Findings []monitor.Finding `json:"findings,omitzero"`
	Model    ModelRef          `json:"model"`
	// Evaluation is what was measured on new data, where the run was to do that.
	Evaluation *Measured `json:"evaluation,omitempty"`
	// Cadence is how often to train, where the run was to find that.
	Cadence *Period `json:"cadence,omitempty"`
	// Materialized is what became of a view, where the run was to bring it up to its sources.
	Materialized *Materialized `json:"materialized,omitempty"`
	// Integrated is how a commit came through, where the run tested one.
	*Integrated
	// Artifacts holds what the run made as one reference, under artifact.Manifest, where it made anything.
	Artifacts map[string]artifact.Ref `json:"artifacts"`
}

// StepState is where a step of a run is.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepSkipped StepState = "skipped"
	StepFailed  StepState = "failed"
)

// ProgressStep is one step in words.
type ProgressStep struct {
	Name   string    `json:"name"`
	State  StepState `json:"state"`
	Detail string    `json:"detail"`
}

// Progress answers the progress query.
type Progress struct {
	Pipeline string         `json:"pipeline"`
	Stage    string         `json:"stage"` // what happens now, in words
	Steps    []ProgressStep `json:"steps"`
	// CanaryWeight is the challenger's share of production traffic in percent.
	CanaryWeight int `json:"canary_weight"`
	// WaitingForApproval is true while the approve update is awaited.
	WaitingForApproval bool `json:"waiting_for_approval"`
	// Approval is who approved, and who is wanted; absent before it is waited for.
	Approval *ApprovalProgress `json:"approval,omitempty"`
	Delivery string            `json:"delivery,omitempty"` // workflow ID of the delivery that a training started
	Verdict  Verdict           `json:"verdict,omitempty"`
}

// checkTexts refuses texts for records that are not one line each: names, each followed by its text.
func checkTexts(named ...string) error {
	for i := 0; i < len(named); i += 2 {
		if err := approval.CheckText(named[i], named[i+1]); err != nil {
			return usage("%s", err)
		}
	}
	return nil
}

// checkDay refuses an "as_of" that is no day, before anything starts that would fail by it.
func checkDay(asOf string) error {
	if err := pipeline.CheckDay(`"as_of"`, asOf); err != nil {
		return usage("%s", err)
	}
	return nil
}

// knownOn is the day on which what a run reads of a source, or the data that it is given in place of its rows, are known. One that is still to come ends the run.
func knownOn(ctx workflow.Context, source *pipeline.Source, data, asOf string) (string, error) {
	read := source.Given(data)
	known, err := read.Known(asOf, workflow.Now(ctx))
	if err != nil {
		return "", usage("%s", err)
	}
	return known, nil
}

// usage is a fault of the caller: it is not retried.
func usage(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), string(fault.Invalid), nil)
}
