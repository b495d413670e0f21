package swapset

import (
	"fmt"
	"math"
	"strings"
)

// Outlook is what the rows say about a limit of the change of the approval rate.
type Outlook string

// The outlooks. Only Within is a pass.
const (
	Within Outlook = "within"
	// Exceeds: the change that the rows show is above the limit, however few they are.
	Exceeds Outlook = "exceeds"
	// Undecided: there are no rows, or too few to tell a change of the limit from none.
	Undecided Outlook = "undecided"
)

// Judge holds the change of the approval rate, up or down, against the limit (a share, above 0), and says in words what it rests on. What is
// judged is the estimate; a change equal to the limit is within it. The rows are too few when half the interval is wider than the limit: with no
// flips 10 rows suffice for 0.17 and 18 for 0.1, with flips it takes more. A limit of 0 is never met, since no number of rows shows that nothing changes; nor is any where a
// side would have decided on other values.
func (s Shift) Judge(limit float64) (Outlook, string) {
	outlook, text := s.judge(limit)
	if s.LeftOut > 0 {
		text += fmt.Sprintf("; %s that one of the two would refuse left out", counted(s.LeftOut))
	}
	if len(s.Recleaned) > 0 {
		text += fmt.Sprintf("; that is of rows in which %s were cleaned otherwise than one of the two cleans them", strings.Join(s.Recleaned, ", "))
		if outlook == Within {
			outlook = Undecided
		}
	}
	return outlook, text
}

func (s Shift) judge(limit float64) (Outlook, string) {
	if s.Rows == 0 {
		return Undecided, "there are no rows to predict the change of the approval rate on"
	}
	rests := fmt.Sprintf("from %.1f %% to %.1f %% (%+.1f points, 95 %% interval %+.1f to %+.1f) on %s, %d swapped in and %d out",
		100*s.Champion.Approved.Estimate, 100*s.Challenger.Approved.Estimate, 100*s.Change.Estimate, 100*s.Change.Lower, 100*s.Change.Upper,
		counted(s.Rows), s.SwappedIn.Rows.Count, s.SwappedOut.Rows.Count)
	switch {
	case !(math.Abs(s.Change.Estimate) <= limit): // a limit that is not a number is met by nothing
		return Exceeds, fmt.Sprintf("the approval rate would go %s; at most %.4g points are allowed", rests, 100*limit)
	case (s.Change.Upper-s.Change.Lower)/2 > limit:
		return Undecided, fmt.Sprintf("the approval rate would go %s: too few to tell a change of %.4g points from none", rests, 100*limit)
	default:
		return Within, fmt.Sprintf("the approval rate would go %s; %.4g points are allowed", rests, 100*limit)
	}
}

func counted(rows int) string {
	if rows == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", rows)
}
