package swapset

import "github.com/loanops/loanops/internal/decision"

// table is the two-by-two table of both sides' verdicts.
type table struct {
	rows                                            int
	bothApprove, swappedIn, swappedOut, bothDecline tally
}

// tally counts rows of one pair of verdicts.
type tally struct{ rows, known, bad int }

func (t *table) add(champion, challenger string, outcome Outcome) {
	t.rows++
	of := &t.bothDecline
	switch {
	case champion == decision.Approve && challenger == decision.Approve:
		of = &t.bothApprove
	case challenger == decision.Approve:
		of = &t.swappedIn
	case champion == decision.Approve:
		of = &t.swappedOut
	}
	of.rows++
	switch outcome {
	case Bad:
		of.bad++
		of.known++
	case Good:
		of.known++
	case Unknown:
	}
}

func (t *table) group(of tally) Group {
	return Group{Rows: rate(of.rows, t.rows), Bad: of.badRate()}
}

// side is of the two groups that it approves.
func (t *table) side(a, b tally) Side {
	both := tally{rows: a.rows + b.rows, known: a.known + b.known, bad: a.bad + b.bad}
	return Side{Approved: rate(both.rows, t.rows), Bad: both.badRate()}
}

// badRate is not measured on outcomes that are too few to speak of.
func (t tally) badRate() Rate {
	if t.known < MinCell {
		return rate(0, 0)
	}
	return rate(t.bad, t.known)
}
