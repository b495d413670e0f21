package canary

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// doubtful is the chance at or below which a challenger is likely beyond its limit: about one in twenty, the bounds on chance being generous ones
// (exp(-z²/2) is 0.25 at the normal quantile of 0.952).
const doubtful = 0.25

// class is what one class of traffic says.
type class struct {
	synthetic           bool // the platform's own, else the clients'
	requests, decisions int64
	// enough for a pass; try: the need has just been met, or twice, four times … as much.
	enough, try bool
	// level is what a test may spend on a false alarm in this analysis; 0 when no look at failures is due.
	level    float64
	findings []finding
}

// classes are judged apart: either may fail.
type classes struct{ clients, synthetic class }

// blame is a finding and the class it was found in.
type blame struct {
	finding
	class class
}

func (b blame) ending() Ending {
	return Ending{Check: b.check, Requests: b.class.requests, Synthetic: b.class.synthetic}
}

func (b blame) String() string {
	return fmt.Sprintf("%s (after %s)", b.finding, b.class)
}

// String counts the class' requests.
func (c class) String() string {
	if c.synthetic {
		return fmt.Sprintf("%d synthetic requests", c.requests)
	}
	return fmt.Sprintf("%d requests of clients", c.requests)
}

// count says what there is of both classes, and notes the looks and tries that are due.
func (s *Status) count(cfg pipeline.Canary, need Need) classes {
	found := classes{
		clients:   s.Clients.count(cfg, need, s.paired(), s.Phase == Baking),
		synthetic: s.Synthetic.count(cfg, need, s.paired(), s.Phase == Baking),
	}
	found.synthetic.synthetic = true
	return found
}

func (e *Evidence) count(cfg pipeline.Canary, need Need, paired, baking bool) (c class) {
	c.requests, c.decisions = e.Traffic.Seen(paired)
	looks := looksAt(c.requests, need.Requests)
	if baking && c.requests+e.Traffic.Canary.Started > 0 {
		looks = e.Looks + 1 // what begins late is to be seen soon: every window is a look
	}
	if looks > e.Looks {
		c.level = level(cfg, e.Looks, looks)
		e.Looks = looks
	}
	tries := need.met(c.requests, c.decisions)
	c.enough, c.try = tries > 0, tries > e.Tries
	e.Tries = max(e.Tries, tries)
	return c
}

// due says that something may come of judging.
func (c classes) due() bool {
	return c.clients.level > 0 || c.synthetic.level > 0 || c.clients.try || c.synthetic.try
}

// judge finds what the checks say of each class that has any traffic, be it under way. In a bake they look at the last window by itself as well:
// what begins late is not to be outweighed by the hours before.
func (c *classes) judge(j judge, s Status, seen Observation) {
	of := func(c *class, all, last Traffic, before Track) {
		switch {
		case all == Traffic{}:
		case s.paired():
			c.findings = j.pairs(all.Pairs)
		case s.Phase == Baking:
			c.findings = j.serves(before, all.Canary)
			if last != all {
				c.findings = append(c.findings, inLastWindow(j.serves(before, last.Canary))...)
			}
		default:
			c.findings = j.tracks(all.Stable, all.Canary)
		}
	}
	of(&c.clients, s.Clients.Traffic, seen.Clients, s.StableClients)
	j.prediction = j.prediction.synthetic()
	of(&c.synthetic, s.Synthetic.Traffic, seen.Synthetic, s.StableSynthetic)
}

// inLastWindow says of findings where they were made.
func inLastWindow(findings []finding) []finding {
	for i, f := range findings {
		findings[i].figures = func() string { return "in the last window " + f.figures() }
	}
	return findings
}

func (c classes) enough() bool { return c.clients.enough || c.synthetic.enough }

// failed are the checks that a look found beyond their limits.
func (c classes) failed() []blame {
	return c.those(func(f finding, level float64) bool { return level > 0 && f.chance() <= level })
}

// held are the checks that are not within their limits.
func (c classes) held() []blame {
	return c.those(func(f finding, _ float64) bool { return !f.within })
}

// doubted are the checks that are not within their limits, and hardly so by what is known.
func (c classes) doubted() []blame {
	return c.those(func(f finding, _ float64) bool { return !f.within && f.suspicion() <= doubtful })
}

// speaks says that a client's request speaks against the challenger, were it a single one.
func (c class) speaks() bool {
	return slices.ContainsFunc(c.findings, func(f finding) bool { return f.single })
}

func (c classes) those(which func(f finding, level float64) bool) []blame {
	var found []blame
	for _, class := range []class{c.clients, c.synthetic} {
		for _, f := range class.findings {
			if which(f, class.level) {
				found = append(found, blame{finding: f, class: class})
			}
		}
	}
	return found
}

// summary says how many requests there were.
func (c classes) summary() string {
	parts := []string{c.clients.String()}
	if c.synthetic.requests > 0 {
		parts = append(parts, c.synthetic.String())
	}
	return strings.Join(parts, ", ")
}

func reasons(found []blame) []string {
	texts := make([]string, len(found))
	for i, b := range found {
		texts[i] = b.String()
	}
	return texts
}
