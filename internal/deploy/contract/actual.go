package contract

import (
	"fmt"
	"strings"
)

// Health is the answer of GET /healthz.
type Health struct {
	Status string `json:"status"` // ok
	// Runtime is how the agent runs predictors: process or docker.
	Runtime string `json:"runtime"`
}

// String lists what is in the slots, in words.
func (a Actual) String() string {
	var parts []string
	for _, slot := range Slots() {
		if track, ok := a.Tracks[slot]; ok {
			parts = append(parts, fmt.Sprintf("%s: version %d, %s", slot, track.Spec.ModelVersion, track.State))
		} else {
			parts = append(parts, slot+": nothing")
		}
	}
	return strings.Join(parts, "; ")
}
