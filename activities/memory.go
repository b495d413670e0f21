package activities

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// Memory is what the looks before at a champion tested, so that all of them together find what is not there no more often than one may. A look at the very
// rows of another one, on the same day, repeats it and counts for nothing.
type Memory struct {
	// Nth says which look at the champion that could estimate anything it is, from 1, but for those of its own day: one at fewer rows uses up no chance of an
	// error.
	Nth int `json:"nth"`
	// NthMeasured says which of those that measure on outcomes it is, from 1, but for those of its own day, see NthMeasuredOf; Most is how many outcomes one
	// of earlier days had at most.
	NthMeasured int   `json:"nth_measured"`
	Most        int64 `json:"most"`
	// Tested is what those of earlier days tested, see registry.Look.
	Tested json.RawMessage `json:"tested,omitempty"`
	// SameDay are those of its own day, the oldest first.
	SameDay []SameDay `json:"same_day,omitempty"`
}

// SameDay is a look at other rows, or at the same ones, on one day.
type SameDay struct {
	Dataset  string          `json:"dataset"`          // digest of the rows that are new
	Outcomes string          `json:"outcomes"`         // digest of those by which versions were measured
	Tested   json.RawMessage `json:"tested,omitempty"` // none: there were too few
	Rows     int64           `json:"rows"`             // that are new
	Matured  int64           `json:"matured"`          // outcomes
	Own      bool            `json:"own,omitempty"`    // at rows of its own
}

// remember goes through the looks at a champion until a day, and says as well until which day rows have been looked at; empty: none.
func remember(looks []registry.Look, champion int, asOf string, timed bool) (m Memory, until string) {
	looks = slices.Clone(looks)
	slices.Reverse(looks) // the oldest first
	slices.SortStableFunc(looks, func(a, b registry.Look) int { return strings.Compare(a.AsOf, b.AsOf) })
	m.Nth, m.NthMeasured = 1, 1
	counted, tested := map[[3]string]bool{}, map[[2]string]bool{}
	for _, look := range looks {
		if !remembered(look, champion, timed) || look.AsOf > asOf {
			continue
		}
		if look.AsOf == asOf {
			same := SameDay{Dataset: look.Dataset, Outcomes: look.Outcomes, Rows: look.Rows, Matured: look.Matured, Own: look.Data != ""}
			if look.Enough {
				same.Tested = look.Tested
			}
			m.SameDay = append(m.SameDay, same)
			continue
		}
		m.measured(look.Matured, look.Data != "")
		if all := [3]string{look.AsOf, look.Dataset, look.Outcomes}; look.Rows >= monitor.EnoughRows && !counted[all] {
			counted[all] = true
			m.Nth++
		}
		if fresh := [2]string{look.AsOf, look.Dataset}; look.Enough && !tested[fresh] {
			tested[fresh] = true
			m.Tested = look.Tested
			until = max(until, look.Until)
		}
	}
	return m, until
}

// TestedBefore is what the looks before one at these rows tested.
func (m Memory) TestedBefore(dataset string) json.RawMessage {
	tested := m.Tested
	for _, look := range m.SameDay {
		if look.Dataset == dataset {
			break
		}
		if look.Tested != nil {
			tested = look.Tested
		}
	}
	return tested
}

// NthOf says which look at the champion one at these rows and outcomes is, from 1.
func (m Memory) NthOf(dataset, outcomes string) int {
	counted := map[[2]string]bool{}
	for _, look := range m.SameDay {
		if look.Dataset == dataset && look.Outcomes == outcomes {
			break
		}
		if look.Rows >= monitor.EnoughRows {
			counted[[2]string{look.Dataset, look.Outcomes}] = true
		}
	}
	return m.Nth + len(counted)
}
