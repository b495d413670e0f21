package feature

import (
	"slices"
	"time"
)

// Period is the days, from the first to the last, whose rows are kept together: they are computed and read as one.
type Period struct {
	First Day `json:"first"`
	Last  Day `json:"last"`
}

// crowded is how many rows of a month are too many to be computed anew for each row of it that comes late.
const crowded = 1 << 20

// Periods are those that a view's rows are kept by, ascending, where each day has so many rows: months in UTC, and of a crowded month each day that has rows.
// Small files cost more than the rows in them, and large ones are computed anew for a single row. The same rows give the same periods.
func Periods(rows map[Day]int64) []Period {
	months := map[Day]int64{} // by their first days
	for day, n := range rows {
		months[day.month()] += n
	}
	var periods []Period
	for month, n := range months {
		if n <= crowded {
			periods = append(periods, Period{month, InstantOf(month.Begin().Time().AddDate(0, 1, -1)).Day()})
		}
	}
	for day := range rows {
		if months[day.month()] > crowded {
			periods = append(periods, Period{day, day})
		}
	}
	slices.SortFunc(periods, func(a, b Period) int { return int(a.First) - int(b.First) })
	return periods
}

// month is the first day of the day's month.
func (d Day) month() Day {
	year, month, _ := d.Begin().Time().Date()
	return InstantOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)).Day()
}
