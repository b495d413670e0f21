package activities

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/webhook"
)

// Raising is what a run finds of its pipeline at one moment.
type Raising struct {
	// Moment names it, so that recording it again raises nothing twice: a run has each once.
	Moment string        `json:"moment"`
	At     time.Time     `json:"at"`
	States []alert.Raise `json:"states"`
	// Reasons are those of the states that have none of their own.
	Reasons []string `json:"reasons,omitempty"`
	// Version is of the model that the run is about; 0 is none.
	Version int `json:"version,omitempty"`
}

// raise records what the run found and returns the IDs of what people are to be told: the changes.
func (r *Runs) raise(ctx context.Context, run registry.Run, found Raising) ([]string, error) {
	var changes []string
	for _, state := range found.States {
		reasons := state.Reasons
		if len(reasons) == 0 {
			reasons = found.Reasons
		}
		raised, changed, err := r.Registry.RaiseAlert(ctx, alert.Alert{
			Pipeline: run.Pipeline, Subject: state.Subject, State: state.State, About: state.About, Since: found.At, Run: run.ID, Workflow: run.WorkflowID,
			Verdict: run.Verdict, Version: found.Version, Reasons: reasons, Operation: run.ID + "/" + found.Moment,
		})
		if err != nil {
			return nil, err
		}
		if changed {
			changes = append(changes, raised.ID)
		}
	}
	return changes, nil
}

// Alerts tells people.
type Alerts struct {
	Registry  registry.Registry
	Endpoints []webhook.Endpoint // whom this worker tells
	Site      webhook.Site
	Client    *http.Client
}

// EndpointsInput asks whom an alert is for.
type EndpointsInput struct {
	Alert string `json:"alert"`
}

// EndpointsOutput names them.
type EndpointsOutput struct {
	Endpoints []string `json:"endpoints"`
}

// Summary says how many they are.
func (o EndpointsOutput) Summary() string { return fmt.Sprintf("%d endpoints", len(o.Endpoints)) }

// Find names the endpoints that are to be told: all that this worker knows, whether or not each can be told now.
func (a *Alerts) Find(context.Context, EndpointsInput) (EndpointsOutput, error) {
	out := EndpointsOutput{Endpoints: []string{}}
	for _, e := range a.Endpoints {
		out.Endpoints = append(out.Endpoints, e.Name)
	}
	return out, nil
}

// SendInput is an alert and who is told of it.
type SendInput struct {
	Alert    string `json:"alert"`
	Endpoint string `json:"endpoint"`
}

// SendOutput says whether it was told before.
type SendOutput struct {
	Before bool `json:"before"`
}

// Summary says how it went.
func (o SendOutput) Summary() string {
	if o.Before {
		return "was told before"
	}
	return "told"
}

// Send tells one endpoint, unless it is recorded that it was told. A worker that ends between telling and recording tells it again: receivers
// know by the event's ID, which is always the alert's, what they have had.
func (a *Alerts) Send(ctx context.Context, in SendInput) (SendOutput, error) {
	raised, err := a.Registry.Alert(ctx, in.Alert)
	if err != nil {
		return SendOutput{}, err
	}
	if slices.ContainsFunc(raised.Sent, func(s alert.Sending) bool { return s.Endpoint == in.Endpoint }) {
		return SendOutput{Before: true}, nil
	}
	at := slices.IndexFunc(a.Endpoints, func(e webhook.Endpoint) bool { return e.Name == in.Endpoint })
	if at < 0 { // another worker's settings may name it
		return SendOutput{}, fault.New(fault.Unavailable, "the settings of this worker name no alert endpoint %q", in.Endpoint)
	}
	body, err := webhook.Event(raised, a.Site)
	if err != nil {
		return SendOutput{}, err
	}
	if err := webhook.Send(ctx, a.Client, a.Endpoints[at], raised.ID, body); err != nil {
		return SendOutput{}, err
	}
	return SendOutput{}, a.Registry.PutAlertSending(ctx, raised.ID, in.Endpoint)
}
