package performance

import (
	"cmp"
	"slices"
)

// tally is how many of some rows were approved.
type tally struct{ rows, approved int }

func (t tally) count() int { return t.rows }

func (t tally) rate() float64 { return float64(t.approved) / float64(t.rows) }

func (t tally) plus(other tally) tally {
	return tally{t.rows + other.rows, t.approved + other.approved}
}

func tallied(approved []bool) tally {
	t := tally{rows: len(approved)}
	for _, yes := range approved {
		if yes {
			t.approved++
		}
	}
	return t
}

// tallies are by value.
func tallies(values []string, approved []bool) map[string]tally {
	by := map[string]tally{}
	for i, value := range values {
		by[value] = by[value].plus(tallied(approved[i : i+1]))
	}
	return by
}

// byRows are the values by falling number of rows, equal ones by name.
func byRows[T any](by map[string]T, rows func(T) int) []string {
	names := make([]string, 0, len(by))
	for name := range by {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rows(by[b]), rows(by[a])), cmp.Compare(a, b)) })
	return names
}
