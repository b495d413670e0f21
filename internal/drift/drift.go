// Package drift holds fresh rows, the window, against the rows that a model was made from, the reference.
//
// Every feature is counted once, in bins that the reference alone decides (Bins, Counter); all statistics are computed from these whole numbers
// (Compare). So a window of any size takes one pass, counts of parts add up in any order, and the same rows give the same result whatever the number
// of processors. One test looks at all features together (Separate). Looks controls false discoveries over features and looks, and Rank orders what
// drifted by what it does to the score.
//
// A window of a million rows makes dust significant. So each statistic says two things: its p-value, under the hypothesis of no drift at all, and a
// lower confidence bound, which is held against a limit of what matters. How often either is wrong is simulated: docs/false-alarms.md.
package drift

// Feature is a column that is watched. The model's score may be one, as a number.
type Feature struct {
	Name     string `json:"name"`
	Category bool   `json:"category,omitempty"` // a dataset.Text column; any other kind is a number
}

// MinRows is how many rows the reference and the window must have, each, and how many of either must hold a value for a statistic of values: ten
// bins of five expected rows, below which a chi-squared statistic says little (Cochran 1954, doi 10.2307/3001616).
const MinRows = 50
