package pipeline

import (
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

// DateLayout is how a day is written.
const DateLayout = "2006-01-02"

// CheckDay refuses what is no day as DateLayout has it; an empty text names none. The name is that of the flag or key.
func CheckDay(name, text string) error {
	if _, err := time.Parse(DateLayout, text); err != nil && text != "" {
		return fault.New(fault.Invalid, "%s is %q; a day such as 2026-06-30 is wanted", name, clip(text))
	}
	return nil
}

// CheckUntil refuses what CheckDay refuses, and a day after the last (UTC) of which it can be known what is known then: today, but see Source.Last.
func CheckUntil(name, text string, last time.Time) error {
	if err := CheckDay(name, text); err != nil {
		return err
	}
	if until := last.UTC().Format(DateLayout); text > until {
		return fault.New(fault.Invalid, "%s is %s, which is yet to come: outcomes would count as final of which nobody knows what they will be; a day until %s (UTC) is wanted", name, text, until)
	}
	return nil
}

// UnmarshalYAML reads a day.
func (d *Date) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	day, err := time.Parse(DateLayout, text)
	d.Time = day
	return err
}

// MarshalJSON writes the day alone.
func (d Date) MarshalJSON() ([]byte, error) {
	return []byte(strconv.Quote(d.Format(DateLayout))), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Date) UnmarshalJSON(data []byte) error {
	text, err := strconv.Unquote(string(data))
	if err != nil {
		return err
	}
	d.Time, err = time.Parse(DateLayout, text)
	return err
}
