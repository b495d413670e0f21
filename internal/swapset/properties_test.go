package swapset_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/swapset"
)

// sample draws rows with many ties, missing values and rare ones.
func sample(t *rapid.T) (rows swapset.Rows, champion, challenger []decision.Decision) {
	n := rapid.IntRange(0, 120).Draw(t, "rows")
	fields := rapid.SampledFrom([]string{"", "debt", "income", "inquiries"})
	score := rapid.Custom(func(t *rapid.T) float64 {
		if rapid.Bool().Draw(t, "tie") {
			return float64(rapid.IntRange(0, 50).Draw(t, "fiftieth")) / 50
		}
		return rapid.Float64Range(0, 1).Draw(t, "score")
	})
	purpose := swapset.Column{Name: "purpose", Values: []string{}}
	for range n {
		champion = append(champion, decided(score.Draw(t, "champion"), fields.Draw(t, "from")))
		challenger = append(challenger, decided(score.Draw(t, "challenger"), fields.Draw(t, "to")))
		rows.Outcomes = append(rows.Outcomes, swapset.Outcome(rapid.IntRange(0, 2).Draw(t, "outcome")))
		purpose.Values = append(purpose.Values, fmt.Sprintf("v%d", rapid.IntRange(0, 6).Draw(t, "purpose")))
	}
	rows.Segments = []swapset.Column{purpose}
	return rows, champion, challenger
}

func TestTheTableSumsToTheRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, champion, challenger := sample(t)
		s, err := swapset.Compare(rows, champion, challenger)
		require.NoError(t, err)
		in, out, both := s.SwappedIn.Rows.Count, s.SwappedOut.Rows.Count, s.BothApprove.Rows.Count
		require.Equal(t, s.Rows, both+in+out+s.BothDecline.Rows.Count)
		require.Equal(t, s.Champion.Approved.Count, both+out)
		require.Equal(t, s.Challenger.Approved.Count, both+in)
		if s.BothApprove.Bad.Measured() && s.SwappedOut.Bad.Measured() {
			require.Equal(t, s.Champion.Bad.Count, s.BothApprove.Bad.Count+s.SwappedOut.Bad.Count)
		}
		for _, bad := range []swapset.Rate{
			s.Champion.Bad, s.Challenger.Bad, s.BothApprove.Bad, s.SwappedIn.Bad, s.SwappedOut.Bad, s.BothDecline.Bad,
		} {
			require.True(t, !bad.Measured() || bad.Of >= swapset.MinCell)
		}
		require.InDelta(t, s.Challenger.Approved.Estimate-s.Champion.Approved.Estimate, s.Change.Estimate, 1e-12)
		require.LessOrEqual(t, s.Change.Lower, s.Change.Estimate)
		require.GreaterOrEqual(t, s.Change.Upper, s.Change.Estimate)
		require.Equal(t, s.BothDecline.Rows.Count, s.Reasons.Changed.Of)

		sum, parts := 0, 0
		for _, value := range s.Segments[0].Values {
			sum += value.Rows
			parts += value.SwappedIn.Rows.Count
			require.True(t, value.Rows >= swapset.MinCell || len(s.Segments[0].Values) == 1, "a small cell: %+v", value)
			require.True(t, value.SwappedIn.Bad.Of == 0 || value.SwappedIn.Bad.Of >= swapset.MinCell)
		}
		require.Equal(t, s.Rows, sum)
		require.Equal(t, in, parts)
		require.Equal(t, s.Rows >= swapset.MinCell, s.Scores != nil)
		if s.Scores != nil {
			for _, cell := range s.Scores.Grid {
				require.GreaterOrEqual(t, cell.Rows, swapset.MinCell)
			}
		}
	})
}

func TestExchangedSidesSwapTheOtherWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, champion, challenger := sample(t)
		there, err := swapset.Compare(rows, champion, challenger)
		require.NoError(t, err)
		back, err := swapset.Compare(rows, challenger, champion)
		require.NoError(t, err)
		require.Equal(t, there.SwappedIn, back.SwappedOut)
		require.Equal(t, there.SwappedOut, back.SwappedIn)
		require.Equal(t, there.BothApprove, back.BothApprove)
		require.Equal(t, there.Champion, back.Challenger)
		require.Equal(t, there.Reasons.Changed, back.Reasons.Changed)
		require.InDelta(t, there.Change.Lower, -back.Change.Upper, 1e-15)
		if there.Scores != nil {
			require.InDelta(t, there.Scores.KS, back.Scores.KS, 0)
			require.InDelta(t, there.Scores.MeanAbsolute, back.Scores.MeanAbsolute, 0)
		}
	})
}

func TestTheOrderOfRowsChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, champion, challenger := sample(t)
		order := make([]int, len(champion))
		for i := range order {
			order[i] = i
		}
		order = rapid.Permutation(order).Draw(t, "order")
		moved := swapset.Rows{Segments: []swapset.Column{{Name: "purpose", Values: permuted(rows.Segments[0].Values, order)}}}
		if rows.Outcomes != nil {
			moved.Outcomes = permuted(rows.Outcomes, order)
		}
		want, err := swapset.Compare(rows, champion, challenger)
		require.NoError(t, err)
		got, err := swapset.Compare(moved, permuted(champion, order), permuted(challenger, order))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func permuted[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for i, from := range order {
		out[i] = values[from]
	}
	return out
}

func TestASideAgainstItselfDiffersInNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, champion, _ := sample(t)
		s, err := swapset.Compare(rows, champion, champion)
		require.NoError(t, err)
		require.Zero(t, s.SwappedIn.Rows.Count+s.SwappedOut.Rows.Count+s.Reasons.Changed.Count)
		require.Zero(t, s.Change.Estimate)
		require.Empty(t, s.Reasons.Commonest)
		if s.Scores != nil {
			require.Zero(t, s.Scores.MeanAbsolute)
			require.Zero(t, s.Scores.KS)
		}
		if s.Scores != nil && s.Scores.Spearman != nil {
			require.InDelta(t, 1, *s.Scores.Spearman, 0)
		}
		for _, value := range s.Segments[0].Values {
			require.Equal(t, value.Champion, value.Challenger)
		}
	})
}
