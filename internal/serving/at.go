package serving

import "time"

// At is the record of a history, oldest first, that said what should serve at a time, and the one by which its champion became that. Both are the zero
// Record where there was none yet; the second also where there was no champion. A record that only repeats the champion, as a canary beside it or a
// restoration does, does not make it one.
func At(history []Record, at time.Time) (then, since Record) {
	for _, r := range history {
		if r.At.After(at) {
			break
		}
		switch {
		case r.Champion == nil:
			since = Record{}
		case !Is(then.Champion, r.Champion):
			since = r
		}
		then = r
	}
	return then, since
}
