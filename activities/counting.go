package activities

import (
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// remembered says whether a look is one of those that control errors together: at what is new in the source, or where no column tells that (timed is false)
// at rows of its own, since then there are no others. Elsewhere a look at rows of its own says nothing of production.
func remembered(look registry.Look, champion int, timed bool) bool {
	return look.Champion == champion && (look.Data == "" || !timed)
}

// measured counts a look that has held versions against each other on outcomes: on enough of them, and on more than the looks before it at the champion did.
// Others have tested nothing that was not tested, and use up no chance of an error. Rows of their own are others each time.
func (m *Memory) measured(matured int64, own bool) {
	if matured >= monitor.EnoughOutcomes && (own || matured > m.Most) {
		m.NthMeasured, m.Most = m.NthMeasured+1, max(m.Most, matured)
	}
}

// NthMeasuredOf says which look that measures on outcomes one on these is, from 1.
func (m Memory) NthMeasuredOf(outcomes string) int {
	for _, look := range m.SameDay {
		if look.Outcomes == outcomes {
			break
		}
		m.measured(look.Matured, look.Own)
	}
	return m.NthMeasured
}
