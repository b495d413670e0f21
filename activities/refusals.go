package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/loanops/loanops/internal/deploy/refusals"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
)

// RefusalsInput asks what clients of a pipeline have been refused for.
type RefusalsInput struct {
	Pipeline string `json:"pipeline"`
	// Before is what the last look read of the gateway; none for the first.
	Before json.RawMessage `json:"before,omitempty"`
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
	// are more than one: else it is the slip of a single client.
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
	since := now.Since(before)
	for _, r := range since.Refused {
		share := float64(r.Count) / float64(max(since.Requests, r.Count))
		if r.Count < manyRefused || share < shareRefused || r.Institutions < min(manyInstitutions, since.Institutions) {
			continue
		}
		out.Findings = append(out.Findings, monitor.Finding{
			Kind: monitor.OfRequests, Feature: r.Field, Statistic: "refused_" + r.Rule, Value: share, Limit: shareRefused, Rows: since.Requests,
			Message: fmt.Sprintf("clients send what the contract refuses: field %q, rule %s, in %d of %d requests since the last look, of %d institutions within a day", r.Field, r.Rule, r.Count, since.Requests, r.Institutions),
		})
	}
	out.Counts, err = json.Marshal(now)
	return out, fault.Wrap(fault.Internal, err, "encoding what was read of the gateway")
}
