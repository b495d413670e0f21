package swapset_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/swapset"
)

// Wanted by hand: the most rows first, equal ones by name, the field before the field after, and no more than ten; all of them count as changed.
func TestCommonestReasonChanges(t *testing.T) {
	t.Parallel()
	var champion, challenger []decision.Decision
	add := func(rows int, from, to string) {
		for range rows {
			champion, challenger = append(champion, decided(0.9, from)), append(challenger, decided(0.8, to))
		}
	}
	add(1, "income", "debt")
	add(2, "b", "income")
	add(5, "b", "debt")
	add(2, "a", "income")
	add(40, "debt", "debt")
	for i := range 9 {
		add(1, "tenure", fmt.Sprintf("f%d", i))
	}
	s, err := swapset.Compare(swapset.Rows{}, champion, challenger)
	require.NoError(t, err)
	require.Equal(t, []int{19, 59}, []int{s.Reasons.Changed.Count, s.Reasons.Changed.Of})
	want := []swapset.ReasonChange{{From: "b", To: "debt", Rows: 5}, {From: "a", To: "income", Rows: 2}, {From: "b", To: "income", Rows: 2}, {From: "income", To: "debt", Rows: 1}}
	for i := range 6 {
		want = append(want, swapset.ReasonChange{From: "tenure", To: fmt.Sprintf("f%d", i), Rows: 1})
	}
	require.Equal(t, want, s.Reasons.Commonest)
}
