package swapset_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/swapset"
)

// segmented compares rows that the champion declines and the challenger approves, counts of them for each value.
func segmented(t *testing.T, outcome func(row int) swapset.Outcome, counts ...int) []swapset.SegmentValue {
	t.Helper()
	var rows swapset.Rows
	column := swapset.Column{Name: "purpose"}
	var champion, challenger []decision.Decision
	for value, count := range counts {
		for range count {
			rows.Outcomes = append(rows.Outcomes, outcome(len(champion)))
			column.Values = append(column.Values, fmt.Sprintf("v%02d", value))
			champion, challenger = append(champion, decided(0.7, "debt")), append(challenger, decided(0.2, ""))
		}
	}
	rows.Segments = []swapset.Column{column}
	s, err := swapset.Compare(rows, champion, challenger)
	require.NoError(t, err)
	require.Equal(t, "purpose", s.Segments[0].Column)
	return s.Segments[0].Values
}

func unknown(int) swapset.Outcome { return swapset.Unknown }

// Wanted by hand: value, how many it merges, rows.
func TestSegmentsHaveNoSmallCells(t *testing.T) {
	t.Parallel()
	type cell struct {
		value        string
		merged, rows int
	}
	many := make([]int, 25)
	wanted := make([]cell, 0, 21)
	for i := range many {
		many[i] = 40 - i
		if i < 20 {
			wanted = append(wanted, cell{fmt.Sprintf("v%02d", i), 0, 40 - i})
		}
	}
	wanted = append(wanted, cell{"", 5, 20 + 19 + 18 + 17 + 16})
	for _, test := range []struct {
		name   string
		counts []int
		want   []cell
	}{
		{"by rows, then by name", []int{10, 30, 10}, []cell{{"v01", 0, 30}, {"v00", 0, 10}, {"v02", 0, 10}}},
		{"small values together", []int{30, 5, 6}, []cell{{"v00", 0, 30}, {"", 2, 11}}},
		{"a single small one would be the remainder to the total", []int{30, 20, 1}, []cell{{"v00", 0, 30}, {"", 2, 21}}},
		{"nothing but small ones", []int{5, 6}, []cell{{"", 2, 11}}},
		{"fewer rows than a cell", []int{3}, []cell{{"", 1, 3}}},
		{"a small one beside one value", []int{12, 1}, []cell{{"", 2, 13}}},
		{"more than twenty values", many, wanted},
	} {
		var got []cell
		for _, value := range segmented(t, unknown, test.counts...) {
			got = append(got, cell{value.Value, value.Merged, value.Rows})
			require.Equal(t, value.Rows, value.SwappedIn.Rows.Count, test.name)
			require.Equal(t, []int{0, value.Rows}, []int{value.Champion.Count, value.Challenger.Count}, test.name)
		}
		require.Equal(t, test.want, got, test.name)
	}
}

func TestASegmentsBadRateRestsOnTenOutcomes(t *testing.T) {
	t.Parallel()
	first := func(known int) func(int) swapset.Outcome {
		return func(row int) swapset.Outcome {
			switch {
			case row >= known:
				return swapset.Unknown
			case row%2 == 0:
				return swapset.Bad
			default:
				return swapset.Good
			}
		}
	}
	require.Equal(t, swapset.Rate{Upper: 1}, segmented(t, first(9), 30)[0].SwappedIn.Bad)
	bad := segmented(t, first(10), 30)[0].SwappedIn.Bad
	require.Equal(t, []int{5, 10}, []int{bad.Count, bad.Of})
	merged := segmented(t, first(12), 6, 6)[0].SwappedIn.Bad
	require.Equal(t, []int{6, 12}, []int{merged.Count, merged.Of}, "rare values' outcomes add up")
}
