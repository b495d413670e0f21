package canary

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// Decide takes what one window showed in the status' phase or step and returns what to do next, the analysis' verdict, and why in words: each
// reason that a check gives begins with its name. Evidence adds up over the windows of a phase or step.
//
//   - pass: every check of every class is within its limit, on as many requests as Needs says of the clients, else of synthetic ones where clients
//     bring nothing new. The mirror is followed by the first step, a step by the next one, the last by Promoting. A step that the clients' traffic,
//     known from the mirror, cannot bring enough requests passes on the mirror's verdict. A bake passes by its time.
//   - fail: a check is beyond its limit by more than chance explains, be it lately only (Outage). FailedChecks grows; at cfg.MaxFailedChecks the phase is Aborted.
//     A challenger that was killed at its limit of memory aborts it at once: that is no matter of chance.
//   - hold: neither; the same is observed again. When cfg.MaxWaitHours have been, the phase is Aborted, unless a step has enough requests, or
//     the mirror had, and no check is likely beyond its limit: the next step sees more.
//
// A status in any other phase is returned as it is.
func Decide(cfg pipeline.Canary, prediction *Prediction, status Status, seen Observation) (Status, Verdict, []string) {
	if !status.Observing() {
		return status, Hold, []string{fmt.Sprintf("%s: nothing is observed", status.Phase)}
	}
	next := status
	if seen.Killed != "" {
		next.FailedChecks++
		return next.abort(Ending{Check: Memory}), Fail, []string{string(Memory) + ": the challenger's predictor was " + seen.Killed}
	}
	next.Seconds += seen.Seconds
	if next.Silent += seen.Seconds; seen.Clients.fresh(status.paired()) {
		next.Silent = 0
	}
	next.Clients.Traffic = next.Clients.Traffic.plus(seen.Clients)
	next.Synthetic.Traffic = next.Synthetic.Traffic.plus(seen.Synthetic)
	need := Needs(cfg, prediction, status)
	classes := next.count(cfg, need)
	if classes.due() || next.waited(cfg) || next.starved(cfg, need) {
		classes.judge(judge{cfg: cfg, prediction: prediction, need: need}, next, seen)
	}
	failed := classes.failed()
	if next.Phase == Progressing {
		for _, f := range outages(cfg, seen.Lately) {
			failed = append(failed, blame{finding: f, class: classes.clients})
		}
	}
	if len(failed) > 0 {
		next.FailedChecks++
		if next.FailedChecks >= cfg.MaxFailedChecks {
			next = next.abort(failed[0].ending())
		}
		return next, Fail, reasons(failed)
	}
	if next.Phase == Baking {
		return next.bake(cfg, classes)
	}
	return next.settle(cfg, need, classes)
}

// bakeGrace is for how many seconds more a bake waits for requests that have not ended: the gateway lets none hang for so long.
const bakeGrace = 30

// bake goes on until its time has been: how many requests there were does not matter.
func (s Status) bake(cfg pipeline.Canary, classes classes) (Status, Verdict, []string) {
	held := classes.held()
	if s.Seconds < float64(cfg.BakeSeconds) || (len(held) > 0 && s.Seconds < float64(cfg.BakeSeconds+bakeGrace)) {
		return s, Hold, append([]string{"bake: " + classes.summary()}, reasons(held)...)
	}
	if len(held) > 0 {
		return s.enter(Passed), Pass, append([]string{"bake: " + classes.summary() + "; what is beyond a limit may be so by chance"}, reasons(held)...)
	}
	return s.enter(Passed), Pass, []string{"bake: " + classes.summary() + " showed no fault"}
}

// settle decides about the mirror or a step in which nothing failed.
func (s Status) settle(cfg pipeline.Canary, need Need, classes classes) (Status, Verdict, []string) {
	waited, starved := s.waited(cfg), s.starved(cfg, need)
	if !classes.clients.try && !classes.synthetic.try && !waited && !starved {
		return s, Hold, []string{"requests: " + need.of(classes)}
	}
	held := classes.held()
	if waited && s.Phase == Progressing {
		held = classes.doubted()
	}
	mirrored := s.Phase == Progressing && s.MirroredPairs > 0
	switch {
	case len(held) == 0 && classes.clients.enough:
		return s.advance(cfg, classes.clients.requests), Pass, []string{"passed: " + classes.summary()}
	case len(held) == 0 && classes.synthetic.enough && (waited || s.clientsWanting(cfg, need, classes.clients)):
		s.OnSynthetic = true
		return s.advance(cfg, 0), Pass, []string{"passed: " + classes.summary() + "; it rests on synthetic requests"}
	case len(held) == 0 && mirrored && (waited || starved):
		return s.advance(cfg, s.MirroredPairs), Pass, []string{fmt.Sprintf("passed: %s; clients are too few for this step (%s): it rests on the mirror's %d pairs",
			classes.summary(), need.of(classes), s.MirroredPairs)}
	case waited && !classes.enough() && !mirrored:
		return s.abort(Ending{Check: Requests, Requests: classes.clients.requests}), Hold,
			append([]string{fmt.Sprintf("requests: not enough in %g hours: %s", cfg.MaxWaitHours, need.of(classes))}, reasons(held)...)
	case waited:
		return s.abort(held[0].ending()), Hold, append(reasons(held), fmt.Sprintf("requests: it could not be told in %g hours", cfg.MaxWaitHours))
	case len(held) == 0:
		return s, Hold, []string{"requests: clients ask, and are to decide: " + need.of(classes)}
	default:
		return s, Hold, reasons(held)
	}
}

// quietIntervals is for how many of the spec's intervals clients must have brought nothing new before synthetic requests may decide: from then on a
// bad answer to one of theirs is as improbable as that one comes.
const quietIntervals = 4

// clientsWanting says that synthetic requests may decide in the clients' place, as no single request of theirs speaks against the challenger: where
// the mirror, or a step without one, has seen nothing new of them for a while, be it that they are away or repeat themselves; or enough of it, but
// for decisions, as where they send batches; or where the mirror has.
func (s Status) clientsWanting(cfg pipeline.Canary, need Need, clients class) bool {
	switch {
	case s.MirroredPairs > 0:
		return true // they have decided in the mirror
	case clients.speaks():
		return false
	case s.Phase == Progressing && cfg.Mirror, clients.requests >= need.Requests:
		return true
	}
	return s.Silent >= max(float64(quietIntervals*cfg.IntervalSeconds), s.Seconds/2)
}

// of says how much of the need there is.
func (n Need) of(classes classes) string {
	text := fmt.Sprintf("%d of %d", classes.clients.requests, n.Requests)
	if n.Decisions > 0 {
		text += fmt.Sprintf(" and %d of %d decisions", classes.clients.decisions, n.Decisions)
	}
	if classes.synthetic.requests > 0 {
		text += fmt.Sprintf(", %d synthetic", classes.synthetic.requests)
	}
	return text
}

// waited says that the time for enough requests is over.
func (s Status) waited(cfg pipeline.Canary) bool { return s.Seconds >= cfg.MaxWaitHours*3600 }

// starved says that the clients' traffic cannot bring the step's need in time.
func (s Status) starved(cfg pipeline.Canary, need Need) bool {
	return s.Phase == Progressing && s.MirroredPairs > 0 && s.ClientRate*float64(s.Weight)/100*cfg.MaxWaitHours*3600 < float64(need.Requests)
}

// advance goes to the next step; mirrored is the number of the clients' pairs on which the mirror passed.
func (s Status) advance(cfg pipeline.Canary, mirrored int64) Status {
	if s.Phase == Mirroring {
		s.MirroredPairs = mirrored
		if s.Seconds > 0 {
			s.ClientRate = float64(s.Clients.Traffic.Stable.Started) / s.Seconds
		}
		s.Weight = cfg.Steps[0]
		return s.enter(Progressing)
	}
	s.Step++
	if s.Step == len(cfg.Steps) {
		s.Weight = 100
		return s.enter(Promoting)
	}
	s.Weight = cfg.Steps[s.Step]
	return s.enter(Progressing)
}

// abort keeps the evidence that it rests on.
func (s Status) abort(why Ending) Status {
	s.Phase, s.Weight, s.Ended = Aborted, 0, &why
	return s
}
