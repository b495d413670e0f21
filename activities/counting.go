package activities

import (
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// remembered says whether a look is one of those that control errors together: at what is new in the source, or where no column tells that (timed is false)
// at rows of its own, since then there are no others. Elsewhere a look at rows of its own says nothing of production.
func remembered(look registry.Look, champion int, timed bool) bool {
	return look.Champion == champion && (look.Data == "" || !timed)
}

// measuredBefore says which look of those that hold versions against each other on outcomes the next one is. Only looks that had enough of them, and more than
// the ones before, have tested anything: others use up no chance of an error.
func measuredBefore(looks []registry.Look, champion int, asOf string, timed bool) int {
	var earlier []registry.Look
	for _, look := range looks {
		if remembered(look, champion, timed) && look.AsOf < asOf && look.Matured >= monitor.EnoughOutcomes {
			earlier = append(earlier, look)
		}
	}
	slices.SortStableFunc(earlier, func(a, b registry.Look) int { return strings.Compare(a.AsOf, b.AsOf) })
	nth, most := 1, int64(0)
	for _, look := range earlier {
		if look.Matured > most || look.Data != "" { // rows of their own are others each time
			nth++
			most = max(most, look.Matured)
		}
	}
	return nth
}
