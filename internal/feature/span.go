package feature

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// Span is a length of time, written as whole days (90d) or as hours, minutes and seconds (36h, 15m).
type Span time.Duration

const (
	oneDay  = 24 * time.Hour
	maxSpan = 3660 * oneDay
)

var daysText = regexp.MustCompile(`^[0-9]{1,4}d$`)

// UnmarshalText reads a span: one second to ten years, in whole seconds.
func (s *Span) UnmarshalText(text []byte) error {
	var span time.Duration
	if daysText.Match(text) {
		days, err := strconv.Atoi(strings.TrimSuffix(string(text), "d"))
		if err != nil {
			return err
		}
		span = time.Duration(days) * oneDay
	} else if parsed, err := time.ParseDuration(string(text)); err == nil {
		span = parsed
	}
	if span < time.Second || span > maxSpan || span%time.Second != 0 {
		return fault.New(fault.Invalid, "whole days such as 90d, or hours, minutes and seconds such as 36h or 15m are wanted, at most 3660d")
	}
	*s = Span(span)
	return nil
}

// MarshalText writes a span as UnmarshalText reads it, equal ones alike: 24h is 1d.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the span as a file has it.
func (s Span) String() string {
	d := time.Duration(s)
	if d%oneDay == 0 {
		return strconv.FormatInt(int64(d/oneDay), 10) + "d"
	}
	text := d.String() // such as 36h0m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
