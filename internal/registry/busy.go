package registry

import (
	"cmp"
	"slices"
	"time"
)

// Busy is the time in which at least one step of the run ran: what remains of its wall time is waiting, for a worker, a timer or a
// person. Steps that have not ended do not count.
func (r Run) Busy() time.Duration {
	steps := slices.DeleteFunc(slices.Clone(r.Steps), func(s RunStep) bool { return s.Started.IsZero() || s.Ended.Before(s.Started) })
	slices.SortFunc(steps, func(a, b RunStep) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
	var busy time.Duration
	var until time.Time
	for _, s := range steps {
		from := s.Started
		if from.Before(until) {
			from = until
		}
		if s.Ended.After(from) {
			busy += s.Ended.Sub(from)
			until = s.Ended
		}
	}
	return busy
}
