// Package swapset compares the decisions of two versions on the same applications before either is asked in earnest: the swap set is the
// applicants whose verdict differs between champion and challenger. Everything here is a pure function of the decisions, and nothing that
// comes out of it is about fewer than MinCell applicants where it says anything but how many they are: of fewer it tells no score, no outcome and no
// reason. That holds of each figure by itself; what two of them differ by may be of fewer.
//
// Outcomes exist for applicants whom some earlier policy approved (selective labels: Lakkaraju et al. 2017, doi 10.1145/3097983.3098066). A bad
// rate here is therefore of the rows whose outcome is known, says how many these are, and is no estimate of the others'.
package swapset

import (
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
)

// MinCell is the fewest applicants that a segment, a comparison of scores, a bad rate or a change of reason may rest on: the rule of ten of
// statistical disclosure control, as the Australian Bureau of Statistics applies it to what leaves its DataLab.
const MinCell = 10

// MaxSegments and MaxValues bound what a page can show: the columns to compare by, and the values of each that are named.
const (
	MaxSegments = 5
	MaxValues   = 20
)

// Outcome is what became of a row's loan.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota // declined, or not mature yet
	Good
	Bad
)

// Rows is what both sides decided about, beside their decisions; every column has a value for every row.
type Rows struct {
	// Outcomes are nil where labels do not say what became of a loan (pipeline.MeaningApproval): no bad rate is measured then.
	Outcomes []Outcome
	// Segments are the columns to compare by. They name institutions and products, never what identifies a person.
	Segments []Column
	// MeaningsDiffer says that the sides' scores mean different things (one of each pipeline.Meaning): their distance would mean nothing.
	MeaningsDiffer bool
	// LeftOut are as many rows more that one of the sides would refuse.
	LeftOut int
	// Recleaned are columns that one of the sides cleans otherwise than these rows were: what it decided on them is not what it would decide on
	// clients' values.
	Recleaned []string
}

// Column is a column of categories. The empty value is a missing one.
type Column struct {
	Name   string
	Values []string
}

// Compare says how the challenger's decisions differ from the champion's on the same rows, in the same order.
//
// The order of the rows changes nothing. Without rows every rate and distance is of nothing: see Shift.Judge. Columns of different lengths, a
// probability outside [0, 1], a verdict or an outcome that is none, and more segments than MaxSegments are fault.Invalid.
func Compare(rows Rows, champion, challenger []decision.Decision) (Shift, error) {
	if err := checkSides(champion, challenger); err != nil {
		return Shift{}, err
	}
	if err := rows.check(len(champion)); err != nil {
		return Shift{}, err
	}
	var all table
	for i := range champion {
		all.add(champion[i].Verdict, challenger[i].Verdict, rows.outcome(i))
	}
	shift := Shift{
		Rows:             all.rows,
		LeftOut:          rows.LeftOut,
		Recleaned:        rows.Recleaned,
		Champion:         all.side(all.bothApprove, all.swappedOut),
		Challenger:       all.side(all.bothApprove, all.swappedIn),
		Change:           pairedDifference(all.swappedIn.rows, all.swappedOut.rows, all.rows),
		BothApprove:      all.group(all.bothApprove),
		SwappedIn:        all.group(all.swappedIn),
		SwappedOut:       all.group(all.swappedOut),
		BothDecline:      all.group(all.bothDecline),
		OutcomesMeasured: rows.Outcomes != nil,
		Reasons:          compareReasons(champion, challenger),
		Segments:         make([]Segment, len(rows.Segments)),
	}
	if !rows.MeaningsDiffer && all.rows >= MinCell {
		scores := compareScores(champion, challenger)
		shift.Scores = &scores
	}
	for i, column := range rows.Segments {
		shift.Segments[i] = rows.compareBy(column, champion, challenger)
	}
	return shift, nil
}

func (r Rows) outcome(row int) Outcome {
	if r.Outcomes == nil {
		return Unknown
	}
	return r.Outcomes[row]
}

func checkSides(champion, challenger []decision.Decision) error {
	if len(champion) != len(challenger) {
		return fault.New(fault.Invalid, "%d decisions of the champion and %d of the challenger; both must decide the same rows", len(champion), len(challenger))
	}
	for _, side := range []struct {
		name      string
		decisions []decision.Decision
	}{{"champion", champion}, {"challenger", challenger}} {
		for i, d := range side.decisions {
			if !(d.Probability >= 0 && d.Probability <= 1) { // NaN as well
				return fault.New(fault.Invalid, "row %d: the %s's score is no probability", i+1, side.name)
			}
			if d.Verdict != decision.Approve && d.Verdict != decision.Decline {
				return fault.New(fault.Invalid, "row %d: the %s's verdict is neither %s nor %s", i+1, side.name, decision.Approve, decision.Decline)
			}
		}
	}
	return nil
}

func (r Rows) check(n int) error {
	if r.Outcomes != nil && len(r.Outcomes) != n {
		return fault.New(fault.Invalid, "%d outcomes for %d rows", len(r.Outcomes), n)
	}
	for i, outcome := range r.Outcomes {
		if outcome > Bad {
			return fault.New(fault.Invalid, "row %d: outcome %d is none", i+1, outcome)
		}
	}
	if len(r.Segments) > MaxSegments {
		return fault.New(fault.Invalid, "%d segments; at most %d are compared", len(r.Segments), MaxSegments)
	}
	for _, column := range r.Segments {
		if len(column.Values) != n {
			return fault.New(fault.Invalid, "segment %q has %d values for %d rows", column.Name, len(column.Values), n)
		}
	}
	return nil
}
