package terraform

import (
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
)

// Desired is what one pipeline's environment should be: the variables of the Terraform workspace.
type Desired struct {
	Pipeline    string                        `json:"pipeline"`
	Environment string                        `json:"environment"`
	Generation  int64                         `json:"generation"` // of the serving record that asks for it
	Tracks      map[string]contract.TrackSpec `json:"tracks"`     // by slot
	Weights     map[string]int                `json:"weights"`    // by slot
	Mirror      string                        `json:"mirror"`     // the slot that gets copies of requests; empty for none
}

// PlanSummary is a Terraform plan in a few words and figures.
type PlanSummary struct {
	HasChanges bool `json:"has_changes"`
	// Changes are texts such as "create loanops_predictor_track.track[\"blue\"]".
	Changes []string `json:"changes"`
	// Drifted says what was changed behind Terraform's back (a rollback, tampering, a predictor given up), in words.
	Drifted []string `json:"drifted"`
	// Planned is the memory and CPU per slot, read from the plan's JSON.
	Planned map[string]capacity.Grant `json:"planned"`
}
