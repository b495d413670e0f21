package contract

import "strconv"

// MeantHeader is in a gateway's request to a predictor and says which one is meant, see PredictorName. Another one answers 421 and decides nothing: an address
// can be a new predictor's before every gateway knows that the old one is gone.
const MeantHeader = "LoanOps-Meant"

// PredictorName is what a predictor serves, as one text.
func PredictorName(pipeline string, modelVersion int, policyDigest string) string {
	return pipeline + "/" + strconv.Itoa(modelVersion) + "/" + policyDigest
}

// MirroredHeader marks, with the value "true", a request to a predictor as the copy of one that another track serves: its answer
// reaches nobody, so it is no decision.
const MirroredHeader = "LoanOps-Mirrored"

// SyntheticHeader marks, with the value "true", a request to a predictor as one of the platform's own: nobody applied, so monitoring must not
// count it. A copy of such a request carries both marks.
const SyntheticHeader = "LoanOps-Synthetic"

// The headers of an answer to an application. A predictor sets them, the gateway reads them to count, and passes them on.
const (
	VersionHeader     = "LoanOps-Model-Version" // of a batch's answer too
	ProbabilityHeader = "LoanOps-Probability"
	VerdictHeader     = "LoanOps-Verdict"
)

// ApplicationHeader is in the answer to a single application and says which one it was, in 16 hexadecimal digits: the same for the same
// values of the declared fields, however they were written and whatever else came along. The gateway counts by it and keeps it to itself.
const ApplicationHeader = "LoanOps-Application"

// TrackHeader is the slot that answered, which the gateway adds.
const TrackHeader = "LoanOps-Track"
