package contract

import "time"

// What the gateway counts by track, which the canary's analysis reads. Counters live as long as the gateway's process: none goes away when
// its track is no longer routed, as a reader of windows subtracts what it read before.
const (
	// StartedMetric counts requests when they are sent to a track: what is here and not in RequestsMetric is under way.
	StartedMetric = "loanops_gateway_started_total"
	// RequestsMetric counts the same requests when they have ended, by CodeLabel. A request that waits for a predictor to be started again
	// is counted once, as its first try went.
	RequestsMetric = "loanops_gateway_requests_total"
	// RefusedMetric counts those of them that ended OutcomeRefused. What the track has refused a client lately, byte by byte, is not
	// counted again; the platform's own requests are drawn from a pool, again and again, on purpose.
	RefusedMetric = "loanops_gateway_refused_total"
	// RefusedFieldsMetric counts the requests of clients in RefusedMetric by what was wrong with them: by FieldLabel and RuleLabel, each pair of a
	// request once, without its track. No value is in it.
	RefusedFieldsMetric = "loanops_gateway_refused_fields_total"
	// RefusedInstitutionsMetric is how many institutions were refused for a field and rule of RefusedFieldsMetric within RefusedWindow, and
	// InstitutionsMetric how many there are: what one of them sends is no habit of all.
	RefusedInstitutionsMetric = "loanops_gateway_refused_institutions"
	InstitutionsMetric        = "loanops_gateway_institutions"
	// DurationMetric is the time from a request to its end, in seconds, of all but those whose caller hung up: that time is the caller's.
	DurationMetric = "loanops_gateway_request_duration_seconds"
	// ScoreMetric and DecisionsMetric are the probabilities and, by VerdictLabel, the verdicts of single decisions. A client's application that
	// the track has answered lately is not counted again; the platform's own are, each time.
	ScoreMetric     = "loanops_gateway_score"
	DecisionsMetric = "loanops_gateway_decisions_total"
)

// The labels of the metrics above. Version and policy together are a track's identity; the slot is only where it runs.
const (
	PipelineLabel  = "pipeline"
	SlotLabel      = "track"
	VersionLabel   = "model_version"
	PolicyLabel    = "policy" // the policy's whole digest
	SyntheticLabel = "synthetic"
	KindLabel      = "kind"    // KindSingle or KindBatch
	CodeLabel      = "code"    // of RequestsMetric: the predictor's HTTP status, or one of the codes below
	VerdictLabel   = "verdict" // of DecisionsMetric: approve or decline
	// FieldLabel is of RefusedFieldsMetric: a declared field, what clients called one that there is not (from the MinNamed-th request, else
	// OtherField), or empty where no field is meant.
	FieldLabel = "field"
	RuleLabel  = "rule" // of RefusedFieldsMetric: a request.Rule, or RuleNotJSON
)

// RefusedWindow is for how long an institution that was refused counts as one that is: a day, from one look to the next, and an hour by which that
// may be late.
const RefusedWindow = 25 * time.Hour

// What bounds the names that clients choose. A name that one request has may be an applicant's value in the wrong place.
const (
	MaxFieldName     = 64 // bytes of a name that is told: a letter, then letters, digits and _ . - alone, not four digits in a row
	MaxUnknownFields = 50 // names for each pipeline, until the gateway ends
	MaxNamesOfOne    = 10 // of these, by requests of one institution
	MinNamed         = 10 // requests of an institution that have a name before it is told
	OtherField       = "other"
)

// RuleNotJSON is the rule of a body that is no JSON object, whose fields nobody knows.
const RuleNotJSON = "not_json"

// The kinds of requests: one application, or up to 1,000 at once, whose latency and outcome say nothing of one.
const (
	KindSingle = "single"
	KindBatch  = "batch"
)

// The codes of requests that have no answer.
const (
	CodeAway      = 502 // no connection, or one that broke
	CodeTimeout   = 504 // the predictor did not answer within its time
	CodeAbandoned = 499 // the caller hung up before the answer, as nginx counts it
)

// What bounds an analysis of these counts: docs/error-rates.md rests on both.
const (
	// PredictorTimeout bounds one request to a predictor, and its copy.
	PredictorTimeout = 10 * time.Second
	// CopiesPerSecond is the most copies of one pipeline's requests that are sent, and in a burst: a sample shows what a canary looks for.
	CopiesPerSecond = 50
)

// What the gateway counts by pair: a request that a slot with weight served, and its copy to the mirror. Which of the two is the champion
// is the reader's business. No copy is in the metrics by track.
const (
	// PairsStartedMetric counts copies when they are sent; what is here and not in PairsEndedMetric is under way.
	PairsStartedMetric = "loanops_gateway_pairs_started_total"
	// PairsEndedMetric counts them when both have ended, by OutcomeLabel and MirrorOutcomeLabel.
	PairsEndedMetric = "loanops_gateway_pairs_ended_total"
	// PairsDroppedMetric counts the requests that were not copied, by ReasonLabel.
	PairsDroppedMetric = "loanops_gateway_pairs_dropped_total"
	// PairVerdictsMetric counts pairs of single decisions that were both made, by VerdictLabel and MirrorVerdictLabel.
	PairVerdictsMetric = "loanops_gateway_pair_verdicts_total"
	// PairScoreMetric is the probability that each side (SideLabel) gave in these pairs.
	PairScoreMetric = "loanops_gateway_pair_score"
	// PairDurationMetric is the time to the answer, in seconds, of both sides (SideLabel) of the pairs that both ended OutcomeOK.
	PairDurationMetric = "loanops_gateway_pair_duration_seconds"
)

// The labels of pairs: PipelineLabel, SlotLabel, VersionLabel and PolicyLabel of the track that served, SyntheticLabel and KindLabel, and
const (
	MirrorSlotLabel    = "mirror_track"
	MirrorVersionLabel = "mirror_model_version"
	MirrorPolicyLabel  = "mirror_policy"
	OutcomeLabel       = "outcome"        // of PairsEndedMetric: how the served request ended, see OutcomeOf
	MirrorOutcomeLabel = "mirror_outcome" // of PairsEndedMetric: how the copy did
	MirrorVerdictLabel = "mirror_verdict" // of PairVerdictsMetric; VerdictLabel is what the client got
	SideLabel          = "side"           // of PairScoreMetric and PairDurationMetric: SideServed or SideMirror
	ReasonLabel        = "reason"         // of PairsDroppedMetric: one of the reasons below
)

// The sides of a pair.
const (
	SideServed = "served"
	SideMirror = "mirror"
)

// Why a request was not copied.
const (
	DroppedRate     = "rate"     // more per second than are copied
	DroppedBusy     = "busy"     // as many copies, or bytes of them, are under way as may be
	DroppedRepeated = "repeated" // the same application was copied lately
	// DroppedAbandoned: its caller hung up, so that nobody knows how the track would have ended it.
	DroppedAbandoned = "abandoned"
)

// The outcomes of a request.
const (
	OutcomeOK      = "ok"
	OutcomeRefused = "refused" // 4xx: the predictor says that the request is wrong
	OutcomeFailed  = "failed"  // 5xx, or no predictor
	OutcomeUnended = "unended" // CodeTimeout or CodeAbandoned
)

// OutcomeOf is the outcome that a code of RequestsMetric means.
func OutcomeOf(code int) string {
	switch {
	case code == CodeTimeout, code == CodeAbandoned:
		return OutcomeUnended
	case code >= 200 && code < 300:
		return OutcomeOK
	case code >= 400 && code < 500:
		return OutcomeRefused
	}
	return OutcomeFailed
}
