package swapset_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/swapset"
)

// Wanted by hand: the most rows first, equal ones by name, the field before the field after, none of fewer than ten rows and no more than ten; all of
// them count as changed, and the two that come eleventh and twelfth are among the others.
func TestCommonestReasonChanges(t *testing.T) {
	t.Parallel()
	var champion, challenger []decision.Decision
	add := func(rows int, from, to string) {
		for range rows {
			champion, challenger = append(champion, decided(0.9, from)), append(challenger, decided(0.8, to))
		}
	}
	add(9, "purpose", "debt")
	add(11, "income", "debt")
	add(12, "b", "income")
	add(15, "b", "debt")
	add(12, "a", "income")
	add(40, "debt", "debt")
	for i := range 8 {
		add(10, "tenure", fmt.Sprintf("f%d", i))
	}
	s, err := swapset.Compare(swapset.Rows{}, champion, challenger)
	require.NoError(t, err)
	require.Equal(t, []int{139, 179}, []int{s.Reasons.Changed.Count, s.Reasons.Changed.Of})
	want := []swapset.ReasonChange{{From: "b", To: "debt", Rows: 15}, {From: "a", To: "income", Rows: 12}, {From: "b", To: "income", Rows: 12}, {From: "income", To: "debt", Rows: 11}}
	for i := range 6 {
		want = append(want, swapset.ReasonChange{From: "tenure", To: fmt.Sprintf("f%d", i), Rows: 10})
	}
	require.Equal(t, want, s.Reasons.Commonest)
	require.Equal(t, 9+10+10, s.Reasons.Others)
}
