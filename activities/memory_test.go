package activities

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/registry"
)

// What a look must know of those before it, by hand. The newest comes first, as the registry tells them.
func TestMemory(t *testing.T) {
	t.Parallel()
	look := func(asOf, until, dataset, outcomes, tested string) registry.Look {
		return registry.Look{Champion: 1, Rows: 600, AsOf: asOf, Until: until, Dataset: dataset, Outcomes: outcomes, Enough: tested != "", Tested: json.RawMessage(tested)}
	}
	day1, day2 := "2026-06-01", "2026-06-02"
	for _, test := range []struct {
		name          string
		looks         []registry.Look
		asOf          string
		dataset       string
		nth           int
		until, tested string
	}{
		{"none", nil, day2, "b", 1, "", ""},
		{"the rows of a day that came after it was looked at are new", []registry.Look{look(day1, "2026-05-31", "a", "o", "1")}, day2, "b", 2, "2026-05-31", "1"},
		{"too few rows wait, and are a look at outcomes", []registry.Look{look(day1, "2026-05-31", "a", "o", "")}, day2, "b", 2, "", ""},
		{"the same rows on the same day are one look", []registry.Look{look(day1, "2026-05-31", "a", "o", "1"), look(day1, "2026-05-31", "a", "o", "1")}, day2, "b", 2, "2026-05-31", "1"},
		{"looks of few rows use up no chance of an error", []registry.Look{{Champion: 1, AsOf: day1, Rows: 99, Dataset: "a"}, {Champion: 1, AsOf: day2, Rows: 99, Dataset: "c"}}, day2, "b", 1, "", ""},
		{"other outcomes are another", []registry.Look{look(day1, "2026-05-31", "a", "p", "1"), look(day1, "2026-05-31", "a", "o", "1")}, day2, "b", 3, "2026-05-31", "1"},
		{"other rows too, and what they tested is not forgotten for a repetition", []registry.Look{
			look(day1, "2026-05-31", "a", "o", "1"), look(day1, "2026-05-31", "b", "o", "2"), look(day1, "2026-05-31", "a", "o", "1"),
		}, day2, "c", 3, "2026-05-31", "2"},
		{"a look is repeated as it was", []registry.Look{look(day2, day1, "b", "o", "2"), look(day1, "2026-05-31", "a", "o", "1")}, day2, "b", 2, "2026-05-31", "1"},
		{"other rows of the day count", []registry.Look{look(day2, day1, "b", "o", "2"), look(day1, "2026-05-31", "a", "o", "1")}, day2, "c", 3, "2026-05-31", "2"},
		{"so do 24 looks a day", []registry.Look{look(day2, day1, "c", "o", "3"), look(day2, day1, "b", "o", "2"), look(day2, day1, "a", "o", "1")}, day2, "d", 4, "", "3"},
		{"a later day says nothing of an earlier one", []registry.Look{look(day2, day1, "b", "o", "2")}, day1, "a", 1, "", ""},
		{"nor another champion, nor rows of their own", []registry.Look{{Champion: 2, AsOf: day1, Enough: true}, {Champion: 1, AsOf: day1, Data: "x.csv", Enough: true}}, day2, "a", 1, "", ""},
	} {
		m, until := remember(test.looks, 1, test.asOf, true)
		require.Equal(t, test.until, until, test.name)
		require.Equal(t, test.nth, m.NthOf(test.dataset, "o"), test.name)
		require.Equal(t, test.tested, string(m.TestedBefore(test.dataset)), test.name)
	}
}
