package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Wanted by hand: 25 requests, one in a hundred, two institutions where there are more than one.
func TestManyRefusalsAreAFinding(t *testing.T) {
	t.Parallel()
	const window = 25 * time.Hour
	for _, test := range []struct {
		name                   string
		requests, refused      int64
		institutions, affected int
		window                 time.Duration
		found                  bool
	}{
		{"25 of 1,000", 1000, 25, 8, 2, window, true},
		{"24 of 1,000", 1000, 24, 8, 2, window, false},
		{"25 of 2,500", 2500, 25, 8, 2, window, true},
		{"25 of 2,501", 2501, 25, 8, 2, window, false},
		{"of one of two institutions", 1000, 25, 2, 1, window, false},
		{"of the only institution", 1000, 25, 1, 1, window, true},
		{"of nobody with a key", 1000, 25, 0, 0, window, true},
		{"after a weekend nobody knows of how many", 1000, 25, 8, 0, 0, true},
		{"more refused than counted", 10, 25, 8, 2, window, true},
	} {
		found := Refused(Refusals{
			Requests: test.requests, Institutions: test.institutions, Window: test.window,
			Each: []Refusal{{Field: "purpose", Rule: "domain", Requests: test.refused, Institutions: test.affected}},
		})
		require.Equal(t, test.found, len(found) == 1, test.name)
		for _, f := range found {
			require.Equal(t, []any{OfRequests, "purpose", Statistic("refused_domain"), 0.01, false}, []any{f.Kind, f.Feature, f.Statistic, f.Limit, f.Meaning}, test.name)
			require.LessOrEqual(t, f.Value, 1.0, test.name)
		}
	}
}
