// Package webhook tells HTTP endpoints of alerts: a CloudEvent in structured mode, signed as Standard Webhooks are.
package webhook

import (
	"encoding/json"
	"net/url"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
)

// source is the CloudEvents source: together with the ID it is unique.
const source = "/loanops"

// data is what an event says. It holds no applicant's values.
type data struct {
	Pipeline string            `json:"pipeline"`
	Subject  alert.Subject     `json:"subject"`
	State    alert.State       `json:"state"`
	About    []string          `json:"about"` // by which an event differs from the one before it of the same state
	Before   alert.State       `json:"before"`
	Resolved bool              `json:"resolved"` // the state is ok again
	Run      string            `json:"run"`
	Workflow string            `json:"workflow"`
	Verdict  string            `json:"verdict"`
	Reasons  []string          `json:"reasons"`
	Version  int               `json:"model_version"`
	Links    map[string]string `json:"links"`
}

// Site is where people read on.
type Site struct {
	// WebUI is the base URL of Temporal's Web UI; empty for none.
	WebUI string
	// Namespace is Temporal's.
	Namespace string
}

// links are where the run of an alert is seen.
func (s Site) links(a alert.Alert) map[string]string {
	page := s.Run(a.Workflow, a.Run)
	if page == "" {
		return map[string]string{}
	}
	return map[string]string{"workflow": page}
}

// Run is the page of a run in Temporal's Web UI; empty where that is not known.
func (s Site) Run(workflowID, runID string) string {
	if s.WebUI == "" {
		return ""
	}
	return s.WebUI + "/namespaces/" + url.PathEscape(s.Namespace) + "/workflows/" + url.PathEscape(workflowID) + "/" + url.PathEscape(runID)
}

// Event is the alert as a CloudEvent in JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md), the same
// bytes each time.
func Event(a alert.Alert, site Site) ([]byte, error) {
	e := event.New()
	e.SetID(a.ID)
	e.SetSource(source)
	e.SetType(a.Subject.Type())
	e.SetSubject(a.Pipeline)
	e.SetTime(a.Since)
	err := e.SetData(event.ApplicationJSON, data{
		Pipeline: a.Pipeline, Subject: a.Subject, State: a.State, About: a.About, Before: a.Before, Resolved: a.State == alert.OK, Run: a.Run, Workflow: a.Workflow,
		Verdict: a.Verdict, Reasons: a.Reasons, Version: a.Version, Links: site.links(a),
	})
	if err == nil {
		err = e.Validate()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the event of alert %s", a.ID)
	}
	body, err := json.Marshal(e)
	return body, fault.Wrap(fault.Internal, err, "the event of alert %s", a.ID)
}
