package contract

// MirroredHeader marks, with the value "true", a request to a predictor as the copy of one that another track serves: its answer
// reaches nobody, so it is no decision.
const MirroredHeader = "LoanOps-Mirrored"

// The headers of an answer to an application. A predictor sets them, the gateway reads them to count, and passes them on.
const (
	VersionHeader     = "LoanOps-Model-Version" // of a batch's answer too
	ProbabilityHeader = "LoanOps-Probability"
	VerdictHeader     = "LoanOps-Verdict"
)

// TrackHeader is the slot that answered, which the gateway adds.
const TrackHeader = "LoanOps-Track"
