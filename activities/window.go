package activities

import (
	"time"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/pipeline"
)

// window is one observation of both tracks, while it lasts.
type window struct {
	in     CanaryInput
	spec   pipeline.Spec
	before reading
	lately late
	killed string // see canary.Observation
}

// late is the reading since which requests count as late ones, and when in the window it was.
type late struct {
	since reading
	at    time.Duration
}

// What lately is: a minute, and where clients are few as many of the challenger's requests.
const (
	lateTime     = time.Minute
	lateRequests = 20
)

// over says that the window may end although its time has not been: clients have brought enough, or the challenger fails them.
func (w *window) over(now reading, elapsed time.Duration) bool {
	if now.started != w.before.started {
		return false // the counters began again: the whole window will
	}
	if w.shared() {
		lately := w.counted(w.lately.since, now).traffic(false)
		if canary.Outage(w.spec.Deploy.Canary, lately) {
			return true
		}
		// What is bad now is not to be outweighed by what was good long ago.
		if elapsed-w.lately.at >= lateTime && lately.Canary.Requests >= lateRequests {
			w.lately = late{since: now, at: elapsed}
		}
	}
	if !w.long(elapsed) {
		return false
	}
	seen, _ := w.counted(w.before, now).traffic(false).Seen(w.in.Weight == 0)
	return seen >= w.in.Enough
}

// long says that the window may end when clients have brought enough.
func (w *window) long(elapsed time.Duration) bool {
	return w.in.Enough > 0 && elapsed >= time.Duration(w.spec.Deploy.Canary.IntervalSeconds)*time.Second
}

// shared says that clients are served by both tracks.
func (w *window) shared() bool { return 0 < w.in.Weight && w.in.Weight < 100 }

func (w *window) counted(since, now reading) observed {
	return observed{
		reading: now.since(since), pipeline: w.spec.Name, stable: w.in.Champion, canary: w.in.Candidate.Track, limits: w.spec.Deploy.Canary,
	}
}

// observation is what the window showed.
func (w *window) observation(after reading, elapsed time.Duration) canary.Observation {
	all := w.counted(w.before, after)
	seen := canary.Observation{Killed: w.killed, Seconds: elapsed.Seconds(), Clients: all.traffic(false), Synthetic: all.traffic(true)}
	if w.shared() {
		seen.Lately = w.counted(w.lately.since, after).traffic(false)
	}
	return seen
}
