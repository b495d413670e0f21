package swapset_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/swapset"
)

// decided is a decision with a default's cutoff at 0.5, whose principal reason is field when it is a decline.
func decided(p float64, field string) decision.Decision {
	d := decision.Decision{Probability: p, Verdict: decision.Approve, Reasons: []decision.Reason{}}
	if p >= 0.5 {
		d.Verdict = decision.Decline
		if field != "" {
			d.Reasons = append(d.Reasons, decision.Reason{Field: field})
		}
	}
	return d
}

// byHand is ten rows, each ten times; the comments beside the wanted values count the ten.
func byHand() (rows swapset.Rows, champion, challenger []decision.Decision) {
	for _, row := range []struct {
		champion, challenger float64
		from, to             string
		outcome              swapset.Outcome
	}{
		{0.1, 0.2, "", "", swapset.Good},
		{0.2, 0.1, "", "", swapset.Bad},
		{0.3, 0.3, "", "", swapset.Good},
		{0.4, 0.4, "", "", swapset.Unknown},
		{0.45, 0.6, "", "income", swapset.Bad},
		{0.6, 0.45, "debt", "", swapset.Good},
		{0.7, 0.3, "debt", "", swapset.Unknown},
		{0.8, 0.8, "debt", "debt", swapset.Unknown},
		{0.9, 0.7, "debt", "income", swapset.Bad},
		{1, 0.9, "", "income", swapset.Unknown},
	} {
		for range 10 {
			champion = append(champion, decided(row.champion, row.from))
			challenger = append(challenger, decided(row.challenger, row.to))
			rows.Outcomes = append(rows.Outcomes, row.outcome)
		}
	}
	return rows, champion, challenger
}

// Wanted by hand from the ten rows, which differ from each other as ten of each do. The challenger's mid-ranks are 2 1 3.5 5 7 6 3.5 9 8 10, so that the sums of squares about 5.5 are 82.5 and
// 82, and of products 71.5; the differences of the scores sum to 1.2.
func TestCompareByHand(t *testing.T) {
	t.Parallel()
	rows, champion, challenger := byHand()
	s, err := swapset.Compare(rows, champion, challenger)
	require.NoError(t, err)
	require.Equal(t, 100, s.Rows)
	for name, test := range map[string]struct {
		rate      swapset.Rate
		count, of int
	}{
		"champion approves":            {s.Champion.Approved, 5, 10},
		"challenger approves":          {s.Challenger.Approved, 6, 10},
		"bad of the champion":          {s.Champion.Bad, 2, 4},   // rows 1 2 3 5
		"bad of the challenger":        {s.Challenger.Bad, 1, 4}, // rows 1 2 3 6
		"both approve":                 {s.BothApprove.Rows, 4, 10},
		"bad of both approve":          {s.BothApprove.Bad, 1, 3},
		"swapped in":                   {s.SwappedIn.Rows, 2, 10},
		"bad of swapped in":            {s.SwappedIn.Bad, 0, 1},
		"swapped out":                  {s.SwappedOut.Rows, 1, 10},
		"bad of swapped out":           {s.SwappedOut.Bad, 1, 1},
		"both decline":                 {s.BothDecline.Rows, 3, 10},
		"bad of both decline":          {s.BothDecline.Bad, 1, 1},
		"reason of both decline moves": {s.Reasons.Changed, 2, 3},
	} {
		require.Equal(t, []int{10 * test.count, 10 * test.of}, []int{test.rate.Count, test.rate.Of}, name)
		require.InDelta(t, float64(test.count)/float64(test.of), test.rate.Estimate, 1e-15, name)
	}
	require.True(t, s.OutcomesMeasured)
	require.InDelta(t, 0.1, s.Change.Estimate, 1e-15)
	require.Equal(t, []swapset.ReasonChange{{From: "", To: "income", Rows: 10}, {From: "debt", To: "income", Rows: 10}}, s.Reasons.Commonest)
	require.InDelta(t, 0.12, s.Scores.MeanAbsolute, 1e-12)
	require.InDelta(t, 0.1, s.Scores.KS, 1e-15)
	require.InDelta(t, 71.5/math.Sqrt(82.5*82), *s.Scores.Spearman, 1e-12)
}

// Nine outcomes, nine rows that change their reason, and nine rows' scores would speak of single persons.
func TestOfFewerThanTenOnlyTheirNumberIsSaid(t *testing.T) {
	t.Parallel()
	of := func(rows int) swapset.Shift {
		champion, challenger, outcomes := make([]decision.Decision, 2*rows), make([]decision.Decision, 2*rows), make([]swapset.Outcome, 2*rows)
		for i := range rows {
			champion[i], challenger[i], outcomes[i] = decided(0.3, ""), decided(0.3, ""), swapset.Bad
			champion[rows+i], challenger[rows+i] = decided(0.9, "debt"), decided(0.8, "income")
		}
		s, err := swapset.Compare(swapset.Rows{Outcomes: outcomes}, champion, challenger)
		require.NoError(t, err)
		return s
	}
	few := of(9)
	require.True(t, few.OutcomesMeasured)
	for _, bad := range []swapset.Rate{few.Champion.Bad, few.Challenger.Bad, few.BothApprove.Bad} {
		require.Equal(t, swapset.Rate{Upper: 1}, bad)
	}
	require.Empty(t, few.Reasons.Commonest)
	require.Equal(t, []int{9, 9, 9}, []int{few.BothApprove.Rows.Count, few.Reasons.Changed.Count, few.Reasons.Others})
	require.NotNil(t, few.Scores, "of eighteen rows")
	require.Nil(t, of(4).Scores)

	enough := of(10)
	for _, bad := range []swapset.Rate{enough.Champion.Bad, enough.Challenger.Bad, enough.BothApprove.Bad} {
		require.Equal(t, []int{10, 10}, []int{bad.Count, bad.Of})
	}
	require.Equal(t, []swapset.ReasonChange{{From: "debt", To: "income", Rows: 10}}, enough.Reasons.Commonest)
	require.Zero(t, enough.Reasons.Others)
	require.NotNil(t, of(5).Scores)
}

// Wanted values: Wilson's formula in Python; for the difference the R function diffpropci that Agresti publishes at
// http://users.stat.ufl.edu/~aa/cda/R/matched/R2_matched/index.html, worked in Python.
func TestIntervals(t *testing.T) {
	t.Parallel()
	s := flips(t, 100, 20, 8)
	require.InDelta(t, 0.2, s.SwappedIn.Rows.Estimate, 1e-15)
	require.InDelta(t, 0.1333669333, s.SwappedIn.Rows.Lower, 1e-9)
	require.InDelta(t, 0.2888291656, s.SwappedIn.Rows.Upper, 1e-8)
	require.InDelta(t, 0.12, s.Change.Estimate, 1e-15)
	require.InDelta(t, 12.0/102-1.959963984540054*math.Sqrt(29-144.0/102)/102, s.Change.Lower, 1e-12)
	require.InDelta(t, 0.2185746434, s.Change.Upper, 1e-8)

	require.InDelta(t, 1, flips(t, 5, 5, 0).Change.Upper, 0, "an interval stays within what a difference can be")
}

// flips is rows of which some go from decline to approve, some the other way, and the others are approved by both.
func flips(t *testing.T, rows, in, out int) swapset.Shift {
	t.Helper()
	champion, challenger := make([]decision.Decision, rows), make([]decision.Decision, rows)
	for i := range rows {
		champion[i], challenger[i] = decided(0.2, ""), decided(0.2, "")
		if i < in {
			champion[i] = decided(0.7, "debt")
		} else if i < in+out {
			challenger[i] = decided(0.7, "debt")
		}
	}
	s, err := swapset.Compare(swapset.Rows{}, champion, challenger)
	require.NoError(t, err)
	return s
}

func TestWhatIsNotMeasuredSaysSo(t *testing.T) {
	t.Parallel()
	nothing := swapset.Rate{Upper: 1}
	_, champion, challenger := byHand()
	s, err := swapset.Compare(swapset.Rows{}, champion, challenger)
	require.NoError(t, err)
	require.False(t, s.OutcomesMeasured)
	for _, bad := range []swapset.Rate{s.Champion.Bad, s.Challenger.Bad, s.BothApprove.Bad, s.SwappedIn.Bad, s.SwappedOut.Bad, s.BothDecline.Bad} {
		require.Equal(t, nothing, bad)
		require.False(t, bad.Measured())
	}

	s, err = swapset.Compare(swapset.Rows{Segments: []swapset.Column{{Name: "purpose"}}}, nil, nil)
	require.NoError(t, err)
	require.Zero(t, s.Rows)
	require.Equal(t, nothing, s.Champion.Approved)
	require.Equal(t, swapset.Difference{Lower: -1, Upper: 1}, s.Change)
	require.Nil(t, s.Scores)
	document, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(document), `"segments":[{"column":"purpose","values":[]}]`)
	require.NotContains(t, string(document), "null")

	constant, other := slices.Repeat([]decision.Decision{decided(0.3, "")}, 10), slices.Repeat([]decision.Decision{decided(0.1, ""), decided(0.2, "")}, 5)
	s, err = swapset.Compare(swapset.Rows{}, constant, other)
	require.NoError(t, err)
	require.Nil(t, s.Scores.Spearman)
	require.InDelta(t, 1, s.Scores.KS, 0)
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	good := []decision.Decision{decided(0.1, "")}
	for says, test := range map[string]struct {
		rows                 swapset.Rows
		champion, challenger []decision.Decision
	}{
		"1 decisions of the champion and 0":     {swapset.Rows{}, good, nil},
		"challenger's score is no probability":  {swapset.Rows{}, good, []decision.Decision{{Probability: math.NaN(), Verdict: decision.Approve}}},
		"champion's score is no probability":    {swapset.Rows{}, []decision.Decision{{Probability: 1.1, Verdict: decision.Approve}}, good},
		"row 1: the challenger's score":         {swapset.Rows{}, good, []decision.Decision{{Probability: -0.1, Verdict: decision.Approve}}},
		"verdict is neither":                    {swapset.Rows{}, good, []decision.Decision{{Probability: 0.1, Verdict: "refer"}}},
		"2 outcomes for 1 rows":                 {swapset.Rows{Outcomes: make([]swapset.Outcome, 2)}, good, good},
		"row 1: outcome 3 is none":              {swapset.Rows{Outcomes: []swapset.Outcome{3}}, good, good},
		`segment "purpose" has 2 values for 1`:  {swapset.Rows{Segments: []swapset.Column{{Name: "purpose", Values: []string{"a", "b"}}}}, good, good},
		"6 segments; at most 5":                 {swapset.Rows{Segments: make([]swapset.Column, 6)}, good, good},
		"0 outcomes for 1 rows":                 {swapset.Rows{Outcomes: []swapset.Outcome{}}, good, good},
		"champion's verdict is neither approve": {swapset.Rows{}, []decision.Decision{{}}, good},
	} {
		_, err := swapset.Compare(test.rows, test.champion, test.challenger)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), says)
		require.ErrorContains(t, err, says)
	}
}
