package swapset

// Shift is how a challenger's decisions differ from the champion's. No applicant is in it.
type Shift struct {
	// Rows that both sides decided; 0 predicts nothing.
	Rows int `json:"rows"`
	// LeftOut are the rows that one of the sides would refuse.
	LeftOut int `json:"left_out"`
	// Recleaned are the columns that one of the sides cleans otherwise than the rows were.
	Recleaned []string `json:"recleaned,omitempty"`

	Champion   Side `json:"champion"`
	Challenger Side `json:"challenger"`
	// Change is the challenger's approval rate less the champion's.
	Change Difference `json:"approval_change"`

	// The four groups of rows by both verdicts; together they are all rows.
	BothApprove Group `json:"both_approve"`
	SwappedIn   Group `json:"swapped_in"`  // declined by the champion, approved by the challenger
	SwappedOut  Group `json:"swapped_out"` // approved by the champion, declined by the challenger
	BothDecline Group `json:"both_decline"`
	// OutcomesMeasured is false where the label does not say what became of a loan: then no bad rate is measured.
	OutcomesMeasured bool `json:"outcomes_measured"`

	// Scores are left out where the sides' mean different things, and of fewer than MinCell rows.
	Scores   *Scores   `json:"scores,omitempty"`
	Reasons  Reasons   `json:"reasons"`
	Segments []Segment `json:"segments"`
}

// Side is what one version's decisions come to.
type Side struct {
	Approved Rate `json:"approved"` // of all rows
	// Bad is of the approved rows whose outcome is known, and of nothing where these are fewer than MinCell.
	Bad Rate `json:"bad"`
}

// Group is rows with one pair of verdicts.
type Group struct {
	Rows Rate `json:"rows"` // of all rows
	// Bad is of the group's rows whose outcome is known, and of nothing where these are fewer than MinCell.
	Bad Rate `json:"bad"`
}
