package canary

import (
	"math"

	"github.com/loanops/loanops/internal/pipeline"
)

const (
	// longestWindow bounds, in seconds, how long one analysis observes; where a phase may wait for longer than a week, as much longer (mostWindows), so
	// that its windows fit into a workflow's history.
	longestWindow = 30 * 60
	mostWindows   = 7 * 24 * 2
	// mostBakeWindows bounds the history of a long bake, in which every window is as long as the others: what begins late is to be seen soon.
	mostBakeWindows = 500
)

// Window is how many seconds the next analysis of a status observes: the spec's interval at first, then as long as the phase or step has lasted, so
// that evidence doubles; no longer than until the next look or try is due, as far as the requests so far tell, nor than is left of
// max_wait_hours. A bake ends with its last window.
func Window(cfg pipeline.Canary, prediction *Prediction, status Status) int {
	if status.Phase == Baking {
		window := max(cfg.IntervalSeconds, cfg.BakeSeconds/mostBakeWindows)
		if left := cfg.BakeSeconds - int(status.Seconds); left > 0 {
			window = min(window, left)
		}
		return window
	}
	if status.Seconds == 0 {
		return cfg.IntervalSeconds
	}
	need := Needs(cfg, prediction, status)
	wait := cfg.MaxWaitHours * 3600
	wanted := min(status.Seconds, max(longestWindow, wait/mostWindows), wait-status.Seconds)
	for _, evidence := range []Evidence{status.Clients, status.Synthetic} {
		wanted = min(wanted, evidence.untilDue(need, status))
	}
	return max(cfg.IntervalSeconds, int(math.Ceil(wanted)))
}

// untilDue is in how many seconds there is enough for the next look or try, at the rate so far: never, where there was nothing.
func (e Evidence) untilDue(need Need, status Status) float64 {
	requests, decisions := e.Traffic.Seen(status.paired())
	until := func(have, wanted int64) float64 {
		if have >= wanted {
			return 0
		}
		return float64(wanted-have) * status.Seconds / float64(have)
	}
	look := until(requests, firstLook(need.Requests)<<e.Looks)
	try := max(until(requests, need.Requests<<e.Tries), until(decisions, need.Decisions<<e.Tries))
	return min(look, try)
}

// Enough is how many more of the clients' requests, or pairs, end a window early, as the next look is due: a quiet night says little of the morning.
// 0: it ends by its time, as all of a bake do.
func Enough(cfg pipeline.Canary, prediction *Prediction, status Status) int64 {
	if status.Phase == Baking {
		return 0
	}
	requests, _ := status.Clients.Traffic.Seen(status.paired())
	return max(1, firstLook(Needs(cfg, prediction, status).Requests)<<status.Clients.Looks-requests)
}
