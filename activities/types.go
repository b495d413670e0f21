// Package activities does the I/O of the workflows: one file and one struct per stage. What crosses Temporal is references
// and small summaries that a person can read in the Web UI, never an applicant's data.
package activities

import (
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// Activity type names, registered explicitly. They are the steps that an operator reads.
const (
	LoadPipeline        = "LoadPipeline"
	ExtractData         = "ExtractData"
	ValidateData        = "ValidateData"
	ProfileData         = "ProfileData"
	SplitData           = "SplitData"
	TrainModel          = "TrainModel"
	EvaluateModel       = "EvaluateModel"
	CheckGates          = "CheckGates"
	RegisterModel       = "RegisterModel"
	FindChampion        = "FindChampion"
	ResolveModel        = "ResolveModel"
	PlanStaging         = "PlanStaging"
	MeasureModel        = "MeasureModel"
	CheckCapacity       = "CheckCapacity"
	ApplyStaging        = "ApplyStaging"
	SmokeTest           = "SmokeTest"
	LatencyTest         = "LatencyTest"
	PlanProduction      = "PlanProduction"
	ApplyProduction     = "ApplyProduction"
	SmokeTestProduction = "SmokeTestProduction"
	ApplyCanaryWeight   = "ApplyCanaryWeight"
	AnalyseCanary       = "AnalyseCanary"
	RecordCanaryCheck   = "RecordCanaryCheck"
	PromoteModel        = "PromoteModel"
	AbortCanary         = "AbortCanary"
	MoveAliases         = "MoveAliases"
	ClearChallenger     = "ClearChallenger"
	RollBack            = "RollBack"
	RecordRun           = "RecordRun"
)

// PipelineInput names the spec to load.
type PipelineInput struct {
	Pipeline string `json:"pipeline"`
}

// PipelineOutput is a parsed spec and its identity.
type PipelineOutput struct {
	Spec   pipeline.Spec `json:"spec"`
	Digest string        `json:"digest"`
}

// ExtractInput says what to read.
type ExtractInput struct {
	Spec pipeline.Spec `json:"spec"`
	// Data replaces the spec's source when it is not empty.
	Data string `json:"data"`
	// AsOf is 2006-01-02, or empty for everything.
	AsOf string `json:"as_of"`
}

// ExtractOutput is the table that everything after reads.
type ExtractOutput struct {
	Dataset artifact.Ref `json:"dataset"` // Parquet
	Rows    int64        `json:"rows"`
	Columns int          `json:"columns"`
	Source  string       `json:"source"` // what was read, in words
	Cached  bool         `json:"cached"`
}

// DatasetInput is a spec and a table.
type DatasetInput struct {
	Spec    pipeline.Spec `json:"spec"`
	Dataset artifact.Ref  `json:"dataset"`
	AsOf    string        `json:"as_of"`
}

// ValidateOutput says whether the data may be trained on. Errors refuse, warnings are told.
type ValidateOutput struct {
	Report   artifact.Ref `json:"report"` // JSON
	Errors   []string     `json:"errors"`
	Warnings []string     `json:"warnings"`
	Cached   bool         `json:"cached"`
}

// ProfileOutput is the profile for people and for programs.
type ProfileOutput struct {
	JSON   artifact.Ref `json:"json"`
	HTML   artifact.Ref `json:"html"`
	Cached bool         `json:"cached"`
}

// SplitOutput is the three disjoint parts.
type SplitOutput struct {
	Train          artifact.Ref `json:"train"`
	Validation     artifact.Ref `json:"validation"`
	Test           artifact.Ref `json:"test"`
	TrainRows      int          `json:"train_rows"`
	ValidationRows int          `json:"validation_rows"`
	TestRows       int          `json:"test_rows"`
	Cached         bool         `json:"cached"`
}

// TrainInput is what a model is a function of.
type TrainInput struct {
	Spec       pipeline.Spec `json:"spec"`
	Train      artifact.Ref  `json:"train"`
	Validation artifact.Ref  `json:"validation"`
}

// TrainOutput is a model bundle and how it came about.
type TrainOutput struct {
	Bundle          artifact.Ref `json:"bundle"`
	Hyperparameters []byte       `json:"hyperparameters"` // JSON
	Summary         string       `json:"summary"`
	Cached          bool         `json:"cached"`
}

// EvaluateInput scores a bundle, and the champion's where there is one, on the test set.
type EvaluateInput struct {
	Spec     pipeline.Spec `json:"spec"`
	Bundle   artifact.Ref  `json:"bundle"`
	Test     artifact.Ref  `json:"test"`
	Champion *artifact.Ref `json:"champion"` // the champion's bundle, or nil
}

// EvaluateOutput is the measured quality.
type EvaluateOutput struct {
	Metrics map[string]registry.Metric `json:"metrics"`
	// Champion is the champion's metrics on the same rows; nil when there is none or it cannot score them, then Note says why.
	Champion map[string]registry.Metric `json:"champion"`
	Note     string                     `json:"note"`
	JSON     artifact.Ref               `json:"json"`
	HTML     artifact.Ref               `json:"html"`
	Golden   artifact.Ref               `json:"golden"` // rows and their probabilities, for smoke tests
	Cached   bool                       `json:"cached"`
}

// GateInput is what the gates judge.
type GateInput struct {
	Gates    []pipeline.Gate            `json:"gates"`
	Metrics  map[string]registry.Metric `json:"metrics"`
	Champion map[string]registry.Metric `json:"champion"`
}

// GateOutput says whether a model may be registered, with a text for each gate.
type GateOutput struct {
	Passed  bool     `json:"passed"`
	Checks  []string `json:"checks"`
	Refused []string `json:"refused"` // the checks that failed
}

// RegisterInput is the version to be.
type RegisterInput struct {
	Version registry.ModelVersion `json:"version"`
}

// RegisterOutput is the version that is.
type RegisterOutput struct {
	Version int    `json:"version"`
	Digest  string `json:"digest"`
	Created bool   `json:"created"` // false: the same model was registered before
	// Champion is the version that the alias champion names, 0 for none.
	Champion int `json:"champion"`
}

// ResolveInput names a model; version 0 is the newest.
type ResolveInput struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
}

// ResolveOutput is what a delivery needs to know. Champion is nil before the first delivery.
type ResolveOutput struct {
	Spec     pipeline.Spec `json:"spec"`
	Version  Deliverable   `json:"version"`
	Champion *Deliverable  `json:"champion"`
}

// Deliverable is a version as far as a delivery needs it.
type Deliverable struct {
	Version int          `json:"version"`
	Digest  string       `json:"digest"`
	Bundle  artifact.Ref `json:"bundle"`
	Golden  artifact.Ref `json:"golden"`
	Test    artifact.Ref `json:"test"`
}

// EnvironmentInput asks to plan or apply an environment with the challenger in it.
type EnvironmentInput struct {
	Spec        pipeline.Spec `json:"spec"`
	Environment string        `json:"environment"`
	Version     Deliverable   `json:"version"`
	Champion    *Deliverable  `json:"champion"`
	// Weight is the challenger's share in percent. With a champion, the champion has the rest.
	Weight int `json:"weight"`
	// RemoveChallenger takes the challenger's track away (an abort).
	RemoveChallenger bool   `json:"remove_challenger"`
	Drill            string `json:"drill"`
}

// PlanOutput is a Terraform plan in words and figures, for the challenger's slot.
type PlanOutput struct {
	Summary terraform.PlanSummary `json:"summary"`
	Slot    string                `json:"slot"`
	Planned capacity.Grant        `json:"planned"`
	// Adopted says what the plan found changed behind Terraform's back (a rollback), in words.
	Adopted string `json:"adopted"`
}

// ApplyOutput says where the challenger answers.
type ApplyOutput struct {
	Slot string `json:"slot"`
	URL  string `json:"url"`
}

// MeasureInput is the bundle to run in the real loanops-api.
type MeasureInput struct {
	Spec    pipeline.Spec `json:"spec"`
	Version Deliverable   `json:"version"`
}

// CapacityInput holds a plan against a measurement.
type CapacityInput struct {
	Planned    capacity.Grant  `json:"planned"`
	Demand     capacity.Demand `json:"demand"`
	TargetRate float64         `json:"target_rate"`
}

// CapacityOutput lists the misfits in words; none means that it fits.
type CapacityOutput struct {
	Misfits []string `json:"misfits"`
}

// EndpointInput is a predictor to test.
type EndpointInput struct {
	Spec    pipeline.Spec `json:"spec"`
	URL     string        `json:"url"`
	Version Deliverable   `json:"version"`
}

// EndpointOutput says what failed, and figures in words.
type EndpointOutput struct {
	Failures []string `json:"failures"`
	Summary  string   `json:"summary"`
}

// CanaryInput is one analysis of both tracks at a weight.
type CanaryInput struct {
	Spec     pipeline.Spec `json:"spec"`
	Version  Deliverable   `json:"version"`
	Champion Deliverable   `json:"champion"`
	Weight   int           `json:"weight"`
}

// CanaryOutput is what the analysis saw.
type CanaryOutput struct {
	Observation canary.Observation `json:"observation"`
}

// CheckInput is one verdict of the canary, to be kept.
type CheckInput struct {
	Check registry.CanaryCheck `json:"check"`
}

// AliasInput moves aliases together.
type AliasInput struct {
	Operation registry.AliasOperation `json:"operation"`
}

// RollBackInput asks for the version before.
type RollBackInput struct {
	Model     string `json:"model"`
	Version   int    `json:"version"`
	Actor     string `json:"actor"`
	Reason    string `json:"reason"`
	Operation string `json:"operation"` // makes a retry harmless
}

// RollBackOutput says from which version to which.
type RollBackOutput struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Digest string `json:"digest"`
}

// RunInput is a run to record, with or without its end.
type RunInput struct {
	Run registry.Run `json:"run"` // without steps: they are read from the history
}
