package profile

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/dataset"
)

// maxPeriods is how many periods are told apart before months become quarters, quarters years, and so on.
const maxPeriods = 24

// units are the lengths of periods in months; each divides the next.
var units = []int{1, 3, 12, 60, 120}

// undated is the key of the rows without a day.
const undated = math.MinInt

// calendar is the periods in which rows lie, by key. Only those with rows are in it, so that one wrong date does not coarsen the others.
type calendar struct {
	unit    int // index into units
	periods []dated
}

// dated is the rows of one period.
type dated struct {
	key   int // months since year 0, divided by the unit
	tally tally
}

// newCalendar finds the periods of a batch, and the place in them of each row.
func newCalendar(days *dataset.Column, rows int) (c calendar, period []uint8) {
	months, seen := make([]int, rows), map[int]tally{}
	lastDay, lastMonth := math.NaN(), undated
	for i := range months {
		months[i] = undated
		if days != nil && days.Kind != dataset.Text {
			if day := days.Day(i); day != lastDay {
				lastDay, lastMonth = day, monthOf(day)
			}
			months[i] = lastMonth
		}
	}
	for _, month := range months {
		if _, known := seen[month]; !known {
			seen[month] = tally{}
		}
	}
	places := c.keep(0, seen)
	period = make([]uint8, rows)
	for i, month := range months {
		if i > 0 && month == months[i-1] {
			period[i] = period[i-1]
			continue
		}
		period[i] = uint8(places[month])
	}
	return c, period
}

func monthOf(day float64) int {
	if math.IsNaN(day) {
		return undated
	}
	year, month, _ := time.Unix(int64(day)*24*60*60, 0).UTC().Date()
	return year*12 + int(month) - 1
}

// coarser is the key of a period in a longer unit.
func coarser(key, from, to int) int {
	if key == undated {
		return key
	}
	return key * units[from] / units[to]
}

// keep makes the calendar of rows by their keys in a unit, in that unit or the first longer one that has few enough periods. It returns the
// place of each key. Which unit that is depends on all rows alone: no part of them needs a longer one than the whole.
func (c *calendar) keep(unit int, rows map[int]tally) (places map[int]int) {
	keys := slices.Sorted(maps.Keys(rows))
	for c.unit = unit; ; c.unit++ {
		c.periods = c.periods[:0]
		places = make(map[int]int, len(keys))
		for _, key := range keys { // coarser keys keep the order
			coarse := coarser(key, unit, c.unit)
			if n := len(c.periods); n == 0 || c.periods[n-1].key != coarse {
				c.periods = append(c.periods, dated{key: coarse})
			}
			places[key] = len(c.periods) - 1
			c.periods[len(c.periods)-1].tally.add(rows[key])
		}
		if len(c.periods) <= maxPeriods || c.unit == len(units)-1 {
			return places
		}
	}
}

// count adds the rows of a batch.
func (c *calendar) count(b *batch) {
	for i, at := range b.period {
		c.periods[at].tally[b.class[i]]++
	}
}

// merge takes the periods of the next rows in, and returns where those of either are now.
func (c *calendar) merge(next *calendar) (mine, theirs []int) {
	unit, rows := max(c.unit, next.unit), map[int]tally{}
	for _, of := range []*calendar{c, next} {
		for _, p := range of.periods {
			key := coarser(p.key, of.unit, unit)
			sum := rows[key]
			sum.add(p.tally)
			rows[key] = sum
		}
	}
	var merged calendar
	places := merged.keep(unit, rows)
	where := func(of *calendar) []int {
		at := make([]int, len(of.periods))
		for i, p := range of.periods {
			at[i] = places[coarser(p.key, of.unit, unit)]
		}
		return at
	}
	mine, theirs = where(c), where(next)
	*c = merged
	return mine, theirs
}

// moved puts the figures of periods into their new places; those that meet are added.
func moved[T int | float64 | uint32](figures []T, places []int, periods int) []T {
	out := make([]T, periods)
	for i, x := range figures {
		out[places[i]] += x
	}
	return out
}

// name of a period: 2026-06, 2026 Q2, 2026, 2020–2024.
func (c *calendar) name(key int) string {
	month := key * units[c.unit]
	year := month / 12
	switch length := units[c.unit]; length {
	case 1:
		return fmt.Sprintf("%d-%02d", year, month%12+1)
	case 3:
		return fmt.Sprintf("%d Q%d", year, month%12/3+1)
	case 12:
		return fmt.Sprint(year)
	default:
		return fmt.Sprintf("%d–%d", year, year+length/12-1)
	}
}
