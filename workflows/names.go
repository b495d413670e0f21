package workflows

import (
	"fmt"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/history"
)

// Workflow type names, registered explicitly: renaming a Go function changes nothing outside.
const (
	ContinuousTrainingName = "ContinuousTraining"
	ContinuousDeliveryName = "ContinuousDelivery"
	RollbackName           = "Rollback"
	TriggerName            = "Trigger"
	MonitorName            = "Monitor"
	AlertName              = history.Telling
	EvaluationName         = "Evaluation"
	CadenceName            = "Cadence"
	TrialName              = "Trial"
	MaterializeName        = "Materialize"
	CheckFeaturesName      = "CheckFeatures"

	ContinuousIntegrationName = "ContinuousIntegration"
	PushName                  = "Push"
)

// TaskQueue is where workers take workflows from. Steps have queues of their own, see activities.Role.
const TaskQueue = "loanops"

// Update, query and signal names of a running workflow.
const (
	// ProgressQuery answers Progress: the steps in words.
	ProgressQuery = "progress"
	// ApproveUpdate lets a delivery that waits for approval go on to production; it takes an Intervention.
	ApproveUpdate = "approve"
	// AbortUpdate stops a run and leaves the champion serving; it takes an Intervention.
	AbortUpdate = "abort"
	// AnotherSignal tells a keeper of one more trigger, see Trigger; it takes a TriggerInput.
	AnotherSignal = "another"
	// PushSignal tells an integration of a newer push of its branch; it takes an IntegrationInput.
	PushSignal = "push"
)

// TrainingID is the workflow ID of a pipeline's training: one runs at a time.
func TrainingID(pipeline string) string { return "training-" + pipeline }

// DeliveryID is the workflow ID of a pipeline's delivery: one runs at a time.
func DeliveryID(pipeline string) string { return "delivery-" + pipeline }

// MonitorID is the workflow ID of a pipeline's monitor: one looks at a time.
func MonitorID(pipeline string) string { return "monitor-" + pipeline }

// RollbackID is the workflow ID of a pipeline's rollback.
func RollbackID(pipeline string) string { return "rollback-" + pipeline }

// KeeperID is the workflow ID of the trigger that waits for the end of the pipeline's run of that kind: one waits at a time.
func KeeperID(run Scheduled, pipeline string) string { return "kept-" + string(run) + "-" + pipeline }

// SpecTriggerID is the workflow ID of the trigger of a spec that was registered at that time: there is one.
func SpecTriggerID(pipeline string, registered time.Time) string {
	return "trigger-spec-" + pipeline + "-" + registered.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// AlertID is the workflow ID of the telling of an alert: there is one.
func AlertID(alert string) string { return "alert-" + alert }

// EvaluationID is the workflow ID of an evaluation of a model's versions on new data: one runs at a time.
func EvaluationID(model string) string { return "evaluation-" + model }

// MaterializeID is the run that brings a view up to its sources: one at a time.
func MaterializeID(view string) string { return "materialize-" + view }

// CheckFeaturesID is the workflow ID of the check of what was stored under that digest: who asks for the same again meets the run that goes on.
func CheckFeaturesID(digest string) string { return "check-features-" + digest[:min(len(digest), 16)] }

// CadenceID is the workflow ID of the measurement of how a pipeline's models age: one runs at a time.
func CadenceID(pipeline string) string { return "cadence-" + pipeline }

// IntegrationID is the workflow ID of the integration of a repository's branch: one runs at a time. Of a run that publishes nothing further words say what
// for. Whatever a folder or a branch is called, two of them have two IDs: between the parts are tildes, and in place of slashes, which stand in the addresses of
// runs for something else, colons. No branch has either; of a folder that has, they are written as in URLs.
func IntegrationID(repository, ref string, words ...string) string {
	parts := append([]string{repository, shortRef(ref)}, words...)
	for i, part := range parts {
		parts[i] = inID.Replace(part)
	}
	return "integration-" + strings.Join(parts, "~")
}

// shortRef is a branch by its name alone, unless that would look like another reference.
func shortRef(ref string) string {
	branch, is := git.BranchOf(ref)
	if !is || strings.HasPrefix(branch, "refs/") {
		return ref
	}
	return branch
}

// inID writes a text as a part of an ID.
var inID = strings.NewReplacer("%", "%25", "~", "%7E", ":", "%3A", "/", ":")

// VersionTriggerID is the workflow ID of the trigger that trains a pipeline's new version.
func VersionTriggerID(pipeline string, version int) string {
	return fmt.Sprintf("trigger-version-%s-%d", pipeline, version)
}

// PushID is the workflow ID of what starts an integration for a push: there is one for each.
func PushID(event string) string { return "push-" + event }

// TrialID is the workflow ID of the trial of a build of the workers: one at a time.
func TrialID(build string) string { return "trial-" + build }
