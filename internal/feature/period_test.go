package feature

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func dayAt(year int, month time.Month, day int) Day {
	return InstantOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)).Day()
}

// A month is one period, whatever days of it have rows, until it has more rows than are computed anew for one that comes late.
func TestPeriods(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows map[Day]int64
		want []Period
	}{
		"no rows": {},
		"months, also before 1970 and of a leap year": {
			rows: map[Day]int64{dayAt(2024, 2, 29): 1, dayAt(2024, 2, 1): 5, dayAt(1969, 12, 31): 1, dayAt(1970, 1, 1): 1, dayAt(2023, 12, 15): 9},
			want: []Period{
				{dayAt(1969, 12, 1), dayAt(1969, 12, 31)}, {dayAt(1970, 1, 1), dayAt(1970, 1, 31)}, {dayAt(2023, 12, 1), dayAt(2023, 12, 31)}, {dayAt(2024, 2, 1), dayAt(2024, 2, 29)},
			},
		},
		"as many as a month may have": {
			rows: map[Day]int64{dayAt(2024, 2, 3): crowded - 1, dayAt(2024, 2, 4): 1, dayAt(2024, 3, 1): 1},
			want: []Period{{dayAt(2024, 2, 1), dayAt(2024, 2, 29)}, {dayAt(2024, 3, 1), dayAt(2024, 3, 31)}},
		},
		"and one more": {
			rows: map[Day]int64{dayAt(2024, 2, 3): crowded - 1, dayAt(2024, 2, 29): 2, dayAt(2024, 3, 1): 1},
			want: []Period{{dayAt(2024, 2, 3), dayAt(2024, 2, 3)}, {dayAt(2024, 2, 29), dayAt(2024, 2, 29)}, {dayAt(2024, 3, 1), dayAt(2024, 3, 31)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, Periods(test.rows))
		})
	}
}
