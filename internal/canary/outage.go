package canary

import "github.com/loanops/loanops/internal/pipeline"

// WatchSeconds is how often an observation looks for an outage while it lasts.
const WatchSeconds = 2

// Outage says that clients' requests of a step fail, or hang, on the challenger now and not on stable. The looks of Decide come at twice as many
// requests each, so that what begins after many good ones would be long unseen; this one is taken all the time, at what was counted lately.
func Outage(cfg pipeline.Canary, lately Traffic) bool { return len(outages(cfg, lately)) > 0 }

// outages are the checks that find one. The level is split evenly over all looks that a step may take.
func outages(cfg pipeline.Canary, lately Traffic) []finding {
	stable, canary := lately.Stable, lately.Canary
	stable.Faults.Refused, canary.Faults.Refused = 0, 0 // they are as many as clients make them, in bursts
	j := judge{cfg: cfg}
	level := budget(cfg) / (cfg.MaxWaitHours * 3600 / WatchSeconds)
	var found []finding
	for _, f := range j.faults(rate{of: "requests of the last minute or so", n: canary.Requests, sn: stable.Requests}, canary.Faults, stable.Faults) {
		if f.chance() <= level {
			found = append(found, f)
		}
	}
	return found
}
