package report_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/swapset"
)

// term is what a field adds to a score's log-odds.
type term struct {
	field        string
	weight, mean float64
}

// decide is a logistic score of the terms under a default's cutoff; its principal reason is the term that adds most.
func decide(values func(field string) float64, intercept float64, terms []term, cutoff float64) decision.Decision {
	z, most, principal := intercept, 0.0, ""
	for _, of := range terms {
		x := values(of.field)
		if math.IsNaN(x) {
			continue
		}
		adds := of.weight * (x - of.mean)
		z += adds
		if adds > most {
			most, principal = adds, of.field
		}
	}
	d := decision.Decision{Probability: 1 / (1 + math.Exp(-z)), Verdict: decision.Approve}
	if d.Probability >= cutoff {
		d.Verdict = decision.Decline
		if principal != "" {
			d.Reasons = []decision.Reason{{Field: principal}}
		}
	}
	return d
}

// simulated is 5,000 applicants who never lived, decided by a champion and a challenger that looks at utilisation as well.
func simulated(t *testing.T) report.SwapSet {
	t.Helper()
	day := func(year int, month time.Month) pipeline.Date {
		return pipeline.Date{Time: time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)}
	}
	table := simulate.Flat(pipeline.Simulate{Rows: 5000, Seed: 20260630, From: day(2025, 1), To: day(2026, 6)}, time.Time{})
	policy := decision.Policy{Cutoff: 0.25, Reasons: map[string]string{
		"delinquencies_2y": "delinquent past or present credit obligations with others",
		"debt_to_income":   "excessive obligations in relation to income",
	}}
	other := policy
	other.Cutoff = 0.24
	old := []term{{"delinquencies_2y", 0.8, 0.27}, {"debt_to_income", 1.9, 0.35}, {"credit_history_years", -0.04, 12}, {"inquiries_6m", 0.25, 0.7}}
	renewed := append([]term{{"utilisation", 2, 0.42}}, old...)

	var rows swapset.Rows
	var champion, challenger []decision.Decision
	for i := range table.Rows() {
		value := func(field string) float64 { return table.Column(field).Floats[i] }
		champion = append(champion, decide(value, -1.7, old, policy.Cutoff))
		challenger = append(challenger, decide(value, -1.8, renewed, other.Cutoff))
		outcome := swapset.Unknown
		switch table.Column(simulate.Label).Texts[i] {
		case "1":
			outcome = swapset.Bad
		case "0":
			outcome = swapset.Good
		}
		rows.Outcomes = append(rows.Outcomes, outcome)
	}
	rows.Segments = []swapset.Column{
		{Name: "institution_type", Values: table.Column("institution_type").Texts}, {Name: "purpose", Values: table.Column("purpose").Texts},
	}
	shift, err := swapset.Compare(rows, champion, challenger)
	require.NoError(t, err)
	return report.SwapSet{
		Name: "loan-eligibility", Shift: shift, Limit: 0.1,
		Champion:   report.Contender{Version: 3, Meaning: pipeline.MeaningDefault, Policy: policy},
		Challenger: report.Contender{Version: 4, Meaning: pipeline.MeaningDefault, Policy: other},
	}
}

func swapSetPage(t *testing.T, s report.SwapSet) string {
	t.Helper()
	page, err := report.SwapSetHTML(s)
	require.NoError(t, err)
	requireSelfContained(t, page)
	again, err := report.SwapSetHTML(s)
	require.NoError(t, err)
	require.Equal(t, page, again)
	// go test -artifacts keeps it, to be looked at in a browser.
	require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "swapset.html"), page, 0o600))
	return string(page)
}

// What a credit officer approves: the figures are the comparison's, and the versions and policies are named.
func TestSwapSetShowsWhoIsSwapped(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	page := swapSetPage(t, s)
	for _, want := range []string{
		fmt.Sprintf("(%d) the approval rate", s.Shift.Rows),
		fmt.Sprintf("<b>%d</b> swapped in, <b>%d</b> swapped out", s.Shift.SwappedIn.Rows.Count, s.Shift.SwappedOut.Rows.Count),
		fmt.Sprintf("%d of %d known", s.Shift.SwappedIn.Bad.Count, s.Shift.SwappedIn.Bad.Of),
		fmt.Sprintf("%d of %d known", s.Shift.Champion.Bad.Count, s.Shift.Champion.Bad.Of),
		fmt.Sprintf("%d of the %d whom both decline", s.Shift.Reasons.Changed.Count, s.Shift.Reasons.Changed.Of),
		s.Champion.Policy.Digest()[:12], s.Challenger.Policy.Digest()[:12], "<td>0.25</td>", "<td>0.24</td>",
		"Within the limit: at most 10 points", "Selective labels", "By institution_type", "By purpose", "credit_union",
		"<code>delinquencies_2y</code><small>delinquent past or present credit obligations with others</small>",
		"cells of fewer than 10 are not drawn", "#0f3a68", fmt.Sprintf("<td>others</td><td></td><td>%d</td>", s.Shift.Reasons.Others),
	} {
		require.Contains(t, page, want)
	}
	require.Equal(t, 3, strings.Count(page, "<svg"))
	require.NotContains(t, page, "%!")
	require.Less(t, strings.Index(page, ">swapped in</text>"), strings.Index(page, ">swapped out</text>"), "low challenger's scores are swapped in")
}

// The plot of scores leaves out what it says that it leaves out, and each shade is of the cells that the key says.
func TestSwapSetDrawsCellsByTheirRows(t *testing.T) {
	t.Parallel()
	page := func(cells ...swapset.Cell) string {
		side := report.Contender{Version: 1, Meaning: pipeline.MeaningDefault, Policy: decision.Policy{Cutoff: 0.5}}
		shift := swapset.Shift{Rows: 1000, Scores: &swapset.Scores{Grid: cells}}
		return swapSetPage(t, report.SwapSet{Name: "loans", Shift: shift, Limit: 0.1, Champion: side, Challenger: side})
	}
	drawn := page(swapset.Cell{Rows: 300}, swapset.Cell{Champion: 3, Rows: 299})
	require.Contains(t, drawn, "401 rows in cells of fewer than 10")
	for shade, cells := range map[string]int{"#0F3A68": 1, "#427CB8": 1, "#8BB2D9": 0, "#CDDEF0": 0} {
		require.Equal(t, cells, strings.Count(drawn, "fill:"+shade), shade)
	}
	require.NotContains(t, page(swapset.Cell{Rows: 1000}), "are not drawn")
}

// The bars start at the same line: to the right whom the challenger lets in, to the left whom it turns away, as long as their shares.
func TestSwapSetBarsLieApart(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	_, plot, _ := strings.Cut(swapSetPage(t, s), "shares swapped in and out by institution_type")
	length := func(fill string) float64 {
		ends := regexp.MustCompile(`<path d="M([0-9.]+),[0-9.]+L[^L"]*L([0-9.]+),[^"]*" style="fill:` + fill).FindStringSubmatch(plot)
		require.Len(t, ends, 3, fill)
		from, err := strconv.ParseFloat(ends[1], 64)
		require.NoError(t, err)
		to, err := strconv.ParseFloat(ends[2], 64)
		require.NoError(t, err)
		return to - from
	}
	values := s.Shift.Segments[0].Values
	lowest := values[len(values)-1] // bars are drawn from the bottom
	in, out := length("#1F62A0"), length("#C87814")
	require.Positive(t, in)
	require.InDelta(t, -float64(lowest.SwappedOut.Rows.Count)/float64(lowest.SwappedIn.Rows.Count), out/in, 0.01)
}

func TestSwapSetSaysWhatTheLimitSays(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	s.Limit = 0.01
	require.Contains(t, swapSetPage(t, s), "<b>Above the limit</b> of 1 points")

	approve, decline := decision.Decision{Probability: 0.1, Verdict: decision.Approve}, decision.Decision{Probability: 0.9, Verdict: decision.Decline}
	for _, test := range []struct {
		name                 string
		champion, challenger []decision.Decision
		want                 string
		not                  string
	}{
		{"none", nil, nil, "There are no rows to predict on", "Who is swapped"},
		{"one", []decision.Decision{approve}, []decision.Decision{approve}, "<b>Too few rows</b>", "<svg"},
		{"one flip", []decision.Decision{approve}, []decision.Decision{decline}, "<b>Above the limit</b>", "<svg"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shift, err := swapset.Compare(swapset.Rows{}, test.champion, test.challenger)
			require.NoError(t, err)
			few := report.SwapSet{Name: "loans", Shift: shift, Limit: 0.1, Champion: s.Champion, Challenger: s.Challenger}
			page := swapSetPage(t, few)
			require.Contains(t, page, test.want)
			require.NotContains(t, page, test.not)
			require.NotContains(t, page, "%!")
		})
	}
}

// A label of approval knows no bad loans, and its high scores are the approved ones.
func TestSwapSetOfApprovals(t *testing.T) {
	t.Parallel()
	var champion, challenger []decision.Decision
	values := make([]string, 40)
	for i := range values {
		values[i] = "<b>car</b>"
		champion = append(champion, decision.Decision{Probability: 0.9, Verdict: decision.Approve})
		challenger = append(challenger, decision.Decision{Probability: 0.3, Verdict: decision.Decline, Reasons: []decision.Reason{{Field: "debt"}}})
	}
	for i := range 12 {
		champion[i].Verdict, champion[i].Probability, champion[i].Reasons = decision.Decline, 0.2, []decision.Reason{}
	}
	values[0] = ""
	shift, err := swapset.Compare(swapset.Rows{Segments: []swapset.Column{{Name: "purpose", Values: values}}}, champion, challenger)
	require.NoError(t, err)
	side := report.Contender{Version: 1, Meaning: pipeline.MeaningApproval, Policy: decision.Policy{Cutoff: 0.5}}
	page := swapSetPage(t, report.SwapSet{Name: "loans <i>", Shift: shift, Limit: 0.1, Champion: side, Challenger: side})
	for _, want := range []string{
		"Bad rates are not measured", "bad rate not measured", "below its cutoff a version declines", "<td>none<small></small></td>", "2 rarer values", "loans &lt;i&gt;",
	} {
		require.Contains(t, page, want)
	}
	for _, not := range []string{"Selective labels", "<b>car", "loans <i>"} {
		require.NotContains(t, page, not)
	}
	// The corner of low champion's and high challenger's scores is swapped in: its label is the plot's second.
	in, out := strings.Index(page, ">swapped in</text>"), strings.Index(page, ">swapped out</text>")
	require.True(t, out >= 0 && out < in)
}

// A probability of default is no distance away from one of approval.
func TestSwapSetOfTwoMeaningsComparesNoScores(t *testing.T) {
	t.Parallel()
	approve, decline := decision.Decision{Probability: 0.9, Verdict: decision.Approve}, decision.Decision{Probability: 0.9, Verdict: decision.Decline}
	champion, challenger := make([]decision.Decision, 20), make([]decision.Decision, 20)
	for i := range champion {
		champion[i], challenger[i] = decline, approve
	}
	shift, err := swapset.Compare(swapset.Rows{MeaningsDiffer: true}, champion, challenger)
	require.NoError(t, err)
	policy := decision.Policy{Cutoff: 0.5}
	page := swapSetPage(t, report.SwapSet{
		Name: "loans", Shift: shift, Limit: 0.1,
		Champion:   report.Contender{Version: 1, Meaning: pipeline.MeaningDefault, Policy: policy},
		Challenger: report.Contender{Version: 2, Meaning: pipeline.MeaningApproval, Policy: policy},
	})
	require.Regexp(t, `mean different things and are not compared: the champion's is a probability of default, the challenger's\s+a probability of approval\.`, page)
	require.Contains(t, page, "<b>20</b> swapped in")
	for _, not := range []string{"<svg", "Spearman", "mean absolute difference", "declines.</p>"} {
		require.NotContains(t, page, not)
	}
}

// Of fewer than ten applicants the page says how many they are, and why it says no more.
func TestSwapSetSpeaksOfNoFewPersons(t *testing.T) {
	t.Parallel()
	page := func(rows int) string {
		var of swapset.Rows
		var champion, challenger []decision.Decision
		for range rows {
			champion = append(champion, decision.Decision{Probability: 0.9, Verdict: decision.Decline, Reasons: []decision.Reason{{Field: "debt"}}})
			challenger = append(challenger, decision.Decision{Probability: 0.8, Verdict: decision.Decline, Reasons: []decision.Reason{{Field: "income"}}})
			champion = append(champion, decision.Decision{Probability: 0.9, Verdict: decision.Decline})
			challenger = append(challenger, decision.Decision{Probability: 0.1, Verdict: decision.Approve})
			of.Outcomes = append(of.Outcomes, swapset.Unknown, swapset.Bad)
		}
		shift, err := swapset.Compare(of, champion, challenger)
		require.NoError(t, err)
		side := report.Contender{Version: 1, Meaning: pipeline.MeaningDefault, Policy: decision.Policy{Cutoff: 0.5}}
		return swapSetPage(t, report.SwapSet{Name: "loans", Shift: shift, Limit: 0.1, Champion: side, Challenger: side})
	}
	few, enough := page(9), page(10)
	for _, want := range []string{
		"swapped in<div><b>9</b>", "– <small>fewer than 10 known</small>", "known for\nfewer than 10, of the 0 swapped out", "9 of the 9 whom both decline",
		"No change from one reason to another has 10 rows.",
	} {
		require.Contains(t, few, want)
	}
	for _, not := range []string{"<code>debt</code>", "9 of 9 known"} {
		require.NotContains(t, few, not)
	}
	for _, want := range []string{"10 of 10 known", "known for\n10, of the 0 swapped out for fewer than 10", "<code>debt</code>"} {
		require.Contains(t, enough, want)
	}
}
