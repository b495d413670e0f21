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
	name                string
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
	return Ending{Check: b.check, Requests: b.class.requests, Synthetic: b.class.name == syntheticClass}
}

func (b blame) String() string {
	return fmt.Sprintf("%s (after %d %s)", b.finding, b.class.requests, b.class.name)
}

const (
	clientsClass   = "requests of clients"
	syntheticClass = "synthetic requests"
)

// count says what there is of both classes, and notes the looks and tries that are due.
func (s *Status) count(cfg pipeline.Canary, need Need) classes {
	return classes{
		clients:   s.Clients.count(clientsClass, cfg, need, s.paired(), s.Phase == Baking),
		synthetic: s.Synthetic.count(syntheticClass, cfg, need, s.paired(), s.Phase == Baking),
	}
}

func (e *Evidence) count(name string, cfg pipeline.Canary, need Need, paired, baking bool) class {
	c := class{name: name}
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
			c.findings = append(j.serves(before, all.Canary), j.serves(before, last.Canary)...)
		default:
			c.findings = j.tracks(all.Stable, all.Canary)
		}
	}
	of(&c.clients, s.Clients.Traffic, seen.Clients, s.StableClients)
	of(&c.synthetic, s.Synthetic.Traffic, seen.Synthetic, s.StableSynthetic)
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

// speaks says that a client's request speaks against the challenger, were it a single one.
func (c class) speaks() bool {
	return slices.ContainsFunc(c.findings, func(f finding) bool { return f.single })
}

// doubted are those of them which are hardly within the limits by what is known.
func (c classes) doubted() []blame {
	return c.those(func(f finding, _ float64) bool { return !f.within && f.suspicion() <= doubtful })
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
	parts := []string{fmt.Sprintf("%d %s", c.clients.requests, c.clients.name)}
	if c.synthetic.requests > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", c.synthetic.requests, c.synthetic.name))
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
