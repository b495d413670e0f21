package performance

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// decided is so many approved of so many.
func decided(approved, of int) []bool {
	return append(slices.Repeat([]bool{true}, approved), make([]bool, of-approved)...)
}

func within(t *testing.T, got *evaluate.Metric, estimate, lower, upper float64) {
	t.Helper()
	require.InDelta(t, estimate, got.Estimate, 1e-9)
	require.InDelta(t, lower, got.Lower, 1e-9)
	require.InDelta(t, upper, got.Upper, 1e-9)
}

// Wanted values: statsmodels' confint_proportions_2indep (newcomb, diff) and proportions_ztest.
func TestApproveAgainstStatsmodels(t *testing.T) {
	t.Parallel()
	a, err := Approve(Decided{Approved: decided(300, 1000)}, Decided{Approved: decided(450, 1200)}, Limits{})
	require.NoError(t, err)
	require.InDelta(t, 0.3, a.Overall.Rate.Estimate, 1e-12)
	within(t, a.Overall.Change, -0.075, -0.11413323621623267, -0.03531890402353173)
	require.InDelta(t, 0.00021963545724809053, a.Overall.P, 1e-12)
	require.Empty(t, a.Overall.Note)
}

func TestApproveBySegment(t *testing.T) {
	t.Parallel()
	window := Decided{Approved: append(decided(60, 100), decided(1, 3)...), Segments: []Segment{{"institution", append(slices.Repeat([]string{"bank"}, 100), "union", "x", "")}}}
	reference := Decided{Approved: decided(40, 100), Segments: []Segment{{"other", slices.Repeat([]string{"bank"}, 100)}, {"institution", slices.Repeat([]string{"bank"}, 100)}}}
	a, err := Approve(window, reference, Limits{})
	require.NoError(t, err)
	groups := a.Segments[0].Groups
	require.Len(t, groups, 2)
	require.Equal(t, "bank", groups[0].Name)
	require.InDelta(t, 0.2, groups[0].Change.Estimate, 1e-12)
	require.Equal(t, 3, groups[1].Merged)
	require.Equal(t, 3, groups[1].Rows)
	require.Nil(t, groups[1].Change)
	require.InDelta(t, 1, groups[1].P, 0)
	require.Equal(t, "not enough data to tell a change", groups[1].Note)
	none, err := Approve(Decided{}, reference, Limits{})
	require.NoError(t, err)
	require.Nil(t, none.Overall.Rate)
	window.Segments[0].Values = nil
	_, err = Approve(window, reference, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// The groups' rows sum to all, an interval holds its estimate, and no change is no change.
func TestApproveSums(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := Decided{Segments: []Segment{{Column: "a"}}}
		for range rapid.IntRange(1, 300).Draw(t, "rows") {
			d.Approved = append(d.Approved, rapid.Bool().Draw(t, "approved"))
			d.Segments[0].Values = append(d.Segments[0].Values, rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "value"))
		}
		a, err := Approve(d, d, Limits{Rows: 5})
		require.NoError(t, err)
		rows, approved := 0, 0
		for _, g := range append(a.Segments[0].Groups, a.Overall) {
			rows += g.Rows
			approved += g.Approved
			require.Equal(t, g.Rows, g.Reference)
			if g.Change != nil {
				require.Zero(t, g.Change.Estimate)
				require.True(t, g.Change.Lower <= 0 && g.Change.Upper >= 0)
				require.InDelta(t, 1, g.P, 1e-12)
			}
		}
		require.Equal(t, 2*len(d.Approved), rows)
		require.Equal(t, 2*a.Overall.Approved, approved)
	})
}
