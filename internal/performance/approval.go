package performance

import (
	"math"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// Decided is decisions of a period.
type Decided struct {
	Approved []bool
	Segments []Segment
}

// Approvals are the approval rates of a window beside those of a reference.
type Approvals struct {
	Overall  ApprovalRate      `json:"overall"`
	Segments []ApprovalSegment `json:"segments"`
}

// ApprovalSegment is the approval rates by the values of one column.
type ApprovalSegment struct {
	Column string `json:"column"`
	// Groups are by falling number of rows, equal ones by name; values of too few rows, and those after the first 20, are one group, the last.
	Groups []ApprovalRate `json:"groups"`
}

// ApprovalRate is the share approved among some rows.
type ApprovalRate struct {
	Name     string `json:"name"` // empty: all, missing, or merged
	Merged   int    `json:"merged,omitempty"`
	Rows     int    `json:"rows"`
	Approved int    `json:"approved"`
	// Rate has Wilson's interval; nil without rows.
	Rate *evaluate.Metric `json:"rate,omitempty"`
	// Reference is the number of such rows in the reference, Change the rate minus the reference's. nil where either has too few.
	Reference int              `json:"reference_rows"`
	Change    *evaluate.Metric `json:"change,omitempty"`
	P         float64          `json:"p"` // two-sided, of no change; 1 where it is not measured
	Note      string           `json:"note,omitempty"`
}

// Approve counts the decisions, and compares them with those of the reference. Segments are compared by name of column and value.
func Approve(window, reference Decided, limits Limits) (Approvals, error) {
	least := limits.orDefault().Rows
	for _, d := range []Decided{window, reference} {
		for _, s := range d.Segments {
			if len(s.Values) != len(d.Approved) {
				return Approvals{}, fault.New(fault.Invalid, "column %q has %d values, there are %d decisions", s.Column, len(s.Values), len(d.Approved))
			}
		}
	}
	a := Approvals{Overall: rated("", 0, tallied(window.Approved), tallied(reference.Approved), least), Segments: []ApprovalSegment{}}
	for _, s := range window.Segments {
		before := map[string]tally{}
		for _, other := range reference.Segments {
			if other.Column == s.Column {
				before = tallies(other.Values, reference.Approved)
			}
		}
		segment := ApprovalSegment{Column: s.Column, Groups: []ApprovalRate{}}
		now := tallies(s.Values, window.Approved)
		var rest, restBefore tally
		merged := 0
		for _, value := range byRows(now, tally.count) {
			if now[value].rows < least || len(segment.Groups) == maxValues {
				rest, restBefore = rest.plus(now[value]), restBefore.plus(before[value])
				merged++
				continue
			}
			segment.Groups = append(segment.Groups, rated(value, 0, now[value], before[value], least))
		}
		if merged > 0 {
			segment.Groups = append(segment.Groups, rated("", merged, rest, restBefore, least))
		}
		a.Segments = append(a.Segments, segment)
	}
	return a, nil
}

func rated(name string, merged int, now, before tally, least int) ApprovalRate {
	r := ApprovalRate{Name: name, Merged: merged, Rows: now.rows, Approved: now.approved, Reference: before.rows, P: 1}
	if now.rows > 0 {
		lower, upper := statistics.Wilson(now.approved, now.rows)
		r.Rate = &evaluate.Metric{Estimate: now.rate(), Lower: lower, Upper: upper}
	}
	if now.rows < least || before.rows < least {
		r.Note = "not enough data to tell a change"
		return r
	}
	r.Change, r.P = changeOfShare(before, now)
	return r
}

// changeOfShare is now's share minus before's of other rows, with Newcombe's interval, which is made of both Wilson intervals, and the p of the
// pooled z test.
//
// Source: Newcombe 1998, method 10, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
func changeOfShare(before, now tally) (*evaluate.Metric, float64) {
	lowerBefore, upperBefore := statistics.Wilson(before.approved, before.rows)
	lowerNow, upperNow := statistics.Wilson(now.approved, now.rows)
	d := now.rate() - before.rate()
	change := &evaluate.Metric{
		Estimate: d,
		Lower:    d - math.Hypot(now.rate()-lowerNow, upperBefore-before.rate()),
		Upper:    d + math.Hypot(upperNow-now.rate(), before.rate()-lowerBefore),
	}
	pooled := now.plus(before).rate()
	variance := pooled * (1 - pooled) * (1/float64(now.rows) + 1/float64(before.rows))
	return change, evaluate.NewDifference(d, variance).P
}
