package activities

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/refusals"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
)

// RefusalsInput asks what clients of a pipeline have been refused for.
type RefusalsInput struct {
	Pipeline string `json:"pipeline"`
	// Before is what the last look read of the gateway; none for the first.
	Before json.RawMessage `json:"before,omitempty"`
	// Now is when this look asks.
	Now time.Time `json:"now"`
}

// RefusalsOutput is what many of them sent and the contract did not take.
type RefusalsOutput struct {
	Findings []monitor.Finding `json:"findings"`
	Counts   json.RawMessage   `json:"counts"` // for the next look
}

// Summary counts what was found.
func (o RefusalsOutput) Summary() string { return counted(o.Findings) }

// Refusals are what the gateway of production refuses clients.
type Refusals struct {
	// Gateway is its base URL.
	Gateway string
	Client  *http.Client
}

// Find compares the gateway's counts with those of the last look. They name fields and rules, never a value.
func (r *Refusals) Find(ctx context.Context, in RefusalsInput) (out RefusalsOutput, err error) {
	var before refusals.Counts
	if len(in.Before) > 0 {
		if err := json.Unmarshal(in.Before, &before); err != nil {
			return out, fault.Wrap(fault.Internal, err, "what the last look read of the gateway")
		}
	}
	now, err := refusals.Read(ctx, r.Client, r.Gateway, in.Pipeline)
	if err != nil {
		return out, err
	}
	now.At = in.Now
	out.Findings = monitor.Refused(sinceBefore(now, before))
	out.Counts, err = json.Marshal(now)
	return out, fault.Wrap(fault.Internal, err, "encoding what was read of the gateway")
}

// sinceBefore is what was refused since the last look. The gateway knows institutions for contract.RefusedWindow alone.
func sinceBefore(now, before refusals.Counts) monitor.Refusals {
	since := now.Since(before)
	all := monitor.Refusals{Requests: since.Requests, Institutions: since.Institutions}
	if now.WithinWindow(before) {
		all.Window = contract.RefusedWindow
	}
	for _, r := range since.Refused {
		all.Each = append(all.Each, monitor.Refusal{Field: r.Field, Rule: r.Rule, Requests: r.Count, Institutions: r.Institutions})
	}
	return all
}
