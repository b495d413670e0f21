package clean

import (
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// dates reads days in formats of a spec, the first that fits.
type dates struct {
	formats [][]string // tokens, see pipeline.DateTokens
	first   int        // the first year that YY can mean
}

func newDates(of pipeline.ColumnType, spec *pipeline.DateIn) (*dates, error) {
	if of != pipeline.Day {
		return nil, fault.New(fault.Invalid, "a date step cleans dates")
	}
	d := &dates{first: spec.FirstYear()}
	for _, format := range spec.Formats {
		tokens := pipeline.DateTokens(format)
		if tokens == nil {
			return nil, fault.New(fault.Invalid, "format %q cannot be read", format)
		}
		d.formats = append(d.formats, tokens)
	}
	return d, nil
}

// text is the day as a step after it sees it: 2026-06-30.
func (d *dates) text(text string) (string, Fault) {
	day, ok := d.read(text)
	if !ok {
		if v, _ := blank(text, NoDate); v.Missing {
			return "", None
		}
		return "", NoDate
	}
	return iso(day), None
}

// read is the day in days since 1970-01-01.
func (d *dates) read(text string) (int64, bool) {
	for _, tokens := range d.formats {
		if day, ok := d.as(tokens, text); ok {
			return day, true
		}
	}
	return 0, false
}

// as reads a day in one format, blanks around it.
func (d *dates) as(tokens []string, text string) (int64, bool) {
	for text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	var year, month, day int
	var ok bool
	for _, token := range tokens {
		switch token {
		case "YYYY":
			year, text, ok = figures(text, 4, 4)
		case "YY":
			year, text, ok = figures(text, 2, 2)
			if year += d.first - d.first%100; year < d.first {
				year += 100
			}
		case "MMM":
			month, text, ok = monthNamed(text)
		case "MM":
			month, text, ok = figures(text, 2, 2)
		case "M":
			month, text, ok = figures(text, 1, 2)
		case "DD":
			day, text, ok = figures(text, 2, 2)
		case "D":
			day, text, ok = figures(text, 1, 2)
		default:
			if ok = text != "" && text[0] == token[0]; ok {
				text = text[1:]
			}
		}
		if !ok {
			return 0, false
		}
	}
	for text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	if text != "" {
		return 0, false
	}
	return dayOf(year, month, day)
}

// figures reads a number of at least so many digits, and of the most that are there.
func figures(text string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for ; i < most && i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		n = 10*n + int(text[i]-'0')
	}
	return n, text[i:], i >= least
}

// monthNamed reads a month's first three letters in English, in either case.
func monthNamed(text string) (month int, rest string, ok bool) {
	if len(text) < 3 {
		return 0, text, false
	}
	for i, name := range [...]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"} {
		if is(text[:3], name) {
			return i + 1, text[3:], true
		}
	}
	return 0, text, false
}

// iso writes 2026-06-30.
func iso(day int64) string { return time.Unix(86400*day, 0).UTC().Format(pipeline.DateLayout) }

// isoDay reads 2026-06-30.
func isoDay(text string) (int64, bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	year, _, ok := figures(text, 4, 4)
	month, _, okMonth := figures(text[5:], 2, 2)
	day, _, okDay := figures(text[8:], 2, 2)
	if !ok || !okMonth || !okDay {
		return 0, false
	}
	return dayOf(year, month, day)
}

// dayOf counts days since 1970-01-01 in the proleptic Gregorian calendar; false for a day that it does not have, and beyond MinYear and MaxYear.
// A year begins in March here, so that the leap day is its last (H. Hinnant, chrono-compatible low-level date algorithms,
// https://howardhinnant.github.io/date_algorithms.html#days_from_civil).
func dayOf(year, month, day int) (int64, bool) {
	if year < pipeline.MinYear || year > pipeline.MaxYear || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return 0, false
	}
	if month <= 2 {
		year--
		month += 12
	}
	const untilEpoch = 719468 // days from 0000-03-01 to 1970-01-01
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - untilEpoch, true
}

func daysOf(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
