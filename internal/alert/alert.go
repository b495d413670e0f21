// Package alert is what people are told: that something of a pipeline is not as it was. There is one alert for each change of state, however many
// runs find the same.
package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Subject is what of a pipeline has a state.
type Subject string

// The subjects.
const (
	Training Subject = "training" // whether trainings end as they should, up to the delivery that they start
	Delivery Subject = "delivery" // how the last delivery went
	Rollback Subject = "rollback" // whether production serves what somebody went back to
	Approval Subject = "approval" // whether a delivery waits for a person
	Monitor  Subject = "monitor"  // the verdict of the last look at what serves
)

// types are the CloudEvents types of the subjects: a receiver filters by them, and reads the state in the event's data.
var types = map[Subject]string{
	Training: "com.loanops.training.run",
	Delivery: "com.loanops.delivery.run",
	Rollback: "com.loanops.rollback.run",
	Approval: "com.loanops.approval.wait",
	Monitor:  "com.loanops.monitor.verdict",
}

// Type is the CloudEvents type of the subject's alerts; empty for one that is not known.
func (s Subject) Type() string { return types[s] }

// State is what a subject is in. A subject about which nothing was raised is OK.
type State string

// The states that the platform's own runs raise. A monitor's are its verdicts.
const (
	OK         State = "ok" // whatever was before is resolved
	Failed     State = "failed"
	Aborted    State = "aborted"
	RolledBack State = "rolled_back"
	Waiting    State = "waiting"
)

// Raise says what state a subject is in. Only a change of state is an alert.
type Raise struct {
	Subject Subject `json:"subject"`
	State   State   `json:"state"`
	// About is what the state is about, such as the run that waits: the same state about something else is a change. Empty where it is always about
	// the same.
	About []string `json:"about,omitempty"`
	// Reasons say why, without an applicant's values. Where there are none they are those of the run's result.
	Reasons []string `json:"reasons,omitempty"`
}

// Alert is one change of state.
type Alert struct {
	// ID is the same for the same change, whoever tries to raise or send it again: receivers know by it what they have had.
	ID       string  `json:"id"`
	Pipeline string  `json:"pipeline"`
	Subject  Subject `json:"subject"`
	State    State   `json:"state"`
	// About is what the state is about, see Raise.
	About  []string `json:"about"`
	Before State    `json:"before"`
	// Since is when the run found it.
	Since    time.Time `json:"since"`
	Run      string    `json:"run"` // Temporal run ID
	Workflow string    `json:"workflow"`
	Verdict  string    `json:"verdict"`       // of the run, empty while it goes on and where it failed
	Version  int       `json:"model_version"` // 0 for none
	Reasons  []string  `json:"reasons"`
	// Operation is the moment of the run that raised it: raising it again is the same alert.
	Operation string `json:"operation"`
	// Sent are the endpoints that took it, Ack is who takes care of it; nil for nobody yet.
	Sent []Sending `json:"sent"`
	Ack  *Ack      `json:"ack"`
	// Open says that the state holds, is not OK, and nobody takes care of it yet.
	Open bool `json:"open"`
}

// Sending is that an endpoint took an alert.
type Sending struct {
	Endpoint string    `json:"endpoint"`
	At       time.Time `json:"at"`
}

// Ack is that a person takes care of an alert.
type Ack struct {
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Bounds of what an alert repeats: it is a pointer to the run, not its report.
const (
	maxReasons     = 10
	maxReasonBytes = 500
)

// New makes an alert of what was raised, with its ID, its reasons cut short. What is not whole is fault.Invalid.
func New(a Alert) (Alert, error) {
	if a.Pipeline == "" || a.Subject.Type() == "" || a.State == "" || a.Operation == "" || a.Since.IsZero() {
		return a, fault.New(fault.Invalid, "an alert needs a pipeline, a known subject, a state, a moment and the operation that raised it")
	}
	a.ID = sha256hex.Of([]byte(a.Pipeline + "\x00" + string(a.Subject) + "\x00" + a.Operation))[:16]
	a.Since = a.Since.UTC().Truncate(time.Microsecond)
	a.Reasons = short(a.Reasons)
	a.About = append([]string{}, a.About...)
	return a, nil
}

// short is at most so many reasons of at most so many bytes; never nil.
func short(reasons []string) []string {
	kept := []string{}
	for i, reason := range reasons {
		if i == maxReasons {
			return append(kept, fmt.Sprintf("and %d more", len(reasons)-maxReasons))
		}
		if len(reason) > maxReasonBytes {
			cut := maxReasonBytes
			for cut > 0 && reason[cut]&0xC0 == 0x80 { // not within a character
				cut--
			}
			reason = reason[:cut] + "…"
		}
		kept = append(kept, reason)
	}
	return kept
}

// Changes reports whether what was raised is a change after the subject's alerts since its state last changed, newest first (none: it never did): another
// state, or the same about something that people were not told of. What a run found before the newest was found says nothing any more: it comes late.
func (a Alert) Changes(told []Alert) bool {
	if len(told) == 0 {
		return a.State != OK
	}
	return (a.State != told[0].State || a.State != OK && a.aboutMore(told)) && !a.Since.Before(told[0].Since)
}

// aboutMore says that the state is about something that people were not told of. That it is about less is nothing to tell. What a monitor finds comes and
// goes near its limits: all is told that was since the state last changed. Of other subjects each is a step of its own, such as back to a version
// that was gone back to before: there the newest counts.
func (a Alert) aboutMore(told []Alert) bool {
	if a.Subject != Monitor {
		told = told[:1]
	}
	return slices.ContainsFunc(a.About, func(one string) bool {
		return !slices.ContainsFunc(told, func(before Alert) bool { return slices.Contains(before.About, one) })
	})
}
