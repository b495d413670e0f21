// Package canary decides, purely, what a staged delivery does next. Decide is a state machine over what an analysis
// observed: no clock, no I/O, so that a workflow may call it and replay it.
package canary

// Phase is where a canary is. The set is closed.
type Phase string

// The phases.
const (
	Progressing Phase = "progressing" // a step's weight is set and observed
	Promoting   Phase = "promoting"   // all steps passed
	Aborted     Phase = "aborted"     // the stable version takes all traffic again
)

// Status is what is remembered between analyses.
type Status struct {
	Phase Phase `json:"phase"`
	// Step is the index into Config.Steps.
	Step int `json:"step"`
	// Weight is the challenger's share of traffic in percent that should be set now.
	Weight int `json:"weight"`
	// FailedChecks counts failed analyses, Inconclusive those in a row without enough data.
	FailedChecks int `json:"failed_checks"`
	Inconclusive int `json:"inconclusive"`
}

// Histogram counts values in buckets: Counts[i] is how many were at most Bounds[i] and above Bounds[i-1]; the last count
// (len(Bounds)) is above every bound.
type Histogram struct {
	Bounds []float64 `json:"bounds"`
	Counts []int64   `json:"counts"`
}

// Track is what one version did during an analysis.
type Track struct {
	Version  int   `json:"version"`
	Requests int64 `json:"requests"`
	// Errors are answers of 500 and above and connections that failed; a refused input (4xx) is not one.
	Errors   int64 `json:"errors"`
	Approved int64 `json:"approved"`
	// Latency is in seconds, Scores are probabilities.
	Latency Histogram `json:"latency"`
	Scores  Histogram `json:"scores"`
}

// Observation is both tracks over the same window of the same traffic.
type Observation struct {
	Stable Track `json:"stable"`
	Canary Track `json:"canary"`
}

// Verdict is what one analysis said.
type Verdict string

// The verdicts.
const (
	Pass             Verdict = "pass"
	Fail             Verdict = "fail"
	InsufficientData Verdict = "insufficient_data"
)
