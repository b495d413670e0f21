package main

import "time"

// The days of every drill. A champion is made of a whole year, so that it has seen every season, of which the older half has labels.
var (
	first   = day(2023, time.July, 1)
	trained = day(2024, time.June, 30)
	calm    = day(2024, time.July, 31) // the look before the drill
	began   = day(2024, time.August, 1)
)

// drill is what is played, and what is right.
type drill struct {
	name string
	// spec are lines for the spec in place of others.
	spec [][2]string
	// perDay is how many people apply on a day; 0 is usualPerDay.
	perDay int
	// looks are on these days after the first of the drill, until one has another verdict than nothing.
	looks []int
	// verdict is what the looks come to at last, and by which one: the last day on which it is in time.
	verdict string
	within  int
	// notBefore is the day until which every look must find nothing.
	notBefore int
	// kind, and feature where it is not empty, are what a finding of that look must name.
	kind, feature string
	// serves are the versions one of which must serve afterwards, and ended are the verdicts of the training that the look starts; none: no training.
	serves []int
	ended  []string
	// bad is the day of the drill on which a bad champion is trained; 0 is none.
	bad int
}

// usualPerDay is how many people apply on a day: ten days of them are enough for a look.
const usualPerDay = 60

// good is how a training that a look starts may end: its version serves, or it was held against the champion and found no better.
var good = []string{"promoted", "refused"}

// drills are all of them with what is right.
var drills = []drill{
	{name: "income-shock", looks: every(10, 3), verdict: "retrain", within: 10, kind: "data_drift", feature: "annual_income", serves: []int{1, 2}, ended: good},
	{
		name: "new-category", spec: [][2]string{{"evolve: {max_share: 0.01}", "evolve: {max_share: 0.3}"}},
		looks: every(10, 3), verdict: "retrain", within: 10, kind: "schema", feature: "employment", serves: []int{1, 2}, ended: good,
	},
	{name: "new-column", looks: every(10, 3), verdict: "retrain", within: 10, kind: "schema", feature: "account_age_months", serves: []int{1, 2}, ended: good},
	{name: "unit-change", looks: every(10, 3), verdict: "review", within: 10, kind: "schema", feature: "annual_income", serves: []int{1}},
	{name: "missing-bureau", looks: every(10, 3), verdict: "review", within: 10, kind: "schema", feature: "credit_history_years", serves: []int{1}},
	{
		// The first vintage of the drill is mature after 180 days. The window slides, so that a new model learns mostly
		// from the new concept; what it is worth is held against the champion, and by no number of its own.
		name: "concept-change", perDay: 2 * usualPerDay, spec: [][2]string{{"split:", "training: {window_days: 270}\nsplit:"}, {"min: 0.6", "min: 0.5"}},
		looks: []int{90, 180, 210, 240, 270, 300}, verdict: "retrain", within: 270, notBefore: 180, kind: "performance", serves: []int{1, 2}, ended: good,
	},
	{
		// It is trained on wrong labels, 45 days after they have become wrong; 60 days after that they are put right.
		name: "bad-champion", spec: [][2]string{
			{"split:", "training: {against_champion: any}\nsplit:"}, {"max_verdict_shift: 0.5", "max_verdict_shift: 1"}, {"min: 0.6", "min: 0.5"},
		},
		bad: 45, looks: []int{75, 90, 105}, verdict: "rolled_back", within: 90, notBefore: 59, kind: "performance", serves: []int{1},
	},
	{name: "slow-leak", looks: every(30, 12), verdict: "retrain", within: 360, notBefore: 1, kind: "data_drift", feature: "debt_to_income", serves: []int{1, 2}, ended: good},
	{name: "seasonal", looks: every(30, 8), verdict: "nothing", within: 240, notBefore: 240, serves: []int{1}},
}

// every are n days, so many apart.
func every(days, n int) (all []int) {
	for i := range n {
		all = append(all, days*(i+1))
	}
	return all
}

func day(year int, month time.Month, of int) time.Time {
	return time.Date(year, month, of, 0, 0, 0, 0, time.UTC)
}
