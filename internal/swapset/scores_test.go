package swapset_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/swapset"
)

// Wanted by hand: cells are 0.04 wide and a bound belongs to the lower one, so 0.04 is in cell 0, 0.05 in 1, 0.5 in 12 and 1 in 24; nine rows are no cell.
func TestGridByHand(t *testing.T) {
	t.Parallel()
	var champion, challenger []decision.Decision
	for _, cell := range []struct {
		rows int
		a, b float64
	}{{12, 0.5, 0.04}, {9, 0.9, 0.9}, {10, 0.04, 1}, {11, 0.04, 0.05}} {
		for range cell.rows {
			champion, challenger = append(champion, decided(cell.a, "")), append(challenger, decided(cell.b, ""))
		}
	}
	s, err := swapset.Compare(swapset.Rows{}, champion, challenger)
	require.NoError(t, err)
	require.Equal(t, []swapset.Cell{
		{Champion: 0, Challenger: 1, Rows: 11}, {Champion: 0, Challenger: 24, Rows: 10}, {Champion: 12, Challenger: 0, Rows: 12},
	}, s.Scores.Grid)
}

func TestScoresOfTwoMeaningsAreNotCompared(t *testing.T) {
	t.Parallel()
	_, champion, challenger := byHand()
	s, err := swapset.Compare(swapset.Rows{MeaningsDiffer: true}, champion, challenger)
	require.NoError(t, err)
	require.Nil(t, s.Scores)
	require.Equal(t, 20, s.SwappedIn.Rows.Count, "verdicts mean the same whatever scores do")
	document, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(document), `"scores"`)
}
