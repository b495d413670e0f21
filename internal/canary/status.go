// Package canary decides, purely, what a staged delivery does next. Decide is a state machine over what was observed of both
// tracks: no clock, no I/O, so that a workflow may call it and replay it. How often it errs is known: see docs/error-rates.md.
//
// Where serving differs from what was predicted a canary finds a fault; what was predicted is meant, and what both tracks show alike is no fault
// of the challenger.
package canary

import "github.com/loanops/loanops/internal/pipeline"

// Phase is where a canary is. The set is closed.
type Phase string

// The phases, in their order.
const (
	Mirroring   Phase = "mirroring"   // copies of requests go to the challenger, whose answers reach nobody
	Progressing Phase = "progressing" // a step's weight is set and observed
	Promoting   Phase = "promoting"   // all steps passed: the challenger is to be made champion, then Bake
	Baking      Phase = "baking"      // the challenger has all traffic, the old champion is warm
	Passed      Phase = "passed"      // the delivery has ended well
	Aborted     Phase = "aborted"     // the stable version takes all traffic again
)

// Status is what is remembered between analyses.
type Status struct {
	Phase Phase `json:"phase"`
	// Step is the index into the spec's steps.
	Step int `json:"step"`
	// Weight is the challenger's share of traffic in percent that should be set now.
	Weight int `json:"weight"`
	// Seconds were observed in this phase or step, and Clients and Synthetic are the evidence since it began.
	Seconds   float64  `json:"seconds"`
	Clients   Evidence `json:"clients"`
	Synthetic Evidence `json:"synthetic,omitzero"`
	// Silent is for how many seconds no client brought anything new, in this phase or step.
	Silent float64 `json:"silent,omitempty"`
	// StableClients and StableSynthetic are how stable ended requests in all phases before this one.
	StableClients   Track `json:"stable_clients,omitzero"`
	StableSynthetic Track `json:"stable_synthetic,omitzero"`
	// FailedChecks counts failed analyses.
	FailedChecks int `json:"failed_checks"`
	// MirroredPairs is the number of the clients' pairs on which the mirror passed; 0 when it rested on synthetic ones, or was off.
	MirroredPairs int64 `json:"mirrored_pairs,omitempty"`
	// OnSynthetic: the mirror or a step passed on synthetic requests alone.
	OnSynthetic bool `json:"on_synthetic,omitempty"`
	// ClientRate is the clients' requests per second while mirroring.
	ClientRate float64 `json:"client_rate,omitempty"`
	// Ended says what aborted the canary.
	Ended *Ending `json:"ended,omitempty"`
}

// Evidence is one class of traffic since a phase or step began.
type Evidence struct {
	Traffic Traffic `json:"traffic"`
	// Looks were taken for failures, Tries to pass.
	Looks int `json:"looks"`
	Tries int `json:"tries"`
}

// Ending is the check that aborted a canary.
type Ending struct {
	// Check is one of the checks, or Requests.
	Check Check `json:"check"`
	// Requests of the challenger had been seen in the phase or step.
	Requests int64 `json:"requests"`
	// Synthetic: it was found in the platform's own traffic.
	Synthetic bool `json:"synthetic,omitempty"`
}

// Check names what is judged.
type Check string

// The checks.
const (
	Refused  Check = "refused"  // 4xx beyond stable's
	Failed   Check = "failed"   // 5xx and lost connections beyond stable's
	Unended  Check = "unended"  // requests that never ended beyond stable's
	Slow     Check = "slow"     // requests above the time limit beyond stable's
	Verdicts Check = "verdicts" // approvals and flips beyond the prediction
	Scores   Check = "scores"   // scores beyond the prediction
	Memory   Check = "memory"   // the challenger wanted more memory than its plan grants, and was killed
	// Requests: there were not enough of them.
	Requests Check = "requests"
)

// Verdict is what one analysis said.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	Hold Verdict = "hold" // neither can be told yet: the same is observed again
)

// Start returns the status with which a canary begins: the mirror is to be switched on, or the first step's weight to be set.
func Start(cfg pipeline.Canary) Status {
	if cfg.Mirror {
		return Status{Phase: Mirroring}
	}
	return Status{Phase: Progressing, Weight: cfg.Steps[0]}
}

// Bake is the status once the challenger was made champion. While it has all traffic its faults and slow requests are held against what the old one
// showed before.
func (s Status) Bake(cfg pipeline.Canary) Status {
	if cfg.BakeSeconds == 0 {
		return s.enter(Passed)
	}
	s.Phase = Baking
	return s
}

// enter begins a phase or step, with no evidence but how stable ended requests so far.
func (s Status) enter(phase Phase) Status {
	s.StableClients = s.StableClients.plus(s.Clients.Traffic.Stable.ends())
	s.StableSynthetic = s.StableSynthetic.plus(s.Synthetic.Traffic.Stable.ends())
	s.Phase, s.Seconds, s.Silent, s.Clients, s.Synthetic = phase, 0, 0, Evidence{}, Evidence{}
	return s
}

// Observing says that Decide may still change anything.
func (s Status) Observing() bool {
	return s.Phase == Mirroring || s.Phase == Progressing || s.Phase == Baking
}

// paired says that pairs are judged, not what callers saw of each track.
func (s Status) paired() bool { return s.Phase == Mirroring }
