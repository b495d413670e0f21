package swapset

import (
	"cmp"
	"slices"

	"github.com/loanops/loanops/internal/decision"
)

// maxReasonChanges is how many changes of the principal reason are listed.
const maxReasonChanges = 10

// Reasons is what becomes of the principal reason of the rows that both sides decline.
type Reasons struct {
	Changed Rate `json:"changed"` // of the rows that both decline
	// Commonest changes by falling number of rows, equal ones by their fields; each is of at least MinCell rows.
	Commonest []ReasonChange `json:"commonest"`
	// Others is the rows of all other changes.
	Others int `json:"others"`
}

// ReasonChange is rows whose principal reason changes from one field to another; an empty field is a decline without a reason.
type ReasonChange struct {
	From string `json:"from"`
	To   string `json:"to"`
	Rows int    `json:"rows"`
}

func compareReasons(champion, challenger []decision.Decision) Reasons {
	type change struct{ from, to string }
	both, changed, counts := 0, 0, map[change]int{}
	for i := range champion {
		if champion[i].Verdict != decision.Decline || challenger[i].Verdict != decision.Decline {
			continue
		}
		both++
		if c := (change{principal(champion[i]), principal(challenger[i])}); c.from != c.to {
			changed++
			counts[c]++
		}
	}
	commonest := []ReasonChange{}
	for c, rows := range counts {
		if rows >= MinCell {
			commonest = append(commonest, ReasonChange{From: c.from, To: c.to, Rows: rows})
		}
	}
	slices.SortFunc(commonest, func(a, b ReasonChange) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	reasons := Reasons{Changed: rate(changed, both), Commonest: commonest[:min(len(commonest), maxReasonChanges)], Others: changed}
	for _, named := range reasons.Commonest {
		reasons.Others -= named.Rows
	}
	return reasons
}

func principal(d decision.Decision) string {
	if len(d.Reasons) == 0 {
		return ""
	}
	return d.Reasons[0].Field
}
