package dataset

import (
	"fmt"

	"github.com/loanops/loanops/internal/statistics"
)

// Outcomes is what was found in outcomes that are a source of their own.
type Outcomes struct {
	Rows     int64 `json:"rows"`     // that the source has
	Later    int64 `json:"later"`    // that were not known yet on the day on which the data were known
	Replaced int64 `json:"replaced"` // in whose place a later row of the same application counts
	Changed  int64 `json:"changed"`  // applications of which rows that were known say different things
	// Breaches are of rows that count for no application: RuleRequired and RuleType, and RuleUnknownEntity.
	Breaches []Breach `json:"breaches,omitempty"`
}

// String says how many there are, and what became of them.
func (o Outcomes) String() string {
	return fmt.Sprintf("outcomes: %d rows, %d not known yet, %d replaced by later ones; %d applications changed", o.Rows, o.Later, o.Replaced, o.Changed)
}

// Outcomes notes outcomes that count for no application. One without an application is told of: what sends outcomes may know of more. Where it is not
// known of which application or of which day a row is, labels are missing in a way that nobody chose, so more of these than maxShare, as exceeds says it, refuse.
func (r *Report) Outcomes(found Outcomes, maxShare float64, exceeds statistics.Exceeds) {
	var unread int64
	for _, breach := range found.Breaches {
		if breach.Rule != RuleUnknownEntity {
			unread += breach.Count
		}
	}
	severity := Warning
	if exceeds(unread, found.Rows, maxShare) {
		severity = Error
	}
	for _, breach := range found.Breaches {
		of, words := severity, "are missing"
		switch breach.Rule {
		case RuleType:
			words = "cannot be read as when they became known"
		case RuleUnknownEntity:
			of, words = Warning, "are of no application in the source"
		}
		r.add(of, breach.Column, breach.Rule, breach, "outcomes, column %q: %d values %s", breach.Column, breach.Count, words)
		r.Findings[len(r.Findings)-1].Share = float64(breach.Count) / float64(found.Rows)
	}
}
