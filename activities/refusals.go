package activities

import (
	"context"
	"encoding/json"
	"fmt"
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

const (
	// Refused for one reason is a finding where it is so many requests, such a share of all since the last look, and of so many institutions where there
	// are more than one: else it is the slip of a single client. The gateway knows institutions for contract.RefusedWindow alone: after a longer time,
	// such as a weekend, the requests count by themselves.
	manyRefused      = 25
	shareRefused     = 0.01
	manyInstitutions = 2
)

// Asking reads what production's clients ask.
type Asking struct {
	// Gateway is its base URL.
	Gateway string
	Client  *http.Client
}

// Refusals compares the gateway's counts with those of the last look. They name fields and rules, never a value.
func (a *Asking) Refusals(ctx context.Context, in RefusalsInput) (out RefusalsOutput, err error) {
	var before refusals.Counts
	if len(in.Before) > 0 {
		if err := json.Unmarshal(in.Before, &before); err != nil {
			return out, fault.Wrap(fault.Internal, err, "what the last look read of the gateway")
		}
	}
	now, err := refusals.Read(ctx, a.Client, a.Gateway, in.Pipeline)
	if err != nil {
		return out, err
	}
	now.At = in.Now
	since, told := now.Since(before), now.WithinWindow(before)
	for _, r := range since.Refused {
		share := float64(r.Count) / float64(max(since.Requests, r.Count))
		if r.Count < manyRefused || share < shareRefused || told && r.Institutions < min(manyInstitutions, since.Institutions) {
			continue
		}
		message := fmt.Sprintf("clients send what the contract refuses: field %q, rule %s, in %d of %d requests since the last look", r.Field, r.Rule, r.Count, since.Requests)
		if told {
			message += fmt.Sprintf(", of %d institutions within %.0f hours", r.Institutions, contract.RefusedWindow.Hours())
		}
		out.Findings = append(out.Findings, monitor.Finding{
			Kind: monitor.OfRequests, Feature: r.Field, Statistic: "refused_" + r.Rule, Value: share, Limit: shareRefused, Rows: since.Requests,
			Message: message,
		})
	}
	out.Counts, err = json.Marshal(now)
	return out, fault.Wrap(fault.Internal, err, "encoding what was read of the gateway")
}
