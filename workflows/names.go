package workflows

// Workflow type names, registered explicitly: renaming a Go function changes nothing outside.
const (
	ContinuousTrainingName = "ContinuousTraining"
	ContinuousDeliveryName = "ContinuousDelivery"
	RollbackName           = "Rollback"
)

// TaskQueue is where workers take workflows from. Steps have queues of their own, see activities.Role.
const TaskQueue = "loanops"

// Update and query names of a running workflow.
const (
	// ProgressQuery answers Progress: the steps in words.
	ProgressQuery = "progress"
	// ApproveUpdate lets a delivery that waits for approval go on to production; it takes an Intervention.
	ApproveUpdate = "approve"
	// AbortUpdate stops a run and leaves the champion serving; it takes an Intervention.
	AbortUpdate = "abort"
)

// TrainingID is the workflow ID of a pipeline's training: one runs at a time.
func TrainingID(pipeline string) string { return "training-" + pipeline }

// DeliveryID is the workflow ID of a pipeline's delivery: one runs at a time.
func DeliveryID(pipeline string) string { return "delivery-" + pipeline }

// RollbackID is the workflow ID of a pipeline's rollback.
func RollbackID(pipeline string) string { return "rollback-" + pipeline }
