package leak

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// knownLater vetoes a feature that the spec declares as known only after the outcome. No statistic finds one that predicts modestly, such as
// what is decided after the application: only who knows the process does.
func knownLater(column pipeline.Column, l levels) []Veto {
	if column.Known != pipeline.KnownAfterOutcome {
		return nil
	}
	present, _ := l.present.total()
	all, _ := l.all().total()
	return []Veto{{
		Column: column.Name, Rule: KnownLater, Effect: float64(present) / float64(max(all, 1)), Count: present,
		Message: fmt.Sprintf("column %q is declared as known only after the outcome (%d of %d rows hold a value): no application brings it, so move it from columns to ignore",
			column.Name, present, all),
	}}
}
