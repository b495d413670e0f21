package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted values: by hand. It is still the 29th in UTC where the clock of whoever asks says the 30th.
func TestNothingIsKnownOfADayToCome(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 30, 1, 0, 0, 0, time.FixedZone("east", 2*60*60))
	day := func(text string) pipeline.Date {
		at, err := time.Parse(pipeline.DateLayout, text)
		require.NoError(t, err)
		return pipeline.Date{Time: at}
	}
	simulated := func(to string) pipeline.Source { return pipeline.Source{Simulate: &pipeline.Simulate{To: day(to)}} }
	known := func(text string) *pipeline.Date { at := day(text); return &at }
	for _, test := range []struct {
		name   string
		source pipeline.Source
		asOf   string
		want   string
		says   string // why not
	}{
		{"today", pipeline.Source{}, "", "2026-11-29", ""},
		{"as of today", pipeline.Source{}, "2026-11-29", "2026-11-29", ""},
		{"as of tomorrow", pipeline.Source{}, "2026-11-30", "", `"as_of" is 2026-11-30, which is yet to come: outcomes would count as final of which nobody knows what they will be; a day until 2026-11-29 (UTC) is wanted`},
		{"the spec says it", pipeline.Source{KnownAt: known("2014-12-31")}, "", "2014-12-31", ""},
		{"the spec says a day to come", pipeline.Source{KnownAt: known("2026-12-31")}, "", "", `source.known_at is 2026-12-31, which is yet to come`},
		{"a day goes before it", pipeline.Source{KnownAt: known("2026-12-31")}, "2026-06-30", "2026-06-30", ""},
		{"a simulated past", simulated("2026-06-30"), "", "2026-06-30", ""},
		{"after it", simulated("2026-06-30"), "2026-11-29", "2026-11-29", ""},
		{"to come after it", simulated("2026-06-30"), "2026-11-30", "", `"as_of" is 2026-11-30`},
		{"a simulated future", simulated("2030-06-30"), "", "2030-06-30", ""},
		{"within it", simulated("2030-06-30"), "2030-01-31", "2030-01-31", ""},
		{"after a simulated future", simulated("2030-06-30"), "2030-07-01", "", `a day until 2030-06-30 (UTC) is wanted`},
		{"no day, where days to come are known", simulated("2030-06-30"), "2027-13-01", "", `"as_of" is "2027-13-01"; a day such as`},
		{"rows in place of a simulated past", simulated("2026-06-30").Given("rows.csv"), "", "2026-11-29", ""},
		{"rows in place of a simulated future", simulated("2030-06-30").Given("rows.csv"), "", "2026-11-29", ""},
		{"to come for these", simulated("2030-06-30").Given("rows.csv"), "2030-01-31", "", `a day until 2026-11-29 (UTC) is wanted`},
		{"the spec says it of whatever rows", pipeline.Source{KnownAt: known("2014-12-31")}.Given("rows.csv"), "", "2014-12-31", ""},
		{"no rows in its place", simulated("2026-06-30").Given(""), "", "2026-06-30", ""},
	} {
		got, err := test.source.Known(test.asOf, today)
		require.Equal(t, test.want, got, test.name)
		if test.says == "" {
			require.NoError(t, err, test.name)
			continue
		}
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.name)
		require.ErrorContains(t, err, test.says, test.name)
	}
}
