package contract

import (
	"fmt"
	"strings"
)

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
