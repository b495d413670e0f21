package contract

// What the gateway counts by track, which the canary's analysis reads.
const (
	RequestsMetric  = "loanops_gateway_requests_total"
	DurationMetric  = "loanops_gateway_request_duration_seconds"
	ScoreMetric     = "loanops_gateway_score"
	DecisionsMetric = "loanops_gateway_decisions_total"
)

// The labels of the gateway's metrics. Version and policy together are a track's identity; the slot is only where it runs.
const (
	PipelineLabel  = "pipeline"
	SlotLabel      = "track"
	VersionLabel   = "model_version"
	PolicyLabel    = "policy" // the policy's whole digest
	SyntheticLabel = "synthetic"
	CodeLabel      = "code"    // of RequestsMetric: the HTTP status
	VerdictLabel   = "verdict" // of DecisionsMetric: approve or decline
)
