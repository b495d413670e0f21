package pipeline

import (
	"strconv"
	"time"
)

// DateLayout is how a day is written.
const DateLayout = "2006-01-02"

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
